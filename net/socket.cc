#include "net/socket.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "absl/strings/numbers.h"
#include "lib/base/guarded.h"
#include "lib/base/status.h"

namespace larder::inline v0::net {
namespace {

// How often a port that the system chose for the first address may prove to be taken at another.
constexpr int kAnyPortTries = 16;

[[maybe_unused]] const char* ErrorText(const char* text, const char* /*buffer*/) { return text; }
[[maybe_unused]] const char* ErrorText(int code, const char* buffer) { return code == 0 ? buffer : "unknown error"; }

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case EADDRINUSE:
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
      return absl::StatusCode::kPermissionDenied;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

// "127.0.0.1:6379: bind: Address already in use".
absl::Status SocketError(std::string_view where, std::string_view call, int error) {
  return base::MakeStatus(CodeOf(error), base::Line(where, ": ", call, ": ", ErrnoText(error)).view());
}

// Whether this machine has no such address or protocol, which another try would not change.
bool IsMissing(int error) {
  return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPFNOSUPPORT || error == EPROTONOSUPPORT ||
         error == ESOCKTNOSUPPORT || error == ENOPROTOOPT;
}

// Whether the error is of the one connection that was to be accepted: accept returns network errors of the new socket
// on Linux. Other connections are as good as before.
bool IsOfOneConnection(int error) {
  switch (error) {
    case ECONNABORTED:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ETIMEDOUT:
    case EPERM:  // a firewall's rule
#ifdef ENONET
    case ENONET:
#endif
      return true;
    default:
      return false;
  }
}

SocketName FormatAddress(const sockaddr_storage& address) {
  char host[INET6_ADDRSTRLEN] = "?";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
    return SocketName(static_cast<const char*>(host), ":", ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
  return SocketName("[", static_cast<const char*>(host), "]:", ntohs(v6.sin6_port));
}

bool IsLoopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) == INADDR_LOOPBACK;
  }
  if (address.ss_family != AF_INET6) return false;
  // Mapped IPv4 addresses cannot occur: our IPv6 sockets take IPv6 alone.
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

int PortOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return address.ss_family == AF_INET ? ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port)
                                      : ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
}

// Binds and listens on one resolved address. *error: errno of the call that failed.
absl::StatusOr<Fd> ListenOn(const addrinfo& address, std::string_view name, int backlog, int* error) {
  Fd fd(socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
  const auto fail = [&](std::string_view call) {
    *error = errno;
    return SocketError(name, call, *error);
  };
  if (!fd.valid()) return fail("socket");
  const int on = 1;
  if (address.ai_family == AF_INET6 && setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) {
    return fail("setsockopt IPV6_V6ONLY");
  }
  // Without SO_REUSEADDR a port stays unusable for a minute after its last connections ended.
  if (setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) return fail("setsockopt SO_REUSEADDR");
  if (bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0) return fail("bind");
  if (listen(fd.get(), backlog) != 0) return fail("listen");
  return fd;
}

// One word of `bind`. Leaves *socket invalid if the address is optional and missing.
absl::Status ListenOnWord(const std::string& text, int port, int backlog, ListeningSocket* socket) {
  const bool optional = !text.empty() && text[0] == '-';
  const std::string_view word = std::string_view(text).substr(optional ? 1 : 0);  // has text's '\0' behind it
  addrinfo hints{};
  hints.ai_family = word == "*" ? AF_INET : word == "::*" ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  const base::FixedText<11> service(port);
  const bool any = word == "*" || word == "::*";
  addrinfo* found = nullptr;
  const base::Line name(word, ":", port);
  const int failed = getaddrinfo(any ? nullptr : word.data(), service.c_str(), &hints, &found);
  if (failed != 0) {  // an optional address fails too: an unknown name is a mistake, not a missing interface
    const auto code = failed == EAI_MEMORY ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kInvalidArgument;
    return base::MakeStatus(code, base::Line(name, ": ", gai_strerror(failed)).view());
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  int error = 0;
  absl::StatusOr<Fd> fd = ListenOn(*found, name.view(), backlog, &error);
  if (!fd.ok()) return optional && IsMissing(error) ? absl::OkStatus() : fd.status();
  socket->fd = *std::move(fd);
  socket->port = PortOf(socket->fd.get());
  socket->name = DescribeSocket(socket->fd.get(), false, *socket);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ListeningSocket>> ListenTcpOnce(const std::vector<std::string>& bind, int port,
                                                           int backlog) {
  std::vector<ListeningSocket> sockets;
  if (!base::Guarded([&] { sockets.reserve(bind.size()); })) {
    return base::NoMemory("out of memory for sockets");
  }
  for (const std::string& word : bind) {
    ListeningSocket socket;
    if (absl::Status status = ListenOnWord(word, port, backlog, &socket); !status.ok()) return status;
    if (!socket.fd.valid()) continue;
    if (port == 0) port = socket.port;
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

// Locks a path's folder while a socket is looked at, replaced and made to listen. When several workers start at once,
// each so finds the others' socket missing or answered, never in between. A worker that cannot have the lock goes on
// without it.
class FolderLock {
 public:
  explicit FolderLock(std::string_view path) {
    constexpr int kTries = 100;  // of 1 ms: any other holder is a worker that starts
    const size_t slash = path.rfind('/');
    const SocketName folder(slash == path.npos ? std::string_view(".") : path.substr(0, slash + 1));
    fd_.Reset(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int i = 0; i < kTries && fd_.valid() && flock(fd_.get(), LOCK_EX | LOCK_NB) != 0; ++i) poll(nullptr, 0, 1);
  }

 private:
  Fd fd_;
};

// Whether somebody listens at the socket. If nobody does, the kernel refuses at once.
bool IsAnswered(const sockaddr_un& address) {
  const Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return true;  // this cannot be known, so the socket stays
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
         (errno != ECONNREFUSED && errno != ENOENT);
}

absl::Status RemoveLeftover(const SocketName& path, const sockaddr_un& address, bool take) {
  struct stat there;
  if (lstat(path.c_str(), &there) != 0) return absl::OkStatus();
  if (!S_ISSOCK(there.st_mode)) {
    return base::MakeStatus(absl::StatusCode::kAlreadyExists, base::Line(path, " is there and is not a socket").view());
  }
  if (!take && IsAnswered(address)) {
    const base::Line line(path, ": somebody listens there already");
    return base::MakeStatus(absl::StatusCode::kAlreadyExists, line.view());
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return SocketError(path.view(), "unlink", errno);
  return absl::OkStatus();
}

}  // namespace

base::FixedText<127> ErrnoText(int error) {
  char buffer[128];
  return base::FixedText<127>(ErrorText(strerror_r(error, buffer, sizeof(buffer)), buffer));
}

void Fd::Reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

absl::StatusOr<std::vector<ListeningSocket>> ListenTcp(const std::vector<std::string>& bind, int port, int backlog) {
  absl::StatusOr<std::vector<ListeningSocket>> sockets;
  for (int i = 0; i < kAnyPortTries; ++i) {
    sockets = ListenTcpOnce(bind, port, backlog);
    if (port != 0 || sockets.status().code() != absl::StatusCode::kAlreadyExists) break;
  }
  return sockets;
}

absl::StatusOr<ListeningSocket> ListenUnix(std::string_view path, uint32_t permissions, int backlog, bool take) {
  ListeningSocket result;
  result.unix_socket = true;
  result.name = SocketName(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    const base::Line text("unixsocket ", path, ": a path of 1 to ", sizeof(address.sun_path) - 1, " bytes is needed");
    return base::MakeStatus(absl::StatusCode::kInvalidArgument, text.view());
  }
  memcpy(address.sun_path, path.data(), path.size());
  const FolderLock lock(path);
  if (absl::Status status = RemoveLeftover(result.name, address, take); !status.ok()) return status;
  result.fd.Reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!result.fd.valid()) return SocketError(path, "socket", errno);
  if (bind(result.fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return SocketError(path, "bind", errno);
  }
  struct stat made;
  if (stat(result.name.c_str(), &made) == 0) {
    result.device = made.st_dev;
    result.inode = made.st_ino;
  }
  const auto fail = [&](std::string_view call) {
    const int error = errno;
    RemoveUnixSocket(result);
    return SocketError(path, call, error);
  };
  // This comes before listen, so that nobody gets in under other permissions.
  if (permissions != 0 && chmod(result.name.c_str(), permissions) != 0) return fail("chmod");
  if (listen(result.fd.get(), backlog) != 0) return fail("listen");
  return result;
}

int BacklogMax() {
  Fd file(open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC));
  char digits[16];
  const ssize_t size = file.valid() ? read(file.get(), digits, sizeof(digits)) : 0;
  int most = 0;
  return size > 0 && absl::SimpleAtoi(absl::string_view(digits, static_cast<size_t>(size)), &most) ? most : 0;
}

uint32_t ReservedDescriptors(uint32_t clients) {
  constexpr uint32_t kLeast = 32, kMore = 16;
  DIR* const dir = opendir("/dev/fd");
  if (dir == nullptr) return kLeast;
  uint32_t open = 0;
  while (readdir(dir) != nullptr) ++open;
  closedir(dir);
  open -= std::min(open, 3 + clients);  // ".", ".." and the folder itself
  return std::max(kLeast, open + kMore);
}

uint32_t FittingClients(uint32_t wanted, uint32_t reserved) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= rlim_t{wanted} + reserved) return wanted;
  return limit.rlim_cur > reserved ? static_cast<uint32_t>(limit.rlim_cur - reserved) : 0;
}

void RemoveUnixSocket(const ListeningSocket& socket) {
  struct stat there;
  if (!socket.unix_socket || lstat(socket.name.c_str(), &there) != 0) return;
  if (there.st_dev == socket.device && there.st_ino == socket.inode) unlink(socket.name.c_str());
}

Accepted Accept(const ListeningSocket& socket, int* error) {
  Accepted result;
  sockaddr_storage address{};
  for (;;) {
    socklen_t size = sizeof(address);
    sockaddr* const peer = reinterpret_cast<sockaddr*>(&address);
    result.fd.Reset(accept4(socket.fd.get(), peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (result.fd.valid()) break;
    if (errno == EINTR) continue;
    *error = IsOfOneConnection(errno) ? kConnectionGone : -errno;
    return result;
  }
  *error = 0;
  result.unix_socket = socket.unix_socket;
  result.loopback = socket.unix_socket || IsLoopback(address);
  return result;
}

SocketName DescribeSocket(int fd, bool peer, const ListeningSocket& accepted_by) {
  if (accepted_by.unix_socket) return SocketName(accepted_by.name, ":0");
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  const int failed = peer ? getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size)
                          : getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return failed ? SocketName("?:0") : FormatAddress(address);
}

void TuneTcp(int fd, int keepalive_s) {
  // None of these can fail for a connected TCP socket in a way that matters to it.
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (keepalive_s <= 0) return;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
#ifdef TCP_KEEPIDLE
  // A silent peer is dead after about twice the interval: the three probes begin when it has passed, a third of it
  // apart.
  const int between_s = std::max(keepalive_s / 3, 1);
  const int probes = 3;
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keepalive_s, sizeof(keepalive_s));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between_s, sizeof(between_s));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
#endif
}

}  // namespace larder::inline v0::net
