// The listener: Redis's protocol on TCP and unix sockets, in front of a cache in this process. redis-cli and every
// Redis client see the keys that the program's own calls see.
//
//   larder::ListenerOptions options;
//   options.bind = {"127.0.0.1"};
//   options.any_port = true;
//   absl::StatusOr<std::unique_ptr<larder::Listener>> listener = larder::Listener::Start(cache, options);
//   if (!listener.ok()) return listener.status();
//   std::cout << "redis-cli -p " << (*listener)->port() << '\n';
//
// It has a thread of its own, or runs inside the caller's loop. Nobody is let in from other machines as long as there
// is no password (protected-mode). Limits (maxclients, timeout, client-output-buffer-limit...) are the cache's options,
// as they are at each moment: CONFIG SET changes them.
//
// It is a good guest: it installs no signal handler and raises no signal, changes no limit of the process and prints
// nothing. Its messages go to Options::log, and all its descriptors are close-on-exec. If RLIMIT_NOFILE has no room for
// maxclients, Start lowers maxclients and logs why, and CONFIG SET maxclients says how many there may be.
//
// CONFIG SET port, tls-port and bind move a listener that was started without a port and addresses of its own. CONFIG
// SET of how TLS is done (tls-cert-file...) holds for every listener with TLS. If one of the cache's listeners cannot
// do all that a CONFIG SET says, it is an error, and all of them stay as they are. A client that asks CONFIG GET for
// bind, port, tls-port, unixsocket or unixsocketperm gets the values in force at its listener, also if they are the
// listener's own, or the system chose the port. The program's own calls, sessions and in-memory connections get the
// cache's directives, which CONFIG SET changes and CONFIG REWRITE writes.
//
// Threads:   Start, Stop, port and addresses may be called from any thread, the methods for the caller's loop from that
//            loop's thread.
// Ownership: REQUIRES: the listener is destroyed before its cache. Cache::Close stops it, and it may be destroyed after
//            that call, but before the cache.
// Close:     Cache::Close may be called on any thread. It tells a thread of the listener's own to end, and waits for
//            it. It wakes the caller's loop, which stops the listener in its next turn, and waits for that; on the
//            loop's own thread (the one that polled last, or started the listener) it stops the listener at once. It
//            waits until its deadline at most: if nobody polls the loop, Close is DEADLINE_EXCEEDED, and the message
//            has the listener's first address. It waits for a Start that is under way, which is CANCELLED.
// Fork:      in a forked child no call does anything: Start and Run are FAILED_PRECONDITION, Poll returns 0, BackendFd
//            and NextDelayMs return -1, and there are no addresses. Stop and the destructor close the child's copies of
//            the descriptors and do nothing else: no connection ends, no socket's file is removed, and memory is
//            leaked. A child that lives on must destroy its Listener or Stop it, because a connection that the parent
//            closes does not end for its client as long as the child has a copy. A child that calls exec has no copies,
//            because they are close-on-exec.
// Cost:      a connection without traffic costs no CPU, and a listener without connections sleeps.
#ifndef LARDER_NET_LISTENER_H_
#define LARDER_NET_LISTENER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/cache.h>
#include <larder/export.h>

namespace larder::inline v0 {

struct IoUring;
namespace net {
class ChannelFactory;
}

// Gives a listener TLS: larder::Tls() of <larder/net/tls.h>, which links OpenSSL. The listener itself does not link it.
class TlsProvider {
 public:
  // Returns the factory for connections from now on, as the tls-* members of `options` say. It is called on any thread,
  // also under the executor, and throws nothing. Errors: INVALID_ARGUMENT, RESOURCE_EXHAUSTED; the message is one line.
  virtual absl::StatusOr<std::shared_ptr<net::ChannelFactory>> Configure(const Options& options) const = 0;

 protected:
  ~TlsProvider() = default;
};

// Where to listen, and what clients may do. Members that are not set are as in the cache's Options.
struct ListenerOptions {
  // Addresses or host names; "*" and "::*" stand for all of IPv4 and IPv6. With a leading '-' it is no error if this
  // machine does not have that address; a name that cannot be resolved is one. If it is set neither here nor in
  // Options, it is 127.0.0.1 and ::1, so that other machines are let in only where the program says so. Among
  // designated initializers it is written `.bind = {{"127.0.0.1"}}`.
  std::optional<std::vector<std::string>> bind = std::nullopt;
  std::optional<int> port = std::nullopt;  // 0: no TCP
  bool any_port = false;                   // a free one that the system chooses, whatever `port` says
  // `&larder::Tls()` gives TLS on TCP, as the cache's tls-* options say. If it is null, a tls_port other than 0 is an
  // error.
  const TlsProvider* tls = nullptr;
  std::optional<int> tls_port = std::nullopt;  // 0: none
  bool any_tls_port = false;                   // a free one that the system chooses, whatever `tls_port` says
  // A path; "" is none. An existing socket that nobody answers is a leftover, and is replaced. If somebody answers,
  // Start is ALREADY_EXISTS, so that two workers of one host do not take each other's clients.
  std::optional<std::string> unixsocket = std::nullopt;
  std::optional<uint32_t> unixsocketperm = std::nullopt;
  bool takes_unixsocket = false;  // if true, also replaces a socket that somebody answers, as Redis does

  // --- What the host forbids its clients. It binds neither the program's own calls nor another listener's clients. ---

  // If true, commands that write, or may write, answer READONLY, also when MULTI would only queue them.
  bool read_only = false;
  // Commands that answer NOPERM: "flushall", or "config|set" for one subcommand. "config" means all its subcommands.
  std::vector<std::string> refused_commands = {};
  // Directives, or globs of them, that clients may read but not CONFIG SET, which answers as for an immutable
  // directive.
  std::vector<std::string> host_keeps = {"maxmemory",      "bind",        "port",       "unixsocket", "protected-mode",
                                         "requirepass", "maxclients", "dir",        "tls-*"};

  // If false, it has no thread, and the caller runs it by the methods below.
  bool own_thread = true;

  // `&larder::Uring()` of <larder/net/uring.h>, an optional part, makes `ae-api io_uring` possible. If it is null, that
  // name is unknown.
  const IoUring* io_uring = nullptr;
};

class LARDER_API Listener {
 public:
  // Starts a listener. Errors: INVALID_ARGUMENT (also if there is nothing to listen on, TLS cannot be set up, or a
  // name in refused_commands or host_keeps is none), UNIMPLEMENTED for a TLS port without `tls`, ALREADY_EXISTS for an
  // address in use, PERMISSION_DENIED, UNAVAILABLE for an address this machine lacks, RESOURCE_EXHAUSTED, CANCELLED if
  // the cache is closed. The message names address and call.
  static absl::StatusOr<std::unique_ptr<Listener>> Start(Cache& cache, const ListenerOptions& options = {});

  ~Listener();  // Stop
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Closes the sockets and all connections. Requests that have not run by then will not run. It waits for a client's
  // running command, and returns when neither a thread nor a socket of the listener's is left. To call it again does
  // nothing. It may be called inside Atomically and View. REQUIRES: the caller is no callback that runs on the
  // listener's thread, nor, with Background::kLoop, any callback of the cache's. With own_thread == false it is on the
  // loop's thread, or nobody runs that loop any more.
  void Stop();

  // The TCP port of the first address; 0 if there is none. The same of TLS.
  int port() const;
  int tls_port() const;
  // All addresses that it listens on: "127.0.0.1:6379", "[::1]:6379", "/run/larder.sock". After Stop and Close they and
  // the ports are those that it has listened on.
  std::vector<std::string> addresses() const {
    std::vector<std::string> all;
    char address[128];  // a unix socket's path has 108 bytes at most
    while (const size_t size = AddressAt(all.size(), address, sizeof(address))) all.emplace_back(address, size);
    return all;
  }
  // The poller that it runs on: "epoll", "kqueue", "poll"...
  std::string_view poller() const;

  // --- With own_thread == false ---

  // Serves for at most `timeout_ms` (0: only clients that are ready now, -1: until something has happened). Returns how
  // many events there were. It returns 0 at once if the listener has stopped, or has a thread of its own.
  int Poll(int64_t timeout_ms);
  // Serves until EndRun, which any thread may call, also before Run, or until the listener has stopped (by Stop or
  // Close). Errors: FAILED_PRECONDITION if it has a thread of its own.
  absl::Status Run();
  void EndRun();
  // A descriptor for a host's loop, which watches it for reading and calls Poll(0) whenever it is readable. It is
  // level-triggered, and timers make it readable too. It is -1 if the poller has none (select). Then call Poll(0) by a
  // timer, as often as a request may be kept waiting (every 10 ms, say), sooner if NextDelayMs() is sooner, and at once
  // again while Poll(0) returns more than 0. tests/examples has this for libuv, libevent, libev and asyncio.
  int BackendFd();
  // How long it is until the next timer is due; 0: poll now; -1: there is none. Requests may come sooner, unannounced.
  int64_t NextDelayMs();

 private:
  class Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  size_t AddressAt(size_t i, char* to, size_t room) const;  // how many bytes it has; 0: there are not so many
  std::unique_ptr<Impl> impl_;
};

}  // namespace larder::inline v0

#endif  // LARDER_NET_LISTENER_H_
