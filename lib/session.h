// Sessions: clients of a cache without a socket, for what lasts longer than one command.
//
// A Session takes arguments and answers with Reply trees:
//
//   absl::StatusOr<std::unique_ptr<larder::Session>> session = cache.NewSession();
//   if (!session.ok()) return session.status();
//   const std::vector<std::vector<std::string>> commands = {{"WATCH", "stock"}, {"MULTI"}, {"DECR", "stock"}, {"EXEC"}};
//   for (const std::vector<std::string>& argv : commands) {
//     absl::StatusOr<larder::Reply> reply = (*session)->Execute(argv);
//     if (!reply.ok()) return reply.status();
//     if (reply->is_error()) return reply->ToStatus();
//     std::cout << reply->DebugString() << '\n';  // EXEC: the array of replies, or nil if `stock` was changed
//   }
//
// A RespConnection takes and gives bytes, as a socket would:
//
//   absl::StatusOr<std::unique_ptr<larder::RespConnection>> connection = cache.NewConnection();
//   if (!connection.ok()) return connection.status();
//   absl::Status fed = (*connection)->Feed("*1\r\n$4\r\nPING\r\n");
//   if (!fed.ok()) return fed;
//   const std::string_view output = (*connection)->output();
//   std::cout << output;  // "+PONG\r\n"
//   (*connection)->ConsumeOutput(output.size());
//
// A Session starts as the unrestricted user, in database 0, and speaks RESP3 (its replies have maps, doubles...; HELLO
// 2 gives it RESP2's shapes). A RespConnection is held to requirepass as a remote client is, and starts with RESP2.
//
// Threads:   one at a time per object; any thread. Commands run in the cache's one order.
// Ownership: arguments and bytes are only read during the call. REQUIRES: sessions are destroyed before their cache.
// Errors:    a non-OK Status means that nothing was changed: CANCELLED (the cache is closed), FAILED_PRECONDITION
//            (inside View or Atomically, or in a forked child), RESOURCE_EXHAUSTED; but for DATA_LOSS: the command has
//            run, and there is no memory for its long reply. A refused command is a Reply that is_error(). A
//            RespConnection without memory for a reply is closed, as a socket would be.
#ifndef LARDER_SESSION_H_
#define LARDER_SESSION_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/export.h>
#include <larder/internal/views.h>
#include <larder/reply.h>

namespace larder::inline v0 {

namespace core {
class CacheCore;
}

class LARDER_API Session {
 public:
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Runs one command, waits for its turn and returns its reply, whole: CLIENT REPLY OFF and SKIP, by which a connection
  // saves bytes, are refused with an error reply here, inside MULTI in their place in EXEC's. After QUIT, or CLIENT
  // KILL of this session, FAILED_PRECONDITION. What MULTI has queued is in Stats::used_memory: at maxmemory, more of it
  // is refused and EXEC aborts, as in Redis. A reply over client-output-buffer-limit's hard limit for normal clients is
  // RESOURCE_EXHAUSTED, or DATA_LOSS if the command has changed something.
  absl::StatusOr<Reply> Execute(std::span<const std::string_view> argv);
  absl::StatusOr<Reply> Execute(std::initializer_list<std::string_view> argv) {
    return Execute(std::span<const std::string_view>(argv.begin(), argv.size()));
  }
  absl::StatusOr<Reply> Execute(std::span<const std::string> argv) {
    return internal::WithViews(argv, [&](std::span<const std::string_view> views) { return Execute(views); });
  }

 private:
  friend class Cache;
  struct Impl;
  static absl::StatusOr<std::unique_ptr<Session>> Create(core::CacheCore& core);
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class LARDER_API RespConnection {
 public:
  ~RespConnection();
  RespConnection(const RespConnection&) = delete;
  RespConnection& operator=(const RespConnection&) = delete;

  // Takes bytes as they come, cut anywhere, and runs every request that is complete, in order. The replies are in
  // output() when it returns. Other callers' commands may run between those of one call. Bytes after the client was
  // closed are ignored.
  // Errors: none of `bytes` was taken; feed them again, unless the cache is closed. FAILED_PRECONDITION inside View or
  // Atomically, RESOURCE_EXHAUSTED where there is no memory to begin with them. Once some are taken the call is OK,
  // whatever comes: if memory runs out for the rest, or the cache is closed, the client is closed(), as a socket would
  // be. Then the requests have run whose replies are in output(), and perhaps one more; the rest of the bytes is gone.
  absl::Status Feed(std::string_view bytes);

  // Replies not yet consumed. Valid until the next call. Empty also while there is no memory to put them in one piece.
  std::string_view output();
  void ConsumeOutput(size_t n);  // REQUIRES: n <= output().size()

  // The client has been closed, by QUIT, a protocol error, CLIENT KILL or a limit, for want of memory or with the
  // cache: send what is in output(), then hang up.
  bool closed() const;

 private:
  friend class Cache;
  struct Impl;
  static absl::StatusOr<std::unique_ptr<RespConnection>> Create(core::CacheCore& core);
  explicit RespConnection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace larder::inline v0

#endif  // LARDER_SESSION_H_
