// Cache::Close and listeners: each kind of loop stops for a close on any thread, in time, or is named.
#include <larder/cache.h>
#include <larder/net/listener.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/core/core.h"
#include "tests/net/test_client.h"

namespace larder {
namespace {

using ::testing::HasSubstr;

std::string Text(const absl::Status& status) { return {status.message().data(), status.message().size()}; }

class CloseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.clock = clock_;
    options_.background = Background::kTick;
    where_.bind = {"127.0.0.1"};
    where_.any_port = true;
    where_.own_thread = false;
    cache_ = *Cache::Open(options_);
  }
  void Start() {
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, where_);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  // A client that the listener has accepted.
  TestClient Served() {
    TestClient client = TestClient::Tcp(listener_->port());
    client.Send("PING\r\n");
    return client;
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  Options options_;
  ListenerOptions where_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Listener> listener_;
};

TEST_F(CloseTest, OnAnotherThreadItWakesTheLoopAndWaitsForIt) {
  Start();
  std::thread loop([&] { EXPECT_TRUE(listener_->Run().ok()); });
  TestClient client = Served();
  EXPECT_EQ(client.ReadLine(), "+PONG\r\n");
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  client.ExpectEnd();
  listener_->EndRun();
  loop.join();
}

TEST_F(CloseTest, AHostsLoopIsWokenByItsDescriptor) {
  Start();
  const int fd = listener_->BackendFd();
  ASSERT_GE(fd, 0);
  std::atomic<bool> over{false};
  std::atomic<int> turns{0};
  std::thread loop([&] {
    while (!over) {
      pollfd wanted{fd, POLLIN, 0};
      if (poll(&wanted, 1, 10'000) == 1) listener_->Poll(0);
      ++turns;
    }
  });
  TestClient client = Served();
  EXPECT_EQ(client.ReadLine(), "+PONG\r\n");
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  client.ExpectEnd();
  over = true;
  // A loop that is left alone sleeps: this is what wakes it.
  listener_->EndRun();
  loop.join();
  EXPECT_LT(turns, 1000);
}

TEST_F(CloseTest, OnTheLoopsThreadItStopsAtOnce) {
  Start();
  TestClient client = Served();
  while (listener_->Poll(10) == 0) {
  }
  EXPECT_TRUE(cache_->Close(absl::InfinitePast()).ok());
  EXPECT_EQ(listener_->Poll(0), 0);
  client.ReadToEnd();
}

TEST_F(CloseTest, TheLoopsThreadMayCloseWhileAnotherThreadWaitsForThatLoop) {
  Start();
  (void)listener_->Poll(0);
  std::thread other([&] { EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok()); });
  while (clock_->waiters() < 1) std::this_thread::yield();
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  other.join();
}

TEST_F(CloseTest, TwoLoopsThreadsMayCloseAtOnce) {
  std::atomic<int> polled{0};
  std::vector<std::thread> loops;
  for (int i = 0; i < 2; ++i) {
    loops.emplace_back([&] {
      absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, where_);
      ASSERT_TRUE(listener.ok()) << listener.status();
      (void)(*listener)->Poll(0);
      ++polled;
      while (polled != 2) std::this_thread::yield();
      EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
    });
  }
  for (std::thread& loop : loops) loop.join();
}

TEST_F(CloseTest, ALoopThatNobodyPollsIsNamed) {
  std::thread([&] { Start(); }).join();
  std::thread later([&] {
    while (clock_->waiters() == 0) std::this_thread::yield();
    clock_->Advance(absl::Seconds(3));
  });
  const absl::Status late = cache_->Close(absl::FromUnixMicros(clock_->NowUs()) + absl::Seconds(2));
  later.join();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded) << late;
  EXPECT_THAT(Text(late), HasSubstr("the listener at 127.0.0.1:" + std::to_string(listener_->port())));
  // It was asked: its next turn, on whatever thread, is the last.
  TestClient client = TestClient::Tcp(listener_->port());
  listener_->Poll(0);
  client.ReadToEnd();
  EXPECT_TRUE(cache_->Close(absl::InfinitePast()).ok());
}

TEST_F(CloseTest, SeveralMayCloseAtOnce) {
  Start();
  std::thread loop([&] { EXPECT_TRUE(listener_->Run().ok()); });
  TestClient client = Served();
  std::vector<std::thread> closers;
  for (int i = 0; i < 4; ++i) {
    closers.emplace_back([&] { EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok()); });
  }
  for (std::thread& closer : closers) closer.join();
  listener_->EndRun();
  loop.join();
}

TEST_F(CloseTest, AListenerMayBeDestroyedMeanwhile) {
  for (bool own_thread : {true, false}) {
    for (int i = 0; i < 50; ++i) {
      cache_ = *Cache::Open(options_);
      where_.own_thread = own_thread;
      Start();
      TestClient client = Served();
      std::atomic<bool> go{false};
      std::thread closer([&] {
        while (!go) std::this_thread::yield();
        const absl::Status status = cache_->Close(absl::InfiniteFuture());
        EXPECT_TRUE(status.ok()) << status;
      });
      if (!own_thread) listener_->Poll(0);
      go = true;
      if (i % 2 != 0) std::this_thread::yield();
      listener_.reset();
      closer.join();
      client.ReadToEnd();
    }
  }
}

// Clients of a closed cache are left alone while somebody is inside of it; what is left of them ends with the cache.
TEST_F(CloseTest, WhoHoldsTheExecutorOfAClosedCacheMayStillLookAtClients) {
  where_.own_thread = true;
  Start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(Served());
    EXPECT_EQ(clients.back().ReadLine(), "+PONG\r\n");
  }
  std::atomic<bool> inside{false}, release{false};
  std::thread holder([&] {
    (void)cache_->Atomically([&](Transaction& t) {
      do {
        EXPECT_TRUE(t.Execute({"CLIENT", "LIST"}).ok());
        inside = true;
      } while (!release);
    });
  });
  while (!inside) std::this_thread::yield();
  for (TestClient& client : clients) client.Send("PING\r\nCLIENT ID\r\n");
  std::thread later([&] {
    for (TestClient& client : clients) client.ReadToEnd();
    while (clock_->waiters() == 0) std::this_thread::yield();
    clock_->Advance(absl::Seconds(20));
  });
  const absl::Status late = cache_->Close(absl::FromUnixMicros(clock_->NowUs()) + absl::Seconds(10));
  later.join();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded) << late;
  EXPECT_THAT(Text(late), HasSubstr("a call is still running"));
  listener_.reset();  // waits for nobody
  release = true;
  holder.join();
  const absl::Status closed = cache_->Close(absl::InfiniteFuture());
  EXPECT_TRUE(closed.ok()) << closed;
}

// Stands still for one thread, once.
class StallingClock final : public Clock {
 public:
  int64_t NowUs() override {
    if (stalls_ == std::this_thread::get_id()) {
      stalled = true;
      while (!go_on) std::this_thread::yield();
      stalls_ = std::thread::id();
    }
    return 1'000'000;
  }
  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& cv, int64_t /*deadline_us*/) override {
    cv.wait_for(lock, std::chrono::milliseconds(1));
    return true;
  }
  void StallThisThread() { stalls_ = std::this_thread::get_id(); }

  std::atomic<bool> stalled{false}, go_on{false};

 private:
  std::atomic<std::thread::id> stalls_{};
};

// Even a Close without time: the other thread is in the listener's batch, which is to be destroyed.
TEST_F(CloseTest, ASliceThatAnotherThreadRunsIsLetEnd) {
  const auto clock = std::make_shared<StallingClock>();
  options_.clock = clock;
  cache_ = *Cache::Open(options_);
  Start();
  TestClient client = TestClient::Tcp(listener_->port());
  while (cache_->Stats()->connections_received == 0) listener_->Poll(10);
  std::atomic<bool> inside{false}, queued{false};
  std::thread stranger([&] {
    EXPECT_TRUE(cache_->Atomically([&](Transaction&) {
      inside = true;
      while (!queued) std::this_thread::yield();
      clock->StallThisThread();  // in the slice that it runs when it lets go
    }).ok());
  });
  while (!inside) std::this_thread::yield();
  while (listener_->Poll(0) != 0) {
  }
  client.Send("PING\r\n");
  while (listener_->Poll(10) == 0) {
  }
  queued = true;
  while (!clock->stalled) std::this_thread::yield();
  std::thread releaser([&] {
    while (!cache_->core().closed()) std::this_thread::yield();
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    clock->go_on = true;
  });
  (void)cache_->Close(absl::InfinitePast());
  EXPECT_TRUE(clock->go_on) << "it has not waited";
  releaser.join();
  stranger.join();
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
}

TEST_F(CloseTest, AListenerThatIsStoppedIsNoLongerAsked) {
  Start();
  listener_->Stop();
  listener_->Stop();
  EXPECT_EQ(listener_->Poll(0), 0);
  std::thread([&] { EXPECT_TRUE(cache_->Close(absl::InfinitePast()).ok()); }).join();
}

TEST_F(CloseTest, OfAClosedCacheNoListenerStarts) {
  ASSERT_TRUE(cache_->Close(absl::InfinitePast()).ok());
  EXPECT_EQ(Listener::Start(*cache_, where_).status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace larder
