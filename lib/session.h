// Sessions: clients of a cache without a socket, for state that lasts longer than one command.
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
// 2 gives it RESP2's shapes). A RespConnection must obey requirepass as a remote client must, and starts with RESP2.
//
// Threads:   any thread may use an object, one thread at a time. Commands run in the cache's one order.
// Ownership: arguments and bytes are only read during the call. REQUIRES: sessions are destroyed before their cache.
// Errors:    a non-OK Status means that nothing was changed: CANCELLED (the cache is closed), FAILED_PRECONDITION
//            (inside View or Atomically, or in a forked child), RESOURCE_EXHAUSTED. The exception is DATA_LOSS: the
//            command has run, and there is no memory for its long reply. A refused command is a Reply that is_error().
//            A RespConnection without memory for a reply is closed, as a socket would be.
#ifndef LARDER_SESSION_H_
#define LARDER_SESSION_H_

#include <cstdint>
#include <functional>
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

  // Waits for its turn, runs one command and returns its whole reply. A command that waits (BLPOP, XREAD BLOCK, WAIT)
  // holds this thread until it is served, its time is over by the cache's clock, or CLIENT UNBLOCK; CANCELLED if the
  // cache is closed meanwhile. What sends more than one reply (SUBSCRIBE, MONITOR...) is refused with an error reply:
  // take a RespConnection or Cache::Subscribe. So are CLIENT REPLY OFF and SKIP, by which a connection saves bytes;
  // inside MULTI the error is in their place in EXEC's reply. After QUIT, or CLIENT KILL of this session, Execute is
  // FAILED_PRECONDITION. MULTI's queue is in Stats::used_memory: at maxmemory, more commands for it are refused, and
  // EXEC aborts, as in Redis. A reply over client-output-buffer-limit's hard limit for normal clients is
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

  // Takes bytes, cut anywhere, and runs every complete request, in order. The replies are in output() when it returns.
  // Other callers' commands may run between those of one call. Bytes after the client was closed are ignored.
  // Errors: FAILED_PRECONDITION inside View or Atomically; RESOURCE_EXHAUSTED if there is no memory to begin with.
  // After an error none of `bytes` was taken; feed them again, unless the cache is closed. Once some are taken the call
  // is OK in any case: if memory runs out for the rest, or the cache is closed, the client is closed(), as a socket
  // would be. Then the requests whose replies are in output() have run, and perhaps one more; the rest of the bytes is
  // lost.
  absl::Status Feed(std::string_view bytes);

  // `on_output` is called when there is output that no Feed has caused: the reply of a command that has waited (BLPOP),
  // a message of a channel, a line of MONITOR; and when closed() has become true in the same way. It is a callback of the
  // cache: Options::background names its thread, and it comes inside nobody's call. It may make any call but Close and
  // Tick; since one thread at a time may use this object, it will mostly just tell that thread to call output(). It may
  // come once too often. It must not throw. An empty function ends it; the destructor waits until it has returned,
  // unless that is called from within it.
  void OnOutput(std::function<void()> on_output);

  // The replies that are not consumed yet; valid until the next call. A command that waits holds all that was fed after
  // it back. If its time is over, output() ends its wait, whoever does the cache's background work. It is empty also
  // while there is no memory to put them in one piece.
  std::string_view output();
  void ConsumeOutput(size_t n);  // REQUIRES: n <= output().size()

  // Whether the client has been closed, by QUIT, a protocol error, CLIENT KILL or a limit, for lack of memory or with
  // the cache. If so, send what is in output(), then hang up.
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
