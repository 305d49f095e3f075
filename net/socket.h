// Sockets as a listener needs them: they are non-blocking and close-on-exec, are bound, accepted and described. Nothing
// here knows a loop.
//
// Memory: nothing here throws. Names are fixed arrays, because all of them are short: an address with its port has 53
// bytes at most, and the kernel takes no longer path than fits a sockaddr_un.
#ifndef LARDER_NET_SOCKET_H_
#define LARDER_NET_SOCKET_H_

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/base/fixed_text.h"

namespace larder::inline v0::net {

// Owns a descriptor.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Take()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) Reset(other.Take());
    return *this;
  }
  ~Fd() { Reset(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Take() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1);

 private:
  int fd_;
};

// "127.0.0.1:6379", "[::1]:6379", "/path/of.sock:0".
using SocketName = base::FixedText<sizeof(sockaddr_un::sun_path) + 1>;

class Server;

struct ListeningSocket {
  Fd fd;
  bool unix_socket = false;
  bool tls = false;          // its connections get a Channel
  Server* server = nullptr;  // which accepts on it
  // As Redis names it: "127.0.0.1:6379", "[::1]:6379" or the path.
  SocketName name;
  int port = 0;  // the system has chosen it, if it was asked to
  // They identify the file that bind made, so that no other is removed.
  dev_t device = 0;
  ino_t inode = 0;
};

// Listens on every address of `bind`, in that order. An address is a host name or number, "*" for all of IPv4, or "::*"
// for all of IPv6. One with a leading '-' may be missing on this machine. With port 0 the system chooses one, the same
// for all. Errors: INVALID_ARGUMENT for an address that cannot be resolved, ALREADY_EXISTS for one in use,
// PERMISSION_DENIED, UNAVAILABLE for one that this machine does not have, RESOURCE_EXHAUSTED; the message names the
// address and the call that failed.
absl::StatusOr<std::vector<ListeningSocket>> ListenTcp(const std::vector<std::string>& bind, int port, int backlog);

// Listens on a unix socket at `path`, whose permission bits are set to `permissions` unless they are 0. A socket that
// is there already is replaced if nobody answers it, and with `take` in any case. Errors: ALREADY_EXISTS for a socket
// that is not replaced, and for any other file.
absl::StatusOr<ListeningSocket> ListenUnix(std::string_view path, uint32_t permissions, int backlog, bool take);

// Removes a unix socket's file if it is still the one that ListenUnix made.
void RemoveUnixSocket(const ListeningSocket& socket);

struct Accepted {
  Fd fd;
  bool unix_socket = false;
  // It came over a unix socket, or from 127.0.0.1 or ::1, which alone are local for Redis too.
  bool loopback = false;
};

// How many descriptors of this process clients cannot have: the open ones, except `clients` of them, and 16 for later
// use. It is 32 at least, as many as Redis keeps.
uint32_t ReservedDescriptors(uint32_t clients);
// How many of `wanted` clients the process may have beside `reserved` descriptors, as RLIMIT_NOFILE is now. It changes
// nothing, because the limit is the host's.
uint32_t FittingClients(uint32_t wanted, uint32_t reserved);

// The longest backlog that the system grants, whatever listen() is asked for; 0 if it does not say.
int BacklogMax();

// "Too many open files".
base::FixedText<127> ErrnoText(int error);

// Accepts the next connection that waits. *error is 0 then, and otherwise -errno: -EAGAIN if none waits. It is
// kConnectionGone if that connection has ended or failed while it waited; another may wait behind it.
inline constexpr int kConnectionGone = 1;
Accepted Accept(const ListeningSocket& socket, int* error);

// "127.0.0.1:50000", "[::1]:50000", "/path/of.sock:0", as CLIENT LIST shows it: the name of the other end if `peer`,
// otherwise of ours.

SocketName DescribeSocket(int fd, bool peer, const ListeningSocket& accepted_by);

// Lets TCP send small replies without delay, and probe the peer after `keepalive_s` of silence (0: never). REQUIRES:
// TCP.
void TuneTcp(int fd, int keepalive_s);

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_SOCKET_H_
