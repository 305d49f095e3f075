// Many threads on one cache, doing everything at once: typed calls, sessions, RESP connections, Atomically, View,
// callbacks, expiry, and Close in the middle. Run under ThreadSanitizer; the sums show that nothing was lost.
#include <larder/cache.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace larder {
namespace {

// xorshift: deterministic for a seed.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  uint64_t Roll(uint64_t sides) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % sides;
  }

 private:
  uint64_t state_;
};

constexpr int kThreads = 6;
constexpr int kRounds = 2000;

class Traffic {
 public:
  explicit Traffic(Cache& cache) : cache_(cache) {}

  // One thread's random calls; each adds 1 to "sum" in some way or leaves it alone. Ends early when the cache is
  // closed.
  void Run(uint64_t seed) {
    Dice dice(seed);
    auto session = cache_.NewSession();
    auto connection = cache_.NewConnection();
    if (!session.ok() || !connection.ok()) return;
    for (int i = 0; i < kRounds; ++i) {
      const absl::Status status = Step(dice, **session, **connection);
      if (status.ok()) continue;
      EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
      return;
    }
  }

  int64_t added() const { return added_; }

 private:
  absl::Status Step(Dice& dice, Session& session, RespConnection& connection) {
    const std::string key = "k" + std::to_string(dice.Roll(20));
    switch (dice.Roll(10)) {
      case 0: return Count(cache_.Increment("sum").status());
      case 1: return Count(session.Execute({"INCR", "sum"}).status());
      case 2: return Count(Feed(connection));
      case 3: return Count(cache_.Atomically([](Transaction& t) { return t.Increment("sum").status(); }));
      case 4: return Count(Queued(session));
      case 5: return cache_.Set(key, std::string(dice.Roll(3000), 'v'), {.ttl = absl::Milliseconds(1 + dice.Roll(5))})
                         .status();
      case 6: return cache_.Get(key).status();
      case 7: return cache_.View(key, [](std::optional<std::string_view> value) {
                EXPECT_EQ(value.value_or("").find_first_not_of('v'), std::string_view::npos);
              });
      case 8: return cache_.GetOrLoad(key, absl::Milliseconds(2),
                                      []() -> absl::StatusOr<std::string> { return std::string(500, 'v'); })
                         .status();
      default: return cache_.ExecuteAsync({"GET", key}, [this](absl::StatusOr<Reply>) { ++delivered_; });
    }
  }

  absl::Status Count(const absl::Status& status) {
    if (status.ok()) ++added_;
    return status;
  }

  static absl::Status Feed(RespConnection& connection) {
    const absl::Status status = connection.Feed("INCR sum\r\n");
    if (!status.ok()) return status;
    if (connection.closed()) return absl::CancelledError("closed with the cache, in the middle of the feed");
    EXPECT_EQ(connection.output().substr(0, 1), ":");
    connection.ConsumeOutput(connection.output().size());
    return status;
  }

  static absl::Status Queued(Session& session) {
    for (const char* command : {"MULTI", "INCR", "EXEC"}) {
      const auto reply = std::string_view(command) == "INCR" ? session.Execute({command, "sum"})
                                                             : session.Execute({command});
      if (!reply.ok()) return reply.status();
      EXPECT_FALSE(reply->is_error()) << reply->string_view();
    }
    return absl::OkStatus();
  }

  Cache& cache_;
  std::atomic<int64_t> added_{0};
  std::atomic<int64_t> delivered_{0};
};

TEST(ConcurrencyTest, NothingIsLostAndNothingIsTorn) {
  for (Background background : {Background::kThread, Background::kTick}) {
    auto cache = *Cache::Open({.background = background});
    Traffic traffic(*cache);
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < kThreads; ++t) threads.emplace_back([&, t] { traffic.Run(t + 1); });
    std::atomic<bool> done{false};
    std::thread ticker([&] {
      while (!done) {
        (void)cache->Tick(absl::Now() + absl::Milliseconds(1));
        std::this_thread::yield();
      }
    });
    for (std::thread& thread : threads) thread.join();
    done = true;
    ticker.join();
    EXPECT_EQ(**cache->Get("sum"), std::to_string(traffic.added()));
  }
}

TEST(ConcurrencyTest, CloseInTheMiddleCancelsWhatComesAfter) {
  for (uint64_t round = 0; round < 10; ++round) {
    auto cache = *Cache::Open({});
    Traffic traffic(*cache);
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < kThreads; ++t) threads.emplace_back([&, t] { traffic.Run(round * 100 + t + 1); });
    while (traffic.added() < static_cast<int64_t>(round * 20)) std::this_thread::yield();
    // A call that has run may still be copying its value, which Close tells as a pin.
    const absl::Status closed = cache->Close(absl::InfiniteFuture());
    EXPECT_TRUE(closed.ok() || closed.code() == absl::StatusCode::kFailedPrecondition) << closed;
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(cache->Close(absl::InfiniteFuture()).ok());
    EXPECT_EQ(cache->Get("sum").status().code(), absl::StatusCode::kCancelled);
  }
}

TEST(ConcurrencyTest, CloseIsBoundedByItsDeadline) {
  auto cache = *Cache::Open({});
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  std::thread holder([&] {
    EXPECT_TRUE(cache->View("k", [&](std::optional<std::string_view>) {
      inside = true;
      while (!leave) std::this_thread::yield();
    }).ok());
  });
  while (!inside) std::this_thread::yield();
  EXPECT_EQ(cache->Close(absl::Now() + absl::Milliseconds(5)).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(cache->Get("k").status().code(), absl::StatusCode::kCancelled);
  leave = true;
  holder.join();
  EXPECT_TRUE(cache->Close(absl::InfiniteFuture()).ok());
}

}  // namespace
}  // namespace larder
