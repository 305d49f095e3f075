// Commands that wait, on threads of their own: Session::Execute and Cache::Execute park the thread, ExecuteAsync parks
// the request, an in-memory connection is told by its hook. For ThreadSanitizer too.
#include <larder/cache.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <larder/clock.h>
#include <larder/session.h>

namespace larder {
namespace {

class BlockingThreadsTest : public ::testing::Test {
 protected:
  void Open(Options options = {}) {
    auto cache = Cache::Open(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }
  int64_t Blocked() {
    const std::string info = cache_->Execute({"INFO", "clients"})->AsString();
    return std::stoll(info.substr(info.find("blocked_clients:") + 16));
  }
  void AwaitBlocked(int64_t count) {
    while (Blocked() != count) std::this_thread::yield();
  }

  std::unique_ptr<Cache> cache_;
};

TEST_F(BlockingThreadsTest, EachElementIsGivenToOneOfTheThreadsThatWait) {
  constexpr int kConsumers = 4;
  constexpr int kElements = 3000;
  Open();
  std::mutex mutex;
  std::map<std::string, int> seen;
  std::vector<std::thread> threads;
  for (int i = 0; i < kConsumers; ++i) {
    threads.emplace_back([&, i] {
      auto session = cache_->NewSession();
      for (;;) {
        // Some by a session, some as calls of their own; some give up now and then.
        const char* const timeout = i % 2 == 0 ? "0" : "0.001";
        auto reply = i < 2 ? (*session)->Execute({"BLPOP", "a", "b", timeout}) : cache_->Execute({"BLPOP", "a", "b", timeout});
        ASSERT_TRUE(reply.ok()) << reply.status();
        if (reply->is_nil()) continue;
        const std::string element = (*reply)[1].AsString();
        if (element == "end") return;
        const std::lock_guard<std::mutex> lock(mutex);
        ++seen[element];
      }
    });
  }
  std::thread other([&] {
    for (int i = kElements / 2; i < kElements; ++i) ASSERT_TRUE(cache_->Execute({"RPUSH", "b", std::to_string(i)}).ok());
  });
  for (int i = 0; i < kElements / 2; ++i) ASSERT_TRUE(cache_->Execute({"RPUSH", "a", std::to_string(i)}).ok());
  other.join();
  for (int i = 0; i < kConsumers; ++i) ASSERT_TRUE(cache_->Execute({"RPUSH", "b", "end"}).ok());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen.size(), static_cast<size_t>(kElements));
  for (const auto& [element, times] : seen) EXPECT_EQ(times, 1) << element;
  EXPECT_EQ(Blocked(), 0);
}

TEST_F(BlockingThreadsTest, OnePushWakesAllWhoWait) {
  constexpr int kThreads = 50;
  Open();
  std::vector<std::thread> threads;
  std::atomic<int> served{0};
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] { served += cache_->Execute({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"})->is_nil() ? 0 : 1; });
  }
  AwaitBlocked(kThreads);
  ASSERT_TRUE(cache_->Execute({"XADD", "s", "1-1", "f", "v"}).ok());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served, kThreads);
}

TEST_F(BlockingThreadsTest, CloseEndsTheWaitsOfThreadsRequestsAndConnections) {
  for (const Background background : {Background::kThread, Background::kTick}) {
    Open({.background = background});
    absl::Status of_call, of_session, of_request;
    auto connection = cache_->NewConnection();
    auto session = cache_->NewSession();
    ASSERT_TRUE((*connection)->Feed("BLPOP k 0\r\n").ok());
    std::thread first([&] { of_call = cache_->Execute({"BLPOP", "k", "100"}).status(); });
    std::thread second([&] { of_session = (*session)->Execute({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"}).status(); });
    ASSERT_TRUE(cache_->ExecuteAsync({"BLPOP", "k", "0"}, [&](absl::StatusOr<Reply> reply) {
      of_request = reply.status();
    }).ok());
    if (background == Background::kTick) {
      ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
    }
    AwaitBlocked(4);
    EXPECT_FALSE((*connection)->closed());
    ASSERT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
    first.join();
    second.join();
    EXPECT_EQ(of_call.code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(of_session.code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(of_request.code(), absl::StatusCode::kCancelled);
    EXPECT_TRUE((*connection)->closed());
    EXPECT_EQ(cache_->Execute({"BLPOP", "k", "0"}).status().code(), absl::StatusCode::kCancelled);
    session->reset();
    connection->reset();
    cache_.reset();
  }
}

TEST_F(BlockingThreadsTest, CloseBesideThreadsThatBeginToWait) {
  for (int round = 0; round < 30; ++round) {
    Open();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        while (cache_->Execute({"BLPOP", "k", "0"}).ok()) {
        }
      });
    }
    for (int i = 0; i < round; ++i) ASSERT_TRUE(cache_->Execute({"RPUSH", "k", "v"}).ok());
    ASSERT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
    for (std::thread& thread : threads) thread.join();
    cache_.reset();
  }
}

TEST_F(BlockingThreadsTest, ARequestThatWaitsHoldsNoThreadAndNoOtherRequest) {
  Open();
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> got;
  const auto note = [&](std::string name) {
    return [&, name](absl::StatusOr<Reply> reply) {
      const std::lock_guard<std::mutex> lock(mutex);
      got.push_back(name + (reply.ok() ? reply->is_nil() ? " nil" : "" : " error"));
      changed.notify_all();
    };
  };
  const auto await = [&](size_t count) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return got.size() == count; });
  };
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(cache_->ExecuteAsync({"BLPOP", "k", "0"}, note("pop")).ok());
  ASSERT_TRUE(cache_->ExecuteAsync({"BLPOP", "other", "0.001"}, note("late")).ok());
  ASSERT_TRUE(cache_->ExecuteAsync({"PING"}, note("ping")).ok());
  await(2);
  EXPECT_THAT(got, ::testing::UnorderedElementsAre("ping", "late nil"));
  AwaitBlocked(100);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(cache_->Execute({"RPUSH", "k", "v"}).ok());
  await(102);
  EXPECT_EQ(got.back(), "pop");
}

TEST_F(BlockingThreadsTest, AConnectionIsToldOfWhatItWasNotAskedFor) {
  Open();
  auto connection = cache_->NewConnection();
  std::mutex mutex;
  std::condition_variable changed;
  int told = 0;
  (*connection)->OnOutput([&] {
    const std::lock_guard<std::mutex> lock(mutex);
    ++told;
    changed.notify_all();
  });
  const auto await = [&] {
    std::string output;
    while (output.empty()) {
      std::unique_lock<std::mutex> lock(mutex);
      changed.wait(lock, [&] { return told != 0; });
      told = 0;
      lock.unlock();
      output = (*connection)->output();
      (*connection)->ConsumeOutput(output.size());
    }
    return output;
  };
  ASSERT_TRUE((*connection)->Feed("BLPOP k 0\r\n").ok());
  EXPECT_EQ((*connection)->output(), "");
  ASSERT_TRUE(cache_->Execute({"RPUSH", "k", "v"}).ok());
  EXPECT_EQ(await(), "*2\r\n$1\r\nk\r\n$1\r\nv\r\n");
  ASSERT_TRUE((*connection)->Feed("BLPOP k 0.001\r\n").ok());
  EXPECT_EQ(await(), "*-1\r\n");
  ASSERT_TRUE((*connection)->Feed("SUBSCRIBE ch\r\n").ok());
  std::string output((*connection)->output());
  (*connection)->ConsumeOutput(output.size());
  ASSERT_TRUE(cache_->Execute({"PUBLISH", "ch", "hello"}).ok());
  EXPECT_EQ(await(), "*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$5\r\nhello\r\n");
  // Messages come while it ends.
  std::thread publisher([&] {
    for (int i = 0; i < 200; ++i) (void)cache_->Execute({"PUBLISH", "ch", "hello"});
  });
  connection->reset();
  publisher.join();
}

TEST_F(BlockingThreadsTest, AThreadsTimeGoesByTheCachesClock) {
  const auto clock = std::make_shared<ManualClock>();
  Open({.clock = clock, .background = Background::kTick});
  std::atomic<bool> done{false};
  std::thread thread([&] {
    EXPECT_TRUE(cache_->Execute({"BLPOP", "k", "5"})->is_nil());
    done = true;
  });
  while (clock->waiters() != 1) std::this_thread::yield();
  clock->Advance(absl::Milliseconds(4999));
  EXPECT_EQ(Blocked(), 1);
  EXPECT_FALSE(done);
  clock->Advance(absl::Milliseconds(1));
  thread.join();
}

}  // namespace
}  // namespace larder
