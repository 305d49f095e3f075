// The sockets of this process, looked at from below: options that a listener has set on its ends.
#ifndef LARDER_TESTS_NET_LIMITS_SOCKETS_H_
#define LARDER_TESTS_NET_LIMITS_SOCKETS_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace larder {

inline int IntOption(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  return getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

// The TCP socket that listens on `port`; -1 if there is none.
inline int ListeningOn(int port) {
  for (int fd = 0; fd < 4096; ++fd) {
    sockaddr_in local{};
    socklen_t size = sizeof(local);
    if (IntOption(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1) continue;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0 || local.sin_family != AF_INET) continue;
    if (ntohs(local.sin_port) == port) return fd;
  }
  return -1;
}

// The other end of the TCP socket `fd`, if this process has it; -1 if not.
inline int OtherEndOf(int fd) {
  sockaddr_in ours{};
  socklen_t size = sizeof(ours);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&ours), &size) != 0) return -1;
  for (int other = 0; other < 4096; ++other) {
    sockaddr_in peer{};
    size = sizeof(peer);
    if (getpeername(other, reinterpret_cast<sockaddr*>(&peer), &size) != 0 || peer.sin_family != AF_INET) continue;
    if (peer.sin_port == ours.sin_port && peer.sin_addr.s_addr == ours.sin_addr.s_addr) return other;
  }
  return -1;
}

}  // namespace larder

#endif  // LARDER_TESTS_NET_LIMITS_SOCKETS_H_
