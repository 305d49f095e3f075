// The interface between a server of connections (net/server.h) and the code that answers: the cache's sessions
// (net/cache_service.h) or, in tests, a fake.
//
// In one turn of the event loop the server makes these calls:
//
//   for each ready client:     PrepareRead, CommitRead, Parse, which adds its requests to the next batch
//   once:                      Submit
//   for each that had some:    Output, ConsumeOutput
//
// A client that has been opened, or had requests parsed, since the last Submit belongs to the next batch. Until that
// batch has finished the client does not belong to the loop, which may only call Stopped of it.
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

  // Returns where the next bytes are to go; it is empty if there is no memory. CommitRead or the client's end must
  // follow.
  virtual std::span<char> PrepareRead() = 0;
  virtual void CommitRead(size_t n) = 0;  // n may be 0
  virtual session::Parsed Parse(const session::ParseQuota& quota) = 0;
  virtual size_t input_bytes() const = 0;  // bytes that were read and are not part of a request yet
  // Whether to parse again: Parse has said kNothing because requests that have come may not run yet (CLIENT PAUSE), and
  // that is over.
  virtual bool MayGoOn() const { return false; }
  // Whether requests of the client are left although the batch has run. They run with the next batch; other clients are
  // served before that.
  virtual bool Unfinished() const { return false; }

  virtual size_t output_bytes() const = 0;
  virtual size_t Output(iovec* pieces, size_t max) const = 0;  // returns how many pieces there are
  virtual void ConsumeOutput(size_t n) = 0;

  // Whether it is to be closed as soon as its output is sent. It runs nothing more then.
  virtual bool CloseAfterOutput() const = 0;
  // Whether it is to be closed at once. Stopped and Stop may be called at any time.
  virtual bool Stopped() const = 0;
  // Makes Stopped() true. Returns false if it was true already; the earlier call has counted the reason.
  virtual bool Stop() = 0;
  virtual bool KeepWhenIdle() const = 0;  // `timeout` does not hold for it, because it waits for something
  virtual OutputClass output_class() const = 0;
  // Whether it needs no password, or has said it.
  virtual bool Admitted() const { return true; }
};

// The settings that CONFIG SET may change while clients are served.
struct ServerSettings {
  uint32_t maxclients = 10000;
  int timeout_s = 0;
  int tcp_keepalive_s = 300;
  bool refuse_strangers = false;  // protected-mode is on, and there is no password
  // A client that has not ended its handshake, or is not admitted, after so many seconds is closed. It is 0 while there
  // are places enough.
  int admission_timeout_s = 0;
  uint64_t query_buffer_limit = 1 << 30;
  OutputBufferLimit output_limits[3] = {};  // by OutputClass
};

// The loop's counts for INFO.
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
  kQueued,    // it runs later; the loop is woken then, and Submit must be called again
  kClosed,    // the cache is closed: none of the batch will run, and Finish ends the clients
};

class Service {
 public:
  virtual ~Service() = default;

  // The settings as they are now. The server asks once in each turn.
  virtual ServerSettings settings() = 0;

  // Takes a place for one more client. All listeners of the cache share `maxclients` places; false if they are all
  // taken.
  virtual bool TakePlace(uint32_t maxclients) = 0;
  virtual void GivePlaceBack() = 0;

  // Makes a client of the next batch. Returns null if there is no memory. `events` is called until a batch has ended
  // the client. The service sets the policy of `peer`.
  virtual std::unique_ptr<Client> Open(const session::Peer& peer, session::SessionEvents* events) = 0;

  // Hands the client over to be ended by the next batch. REQUIRES: the client belongs to the loop.
  virtual void Close(std::unique_ptr<Client> client) = 0;

  // Submits the next batch. While a batch is queued, it asks again about that one.
  virtual Submitted Submit() = 0;

  // Takes a queued batch back, so that requests which have not run by then will not, and takes the service's events out
  // of the loop. The service does not use the loop after it. It waits at most for a command that is running. No Submit
  // may follow.
  virtual void Stop() {}
  // Ends all clients that were closed; it follows Stop. All clients belong to the loop again. REQUIRES (of the cache's
  // service): the executor is held, or nothing runs under it any more.
  virtual void Finish() = 0;

  virtual void Count(const ServerCount& since_last_time) = 0;
  virtual void Log(LogLevel level, std::string_view line) = 0;
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_SERVICE_H_
