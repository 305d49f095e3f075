// What a server of connections (net/server.h) needs of whoever answers: the seam between sockets and the cache. The
// cache's sessions stand behind it (net/cache_service.h), in tests a fake.
//
// A turn of the server, in these calls:
//
//   for each ready client:     PrepareRead, CommitRead, Parse, which adds its requests to the next batch
//   once:                      Submit
//   for each that had some:    Output, ConsumeOutput
//
// A client that has been opened, or had requests parsed, since the last Submit belongs to the next batch; until that
// has finished it is not the loop's: of it only Stopped may be called.
#ifndef LARDER_NET_SERVICE_H_
#define LARDER_NET_SERVICE_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <larder/options.h>
#include "lib/session/types.h"

namespace larder::inline v0::net {

// Which of client-output-buffer-limit's classes a client is in.
enum class OutputClass : uint8_t { kNormal, kReplica, kPubsub };

class Client {
 public:
  virtual ~Client() = default;

  // Where the next bytes are to go; empty if there is no memory for them. CommitRead or the client's end must follow.
  virtual std::span<char> PrepareRead() = 0;
  virtual void CommitRead(size_t n) = 0;  // n may be 0
  virtual session::Parsed Parse(const session::ParseQuota& quota) = 0;
  virtual size_t input_bytes() const = 0;  // read and not yet part of a request
  // Parse said kNothing because requests that have come may not run yet (CLIENT PAUSE), and that is over: parse again.
  virtual bool MayGoOn() const { return false; }
  // The batch has run, but not its requests: they are to run with the next. Others have their turn before that.
  virtual bool Unfinished() const { return false; }

  virtual size_t output_bytes() const = 0;
  virtual size_t Output(iovec* pieces, size_t max) const = 0;  // returns how many pieces
  virtual void ConsumeOutput(size_t n) = 0;

  // To be closed as soon as its output is sent. It will run nothing more.
  virtual bool CloseAfterOutput() const = 0;
  // To be closed at once. Both may be called at any time.
  virtual bool Stopped() const = 0;
  virtual bool Stop() = 0;  // makes it so; false if it was already, whose reason was counted by who did it
  virtual bool KeepWhenIdle() const = 0;  // `timeout` does not hold for it: it waits for something
  virtual OutputClass output_class() const = 0;
  // It needs no password, or has said it.
  virtual bool Admitted() const { return true; }
};

// What CONFIG SET may change while clients are served.
struct ServerSettings {
  uint32_t maxclients = 10000;
  int timeout_s = 0;
  int tcp_keepalive_s = 300;
  bool refuse_strangers = false;  // protected-mode, and no password
  // Who is not through its handshake or not admitted after so many seconds is closed; 0: places are not short.
  int admission_timeout_s = 0;
  uint64_t query_buffer_limit = 1 << 30;
  OutputBufferLimit output_limits[3] = {};  // by OutputClass
};

// Counted on the loop, shown by INFO.
struct ServerCount {
  uint64_t connections_received = 0;
  uint64_t connections_rejected = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
  uint64_t query_limit_disconnections = 0;
  uint64_t output_limit_disconnections = 0;
};

enum class Submitted {
  kFinished,  // all of the batch has run
  kQueued,    // it runs later; `wake` is called then, and Submit must be called again
  kClosed,    // the cache is closed: none of it will run, and clients end with Finish
};

class Service {
 public:
  virtual ~Service() = default;

  // As they are now. Called once a turn.
  virtual ServerSettings settings() = 0;

  // A place for one more client, of `maxclients` that all listeners of the cache share; false: they are taken.
  virtual bool TakePlace(uint32_t maxclients) = 0;
  virtual void GivePlaceBack() = 0;

  // A client of the next batch. Null if there is no memory. `events` is called until the client's Close has run. The policy
  // of `peer` is the service's to set.
  virtual std::unique_ptr<Client> Open(const session::Peer& peer, session::SessionEvents* events) = 0;

  // Has the client ended by the next batch. REQUIRES: it is the loop's.
  virtual void Close(std::unique_ptr<Client> client) = 0;

  // Submits the next batch or, while one is queued, asks again about that.
  virtual Submitted Submit() = 0;

  // Takes a queued batch back (what has not run will not), and out of the loop what it has there: nothing of it uses the
  // loop after it. It waits at most for a command that is running. No Submit after it.
  virtual void Stop() {}
  // The end, after Stop: ends all clients that were closed. All clients are the loop's again. REQUIRES (of a cache's): the
  // executor is held, or nothing runs under it any more.
  virtual void Finish() = 0;

  virtual void Count(const ServerCount& since_last_time) = 0;
  virtual void Log(LogLevel level, std::string_view line) = 0;
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_SERVICE_H_
