// Close in a forked child: FAILED_PRECONDITION at once, whatever the parent's threads were doing, and nothing has
// changed for the parent. What else a child may and may not do is in tests/net/fork_test.cc.
#include <larder/cache.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace larder {
namespace {

constexpr absl::StatusCode kPrecondition = absl::StatusCode::kFailedPrecondition;

// Whether `holds()` in a child. One that hangs is killed.
bool InChild(const std::function<bool()>& holds) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(60);
    _exit(holds() ? 0 : 1);
  }
  int status = -1;
  return waitpid(pid, &status, 0) == pid && status == 0;
}

class ForkCloseTest : public ::testing::TestWithParam<Background> {
 protected:
  void SetUp() override {
    Options options;
    options.background = GetParam();
    cache_ = *Cache::Open(options);
    ASSERT_TRUE(cache_->Set("k", "v").ok());
  }
  // In the child.
  bool CloseIsRefused() {
    return cache_->Close(absl::InfinitePast()).code() == kPrecondition &&
           cache_->Close(absl::InfiniteFuture()).code() == kPrecondition &&
           cache_->Close(absl::Now() + absl::Seconds(1)).code() == kPrecondition;
  }

  std::unique_ptr<Cache> cache_;
};

INSTANTIATE_TEST_SUITE_P(Background, ForkCloseTest,
                         ::testing::Values(Background::kThread, Background::kLoop, Background::kTick),
                         [](const auto& background) {
                           switch (background.param) {
                             case Background::kThread: return "Thread";
                             case Background::kLoop: return "Loop";
                             default: return "Tick";
                           }
                         });

TEST_P(ForkCloseTest, CloseIsRefusedAndTheMessageSaysWhy) {
  EXPECT_TRUE(InChild([&] {
    const absl::Status status = cache_->Close(absl::InfiniteFuture());
    return status.code() == kPrecondition && std::string(status.message()).find("fork") != std::string::npos;
  }));
  EXPECT_EQ(**cache_->Get("k"), "v");
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
}

TEST_P(ForkCloseTest, AnotherTimeAndBehindItTheSame) {
  EXPECT_TRUE(InChild([&] {
    if (!CloseIsRefused() || cache_->Get("k").status().code() != kPrecondition) return false;
    cache_.reset();  // returns: nothing is waited for
    return true;
  }));
  EXPECT_EQ(**cache_->Get("k"), "v");
}

TEST_P(ForkCloseTest, NoCallbackThatIsOwedRunsInTheChild) {
  std::atomic<int> ran{0};
  ASSERT_TRUE(cache_->ExecuteAsync({"PING"}, [&](absl::StatusOr<Reply>) { ++ran; }).ok());
  EXPECT_TRUE(InChild([&] {
    const int before = ran;  // the background thread may have delivered it in the parent
    if (!CloseIsRefused()) return false;
    cache_.reset();
    return ran == before;
  }));
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  EXPECT_EQ(ran, 1);
}

// The child has neither the thread that is inside nor its memory of having let go.
TEST_P(ForkCloseTest, WhileAThreadOfTheParentIsInsideOrCloses) {
  for (const bool closing : {false, true}) {
    std::atomic<bool> inside{false}, release{false};
    std::thread holder([&] {
      EXPECT_TRUE(cache_->View("k", [&](auto) {
        inside = true;
        while (!release) std::this_thread::yield();
      }).ok());
    });
    while (!inside) std::this_thread::yield();
    if (closing) {
      EXPECT_EQ(cache_->Close(absl::InfinitePast()).code(), absl::StatusCode::kDeadlineExceeded);
    }
    EXPECT_TRUE(InChild([&] { return CloseIsRefused(); }));
    release = true;
    holder.join();
  }
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  EXPECT_TRUE(InChild([&] { return CloseIsRefused(); })) << "also of a cache that the parent has closed";
}

}  // namespace
}  // namespace larder
