// What an I/O backend promises, over both: system calls, and requests in the ring of the loop's poller.
#include "net/io_backend.h"

#include <errno.h>

#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "net/ae/poller_io_uring.h"
#include "net/io_backend_uring.h"
#include "tests/net/ae/ae_testing.h"

namespace larder::net {
namespace {

using ae::Pair;

class IoBackendTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    static constexpr ae::PollerMaker kMore[] = {{"io_uring", ae::IoUringPoller::Make}};
    ae::LoopOptions options;
    options.api = GetParam() ? "io_uring" : "epoll";
    options.more_pollers = kMore;
    loop_ = *ae::EventLoop::Create(options);
    ASSERT_EQ(loop_->ApiName(), options.api);
    backend_ = GetParam() ? UringBackend::Make(loop_->poller()) : std::make_unique<SystemCallBackend>();
  }
  void TearDown() override { backend_.reset(); }

  // One read of each.
  std::vector<std::string> Read(const std::vector<Pair>& pairs, std::vector<ssize_t>* results = nullptr) {
    std::vector<std::string> bytes(pairs.size(), std::string(16, '\0'));
    std::vector<ReadOp> ops;
    for (size_t i = 0; i < pairs.size(); ++i) ops.push_back({pairs[i].ours, bytes[i].data(), bytes[i].size(), 77});
    backend_->ReadReady(ops);
    for (size_t i = 0; i < ops.size(); ++i) {
      bytes[i].resize(static_cast<size_t>(std::max<ssize_t>(ops[i].result, 0)));
      if (results != nullptr) results->push_back(ops[i].result);
    }
    return bytes;
  }

  std::unique_ptr<ae::EventLoop> loop_;
  std::unique_ptr<IoBackend> backend_;
};

INSTANTIATE_TEST_SUITE_P(Backends, IoBackendTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "io_uring" : "syscall"; });

TEST_P(IoBackendTest, EachReadHasItsOwnResult) {
  for (size_t count : {1, 4, 200}) {
    std::vector<Pair> pairs(count);
    for (size_t i = 0; i < count; ++i) {
      if (i % 4 == 0) pairs[i].theirs.Write("n" + std::to_string(i));
      if (i % 4 == 2) pairs[i].theirs.Close();
      if (i % 4 == 3) pairs[i].ours.Close();
    }
    std::vector<ssize_t> results;
    const std::vector<std::string> bytes = Read(pairs, &results);
    for (size_t i = 0; i < count; ++i) {
      const ssize_t expected[] = {static_cast<ssize_t>(1 + std::to_string(i).size()), -EAGAIN, 0, -EBADF};
      EXPECT_EQ(results[i], expected[i % 4]) << i;
      EXPECT_EQ(bytes[i], i % 4 == 0 ? "n" + std::to_string(i) : "");
    }
  }
}

TEST_P(IoBackendTest, WritesArePiecewisePartialOrRefused) {
  std::vector<Pair> pairs(4);
  const std::string large(8 << 20, 'x');
  const auto piece = [](const std::string& text) { return iovec{const_cast<char*>(text.data()), text.size()}; };
  const std::string one = "one", two = " and two";
  const iovec whole[] = {piece(one)}, split[] = {piece(one), piece(two)}, huge[] = {piece(large)};
  pairs[3].theirs.Close();
  WriteOp ops[] = {{pairs[0].ours, whole, 1, 0}, {pairs[1].ours, split, 2, 0}, {pairs[2].ours, huge, 1, 0},
                   {pairs[3].ours, whole, 1, 0}};
  backend_->WriteAll(ops);  // the last would raise SIGPIPE
  EXPECT_EQ(ops[0].result, 3);
  EXPECT_EQ(pairs[0].theirs.Read(), "one");
  EXPECT_EQ(ops[1].result, 11);
  EXPECT_EQ(pairs[1].theirs.Read(), "one and two");
  EXPECT_GT(ops[2].result, 0);
  EXPECT_LT(ops[2].result, static_cast<ssize_t>(large.size()));
  EXPECT_EQ(ops[3].result, -EPIPE);
  backend_->WriteAll({ops + 2, 1});
  EXPECT_EQ(ops[2].result, -EAGAIN);
}

// The two share a ring: what the backend finds there of the poller's must still be told.
TEST_P(IoBackendTest, ReadinessThatComesBetweenIsNotLost) {
  std::vector<Pair> pairs(3);
  Pair watched;
  int fired = 0;
  const auto count = [](ae::EventLoop&, int fd, void* data, int) {
    char byte;
    EXPECT_EQ(recv(fd, &byte, 1, 0), 1);
    ++*static_cast<int*>(data);
  };
  ASSERT_TRUE(loop_->CreateFileEvent(watched.ours, ae::kReadable, count, &fired).ok());
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(loop_->Poll(0), 0);
    watched.theirs.Write("x");
    for (const Pair& pair : pairs) pair.theirs.Write("y");
    EXPECT_EQ(Read(pairs), std::vector<std::string>(3, "y"));
    EXPECT_EQ(loop_->Poll(0), 1);
    EXPECT_EQ(fired, i);
  }
}

TEST_P(IoBackendTest, AnotherThreadThanTheLoopsGetsItsResultsToo) {
  EXPECT_EQ(loop_->Poll(0), 0);
  std::vector<Pair> pairs(100);
  for (const Pair& pair : pairs) pair.theirs.Write("x");
  std::thread([&] { EXPECT_EQ(Read(pairs), std::vector<std::string>(100, "x")); }).join();
  for (const Pair& pair : pairs) pair.theirs.Write("y");
  EXPECT_EQ(loop_->Poll(0), 0);
  EXPECT_EQ(Read(pairs), std::vector<std::string>(100, "y"));
}

}  // namespace
}  // namespace larder::net
