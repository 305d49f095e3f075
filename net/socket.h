// Sockets as a listener needs them: made non-blocking and close-on-exec, bound, accepted, described. No loop here.
//
// Memory: nothing here throws. Names are fixed arrays, since all of them are short: an address with its port has 53 bytes
// at most, and the kernel takes no longer path than fits a sockaddr_un.
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
  bool tls = false;          // its connections get a Channel; for the server's use
  Server* server = nullptr;  // likewise
  // As Redis names it: "127.0.0.1:6379", "[::1]:6379" or the path.
  SocketName name;
  int port = 0;  // what the system chose, if it was asked to
  // Of the file that bind made, so that only this one is removed again.
  dev_t device = 0;
  ino_t inode = 0;
};

// Listens on every address of `bind`, in that order: a host name or number, "*" for all of IPv4, "::*" for all of IPv6;
// one with a leading '-' may be missing on this machine. Port 0: one that the system chooses, the same for all.
// Errors: INVALID_ARGUMENT for an address that cannot be resolved, ALREADY_EXISTS for one in use, PERMISSION_DENIED,
// UNAVAILABLE for one that this machine does not have, RESOURCE_EXHAUSTED; the message names the address and the call
// that failed.
absl::StatusOr<std::vector<ListeningSocket>> ListenTcp(const std::vector<std::string>& bind, int port, int backlog);

// Listens on a unix socket at `path`, whose permission bits are set to `permissions` unless they are 0. A socket that
// is there already is replaced if nobody answers it, or, with `take`, in any case; else it is ALREADY_EXISTS, as any
// other file is.
absl::StatusOr<ListeningSocket> ListenUnix(std::string_view path, uint32_t permissions, int backlog, bool take);

// Removes a unix socket's file if it is still the one that ListenUnix made.
void RemoveUnixSocket(const ListeningSocket& socket);

struct Accepted {
  Fd fd;
  bool unix_socket = false;
  bool loopback = false;  // over a unix socket, or from 127.0.0.1 or ::1, which alone are local for Redis too
};

// Descriptors of this process that clients cannot have: those that are open but for `clients` of them, and 16 for what is
// opened later; 32 at least, as Redis keeps.
uint32_t ReservedDescriptors(uint32_t clients);
// How many of `wanted` clients the process may have beside `reserved` descriptors, as RLIMIT_NOFILE is now. Looks only:
// the limit is the host's.
uint32_t FittingClients(uint32_t wanted, uint32_t reserved);

// The longest backlog that the system grants, whatever listen() is asked for; 0 if it does not say.
int BacklogMax();

// "Too many open files".
base::FixedText<127> ErrnoText(int error);

// The next connection that waits. Error: -errno in *error, -EAGAIN if there is none. kConnectionGone if that connection
// has ended or failed while it waited: another may wait behind it.
inline constexpr int kConnectionGone = 1;
Accepted Accept(const ListeningSocket& socket, int* error);

// "127.0.0.1:50000", "[::1]:50000", "/path/of.sock:0": as CLIENT LIST shows it. `peer`: the other end, else ours.
SocketName DescribeSocket(int fd, bool peer, const ListeningSocket& accepted_by);

// TCP only. No delay for small replies; probes after `keepalive_s` of silence, 0 for none.
void TuneTcp(int fd, int keepalive_s);

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_SOCKET_H_
