// A peer of a server under test, as a raw socket.
#ifndef LARDER_TESTS_NET_PEER_SOCKET_H_
#define LARDER_TESTS_NET_PEER_SOCKET_H_

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/net/ae/ae_testing.h"

namespace larder::inline v0::net {

// A peer, non-blocking, over a unix socket: that delivers before send returns, whereas TCP may pace even on loopback,
// and a few turns of the loop would not always see what was sent.
class PeerSocket {
 public:
  explicit PeerSocket(const std::string& path) {
    fd_ = ae::Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0) << errno;
    fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  void Send(std::string_view bytes) { fd_.Write(bytes); }
  // All that is there by now; "<end>" at the end if the server closed it.
  std::string Received() {
    std::string all;
    char block[65536];
    for (;;) {
      const ssize_t n = recv(fd_, block, sizeof(block), 0);
      if (n > 0) {
        all.append(block, static_cast<size_t>(n));
        continue;
      }
      if (n == 0 || errno != EAGAIN) all += "<end>";
      return all;
    }
  }
  void ShutDownSending() { shutdown(fd_, SHUT_WR); }
  void Close() { fd_.Close(); }
  int fd() const { return fd_; }

 private:
  ae::Fd fd_;
};

}  // namespace larder::inline v0::net

#endif  // LARDER_TESTS_NET_PEER_SOCKET_H_
