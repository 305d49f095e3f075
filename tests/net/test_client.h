// A client for tests of the listener: raw bytes over a real socket, waiting as long as it takes (and 30 s at most).
#ifndef LARDER_TESTS_NET_TEST_CLIENT_H_
#define LARDER_TESTS_NET_TEST_CLIENT_H_

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"

namespace larder {

// A command as clients send it.
inline std::string Command(std::span<const std::string_view> words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (std::string_view word : words) {
    text += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
  }
  return text;
}
inline std::string Command(std::initializer_list<std::string_view> words) {
  return Command(std::span<const std::string_view>(words.begin(), words.size()));
}

// A TCP port of 127.0.0.1 that was free a moment ago.
inline int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

class TestClient {
 public:
  static TestClient Tcp(int port, const char* host = "127.0.0.1") {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    EXPECT_EQ(inet_pton(AF_INET, host, &address.sin_addr), 1);
    return TestClient(AF_INET, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  }
  static TestClient Tcp6(int port, in6_addr host = in6addr_loopback) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(static_cast<uint16_t>(port));
    address.sin6_addr = host;
    return TestClient(AF_INET6, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  }
  static TestClient Unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return TestClient(AF_UNIX, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  }
  TestClient(TestClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~TestClient() { Close(); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  // Ends with a reset where the protocol has one.
  void Reset() {
    const linger reset{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    Close();
  }
  void ShutDownSending() { shutdown(fd_, SHUT_WR); }
  int fd() const { return fd_; }

  // All of it, however long that takes; false if the server has closed.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  // Exactly `n` bytes, fewer if the connection ends before.
  std::string Read(size_t n) {
    std::string bytes;
    bytes.reserve(n);
    char block[65536];
    while (bytes.size() < n && Ready()) {
      const ssize_t got = recv(fd_, block, std::min(sizeof(block), n - bytes.size()), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      bytes.append(block, static_cast<size_t>(got));
    }
    return bytes;
  }
  // What is there, at least a byte; "" at the end.
  std::string ReadSome() {
    char block[65536];
    while (Ready()) {
      const ssize_t got = recv(fd_, block, sizeof(block), 0);
      if (got < 0 && errno == EINTR) continue;
      return {block, static_cast<size_t>(std::max<ssize_t>(got, 0))};
    }
    return "";
  }
  std::string ReadLine() {
    std::string line;
    while (line.size() < 2 || line.compare(line.size() - 2, 2, "\r\n") != 0) {
      const std::string byte = Read(1);
      if (byte.empty()) break;
      line += byte;
    }
    return line;
  }
  // A bulk reply's bytes.
  std::string ReadBulk() {
    const std::string header = ReadLine();
    if (header.size() < 4 || (header[0] != '$' && header[0] != '=')) return header;
    const size_t size = std::stoul(header.substr(1));
    return Read(size + 2).substr(0, size);
  }
  std::string ReadToEnd() {
    std::string all;
    for (;;) {
      const std::string more = Read(1);
      if (more.empty()) return all;
      all += more;
    }
  }

  // Sends, and checks the reply to the byte.
  void Expect(std::string_view request, std::string_view reply) {
    EXPECT_TRUE(Send(request));
    EXPECT_EQ(Read(reply.size()), reply) << "to " << request.substr(0, 100);
  }
  // The server has closed, with nothing more to say.
  void ExpectEnd() { EXPECT_EQ(Read(1), ""); }

 private:
  TestClient(int family, const sockaddr* address, socklen_t size) : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    EXPECT_GE(fd_, 0);
    EXPECT_EQ(connect(fd_, address, size), 0) << "errno " << errno;
  }
  bool Ready() {
    for (;;) {
      pollfd wanted{fd_, POLLIN, 0};
      const int ready = poll(&wanted, 1, 30'000);
      if (ready < 0 && errno == EINTR) continue;
      EXPECT_EQ(ready, 1) << "nothing came for 30 s";
      return ready == 1;
    }
  }

  int fd_;
};

}  // namespace larder

#endif  // LARDER_TESTS_NET_TEST_CLIENT_H_
