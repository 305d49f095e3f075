// What the tests of ae share: a clock set by hand, and descriptors that close themselves.
#ifndef LARDER_TESTS_NET_AE_AE_TESTING_H_
#define LARDER_TESTS_NET_AE_AE_TESTING_H_

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "net/ae/ae.h"

namespace larder::ae {

class HandSetClock final : public Clock {
 public:
  int64_t NowUs() override { return now_us_.load(); }
  bool Manual() const override { return true; }
  void Advance(int64_t ms) { now_us_.fetch_add(ms * 1000); }

 private:
  std::atomic<int64_t> now_us_{1'000'000};
};

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    Close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Fd() { Close(); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }
  operator int() const { return fd_; }  // NOLINT: as its number everywhere

  void Write(std::string_view bytes) const {
    ASSERT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // What one recv gives; "" at the end, "!" for an error.
  std::string Read(size_t max = 4096) const {
    std::string bytes(max, '\0');
    const ssize_t n = recv(fd_, bytes.data(), max, MSG_DONTWAIT);
    if (n < 0) return "!";
    bytes.resize(static_cast<size_t>(n));
    return bytes;
  }

 private:
  int fd_;
};

struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    ours = Fd(fds[0]);
    theirs = Fd(fds[1]);
  }
  Fd ours;
  Fd theirs;
};

// The same file under a number >= `least`.
inline Fd At(const Fd& fd, int least) { return Fd(fcntl(fd.get(), F_DUPFD_CLOEXEC, least)); }

// Room for `wanted` descriptors; false if the machine's hard limit is below.
inline bool RaiseDescriptorLimit(rlim_t wanted) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  if (limit.rlim_cur >= wanted) return true;
  if (limit.rlim_max < wanted) return false;
  limit.rlim_cur = wanted;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

}  // namespace larder::ae

#endif  // LARDER_TESTS_NET_AE_AE_TESTING_H_
