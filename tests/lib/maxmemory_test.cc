// maxmemory as programs and clients meet it: who waits for eviction, what is refused, and what they are told.
#include <larder/cache.h>

#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/lib/resp_text.h"

namespace larder {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uint64_t kMiB = 1 << 20;
constexpr std::string_view kTooLarge = "OOM the value is larger than 'maxmemory'";
constexpr std::string_view kRedisOom = "OOM command not allowed when used memory > 'maxmemory'.";

class MaxmemoryTest : public ::testing::Test {
 protected:
  void Open(MaxmemoryPolicy policy, uint64_t maxmemory, std::shared_ptr<MemorySource> memory = nullptr) {
    cache_.reset();
    clock_ = std::make_shared<ManualClock>();
    cache_ = *Cache::Open({.clock = clock_, .memory = std::move(memory), .seed = 42, .background = Background::kTick,
                           .maxmemory = maxmemory, .maxmemory_policy = policy});
  }
  void Fill(int keys, size_t bytes = 64) {
    const std::string value(bytes, 'v');
    for (int i = 0; i < keys; ++i) ASSERT_TRUE(cache_->Set("key:" + std::to_string(i), value).ok()) << i;
  }
  std::string Run(std::initializer_list<std::string_view> argv) {
    auto reply = cache_->Execute(argv);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? reply->DebugString() : "";
  }
  // One slice of whatever there is to be done.
  void TickOnce() { ASSERT_TRUE(cache_->Tick(absl::InfinitePast()).ok()); }
  void TickAll() { ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok()); }
  uint64_t evicted() const { return cache_->Stats()->evicted_keys; }
  uint64_t used() const { return cache_->Stats()->used_memory; }
  StepStats evict_steps() const { return cache_->Stats()->step[4]; }

  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Cache> cache_;
};

// ---- Far over the limit ---------------------------------------------------------------------------------------------

class FarOverTest : public MaxmemoryTest {
 protected:
  static constexpr int kKeys = 60'000;
  void SetUp() override {
    Open(MaxmemoryPolicy::kAllkeysLru, 0);
    Fill(kKeys);
    ASSERT_EQ(Run({"CONFIG", "SET", "maxmemory", "1mb"}), "OK");
    ASSERT_EQ(evict_steps().steps, 0u) << "and CONFIG SET does not wait for it";
    ASSERT_GT(used(), 5 * kMiB);
  }
};

TEST_F(FarOverTest, ReadsEvictNothing) {
  auto session = *cache_->NewSession();
  auto connection = *cache_->NewConnection();
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "key:" + std::to_string(i);
    ASSERT_TRUE(cache_->Get(key)->has_value());
    ASSERT_EQ(session->Execute({"GET", key})->AsString().size(), 64u);
    ASSERT_THAT(Answer(*connection, Request({"GET", key})), StartsWith("$64"));
    ASSERT_TRUE(*cache_->Exists(key));
  }
  ASSERT_TRUE(cache_->MGet({"key:1", "key:2"}).ok());
  ASSERT_TRUE(cache_->View("key:1", [](auto) {}).ok());
  EXPECT_EQ(Run({"DEL", "key:1"}), "(integer) 1") << "what needs no memory neither";
  EXPECT_EQ(evicted(), 0u);
  EXPECT_EQ(*cache_->Size(), kKeys - 1);
}

TEST_F(FarOverTest, AWriteEvictsOneSliceAndRuns) {
  auto session = *cache_->NewSession();
  auto connection = *cache_->NewConnection();
  uint64_t steps = 0;
  const auto expect_one_slice = [&](std::string_view by) {
    EXPECT_EQ(evict_steps().steps, ++steps) << by;
    EXPECT_GT(used(), 2 * kMiB) << by;
  };
  EXPECT_TRUE(*cache_->Set("a", "1"));
  expect_one_slice("Set");
  EXPECT_EQ(*cache_->Increment("a"), 2);
  expect_one_slice("Increment");
  EXPECT_EQ(Run({"SET", "b", "1"}), "OK");
  expect_one_slice("Execute");
  EXPECT_TRUE(session->Execute({"SET", "c", "1"}).ok());
  expect_one_slice("a session");
  EXPECT_EQ(Answer(*connection, Request({"SET", "d", "1"})), "+OK\r\n");
  expect_one_slice("a connection");
  ASSERT_TRUE(cache_->Atomically([](Transaction&) {}).ok());
  expect_one_slice("Atomically");
  EXPECT_TRUE(cache_->MSet({{"e", "1"}, {"f", "1"}}).ok());
  expect_one_slice("MSet");
  for (const char* key : {"a", "b", "c", "d", "e", "f"}) EXPECT_TRUE(*cache_->Exists(key)) << key;
  EXPECT_LE(evict_steps().entries_max, 1024u);
}

TEST_F(FarOverTest, TickWorksOffTheRestInSlicesAndOthersRunInBetween) {
  auto other = *cache_->NewSession();
  int slices = 0;
  uint64_t before = evicted();
  for (; used() > kMiB; ++slices) {
    ASSERT_LT(slices, 10'000);
    TickOnce();
    const uint64_t now = evicted();
    ASSERT_LE(now - before, 1024u);
    before = now;
    ASSERT_TRUE(other->Execute({"GET", "key:" + std::to_string(kKeys - 1)}).ok());
  }
  EXPECT_GE(slices, kKeys / 2 / 1024);
  EXPECT_EQ(evicted() + static_cast<uint64_t>(*cache_->Size()), uint64_t{kKeys});
  // And then there is nothing left to do.
  const uint64_t steps = evict_steps().steps;
  TickAll();
  EXPECT_EQ(evict_steps().steps, steps);
}

TEST_F(FarOverTest, TickWithoutADeadlineGoesOnUntilItFits) {
  TickAll();
  EXPECT_LE(used(), kMiB);
  EXPECT_LE(evict_steps().entries_max, 1024u);
  EXPECT_GT(*cache_->Size(), 1000);
}

TEST_F(FarOverTest, TickSaysThatItWantsToGoOnAtOnce) {
  const absl::StatusOr<absl::Time> next = cache_->Tick(absl::InfinitePast());
  ASSERT_TRUE(next.ok());
  EXPECT_LE(*next, absl::FromUnixMicros(clock_->NowUs()));
}

TEST_F(FarOverTest, APauseOfClientsHoldsItUp) {
  Run({"CLIENT", "PAUSE", "1000", "WRITE"});
  TickAll();
  EXPECT_EQ(evicted(), 0u);
  clock_->Advance(absl::Seconds(2));
  TickAll();
  EXPECT_LE(used(), kMiB);
}

TEST_F(FarOverTest, ThreadsReadWhileOneEvicts) {
  std::atomic<bool> done{false};
  std::atomic<uint64_t> reads{0};
  std::thread reader([&] {
    while (!done.load()) {
      ASSERT_TRUE(cache_->Get("key:7").ok());
      ++reads;
    }
  });
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(cache_->Set("more:" + std::to_string(i), "v").ok());
  });
  while (reads.load() == 0) std::this_thread::yield();
  TickAll();
  writer.join();
  TickAll();
  done = true;
  reader.join();
  EXPECT_LE(used(), kMiB + 1024);
}

TEST(BackgroundEvictionTest, AThreadOfItsOwnWorksOffTheRest) {
  auto cache = *Cache::Open({.seed = 42, .maxmemory_policy = MaxmemoryPolicy::kAllkeysRandom});
  for (int i = 0; i < 60'000; ++i) ASSERT_TRUE(cache->Set("key:" + std::to_string(i), std::string(64, 'v')).ok());
  ASSERT_TRUE(cache->Execute({"CONFIG", "SET", "maxmemory", "1mb"}).ok());
  while (cache->Stats()->used_memory > kMiB) std::this_thread::yield();
  EXPECT_GT(*cache->Size(), 1000);
}

// ---- Large writes ---------------------------------------------------------------------------------------------------

TEST_F(FarOverTest, ALargeWriteEvictsWhatItAddsInSlices) {
  const std::string value(600'000, 'x');
  auto session = *cache_->NewSession();
  auto connection = *cache_->NewConnection();
  const auto expect_room = [&](std::string_view by, auto&& write) {
    const uint64_t before = used();
    const uint64_t steps = evict_steps().steps;
    write();
    EXPECT_LE(used(), before + 64 * 1024) << by;  // buffers
    EXPECT_GT(evict_steps().steps, steps + 3) << by;
  };
  expect_room("Set", [&] { EXPECT_TRUE(cache_->Set("a", value).ok()); });
  expect_room("Execute", [&] { EXPECT_EQ(Run({"SET", "b", value}), "OK"); });
  expect_room("a session", [&] { EXPECT_TRUE(session->Execute({"APPEND", "c", value}).ok()); });
  expect_room("a connection", [&] { EXPECT_EQ(Answer(*connection, Request({"SET", "d", value})), "+OK\r\n"); });
  EXPECT_LE(evict_steps().entries_max, 1024u);
}

TEST_F(FarOverTest, InATransactionAWriteEvictsWhatItAdds) {
  const uint64_t before = used();
  ASSERT_TRUE(
      cache_->Atomically([&](Transaction& t) { ASSERT_TRUE(t.Set("a", std::string(600'000, 'x')).ok()); }).ok());
  EXPECT_LE(used(), before + 32 * 1024);  // what the evictor keeps for itself
}

// ---- A value that is larger than the limit --------------------------------------------------------------------------

class LargerThanMaxmemoryTest : public MaxmemoryTest {
 protected:
  static constexpr int kKeys = 10'000;
  void SetUp() override {
    Open(MaxmemoryPolicy::kAllkeysLru, 4 * kMiB);
    Fill(kKeys);
    value_.assign(4 * kMiB + 1, 'x');
    ASSERT_EQ(evicted(), 0u);
  }
  void TearDown() override {
    EXPECT_EQ(evicted(), 0u);
    TickAll();
    EXPECT_EQ(evicted(), 0u);
    EXPECT_EQ(*cache_->Size(), kKeys);
  }
  void ExpectRefused(const absl::Status& status, std::string_view by) {
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << by;
    EXPECT_THAT(std::string(status.message()), HasSubstr("the value is larger than 'maxmemory'")) << by;
  }
  std::string value_;
};

TEST_F(LargerThanMaxmemoryTest, IsRefusedByEveryTypedCall) {
  ExpectRefused(cache_->Set("big", value_).status(), "Set");
  ExpectRefused(cache_->Set("big", value_, {.ttl = absl::Seconds(1)}).status(), "Set with a ttl");
  ExpectRefused(cache_->Set("key:1", value_, {.condition = SetOptions::If::kMissing}).status(), "Set NX");
  ExpectRefused(cache_->SetAndGet("key:1", value_).status(), "SetAndGet");
  ExpectRefused(cache_->MSet({{"a", "1"}, {"big", value_}}), "MSet");
  ExpectRefused(cache_->Append("key:1", value_).status(), "Append");
  ExpectRefused(cache_->Append("big", value_).status(), "Append to nothing");
  ExpectRefused(cache_->SetRange("key:1", 0, value_).status(), "SetRange");
  ExpectRefused(cache_->SetRange("key:1", 4 * kMiB, "x").status(), "SetRange far behind the end");
  const absl::Status status = cache_->Atomically([&](Transaction& t) { return t.Set("big", value_).status(); });
  ExpectRefused(status, "Atomically");
}

TEST_F(LargerThanMaxmemoryTest, IsRefusedAsACommand) {
  auto session = *cache_->NewSession();
  auto connection = *cache_->NewConnection();
  EXPECT_THAT(Run({"SET", "big", value_}), HasSubstr(kTooLarge));
  EXPECT_THAT(Run({"SETRANGE", "big", "5000000", "x"}), HasSubstr(kTooLarge));
  EXPECT_THAT(session->Execute({"SET", "key:1", value_, "NX"})->DebugString(), HasSubstr(kTooLarge));
  EXPECT_EQ(session->Execute({"MULTI"})->DebugString(), "OK");
  EXPECT_THAT(session->Execute({"SET", "big", value_})->DebugString(), HasSubstr(kTooLarge));
  EXPECT_THAT(session->Execute({"EXEC"})->DebugString(), HasSubstr("EXECABORT"));
  const std::string refused = "-" + std::string(kTooLarge) + "\r\n";
  EXPECT_EQ(Answer(*connection, Request({"SET", "big", value_})), refused);
  EXPECT_EQ(Answer(*connection, Request({"MSET", "a", "1", "big", value_})), refused);
  EXPECT_EQ(Answer(*connection, Request({"GET", "big"})), "$-1\r\n");
}

// While it arrives, and until it is refused, nobody goes for it.
TEST_F(LargerThanMaxmemoryTest, IsNobodysReasonToGoWhileItArrives) {
  auto connection = *cache_->NewConnection();
  const std::string request = Request({"SET", "big", value_});
  for (size_t at = 0; at + 300'000 < request.size(); at += 300'000) {
    ASSERT_TRUE(connection->Feed(std::string_view(request).substr(at, 300'000)).ok());
    ASSERT_TRUE(cache_->Set("key:1", "v").ok());
  }
  EXPECT_EQ(evicted(), 0u);
  connection.reset();
  ASSERT_TRUE(cache_->Set("key:1", "v").ok());
}

// What is larger only when it has been added to what is there.
TEST_F(LargerThanMaxmemoryTest, IsRefusedBeforeAnybodyGoesForIt) {
  const std::string half(kMiB, 'x');
  ASSERT_TRUE(cache_->Set("key:1", half).ok());
  auto connection = *cache_->NewConnection();
  ASSERT_EQ(Run({"CONFIG", "SET", "maxmemory", "1050000"}), "OK");
  ASSERT_GT(used(), 1'200'000u);
  const std::string suffix(2'000, 'x');
  const std::string refused = "-" + std::string(kTooLarge) + "\r\n";
  EXPECT_EQ(Answer(*connection, Request({"APPEND", "key:1", suffix})), refused);
  EXPECT_EQ(Answer(*connection, Request({"SETRANGE", "key:1", "1100000", "x"})), refused);
  EXPECT_THAT(Run({"APPEND", "key:1", suffix}), HasSubstr(kTooLarge));
  EXPECT_THAT(Run({"SETRANGE", "key:2", "1100000", "x"}), HasSubstr(kTooLarge));
  EXPECT_THAT(Run({"SET", "key:2", half + suffix}), HasSubstr(kTooLarge));
  ExpectRefused(cache_->SetRange("key:1", 1'100'000, "x").status(), "SetRange");
  EXPECT_EQ(evicted(), 0u);
  ASSERT_EQ(Run({"CONFIG", "SET", "maxmemory", "4mb"}), "OK");
}

// A few bytes far behind the end make a large value.
TEST_F(MaxmemoryTest, WhatSetRangeAddsIsEvictedBeforeIt) {
  constexpr uint64_t kBytes = 1'000'000;
  Open(MaxmemoryPolicy::kAllkeysLru, 16 * kMiB);
  Fill(150'000);
  auto session = *cache_->NewSession();
  auto connection = *cache_->NewConnection();
  std::string pipeline;
  for (int i = 0; i < 20; ++i) pipeline += Request({"SETRANGE", "piped:" + std::to_string(i), "999999", "x"});
  // One that is there already is given room to grow.
  const auto check = [&](std::string_view by) { EXPECT_LT(used(), 16 * kMiB + 2 * kBytes + 50'000) << by; };
  for (int i = 0; i < 20; ++i) {
    const std::string key = "key:" + std::to_string(i);
    EXPECT_EQ(Run({"SETRANGE", key, "999999", "x"}), "(integer) 1000000");
    check("Execute");
    EXPECT_EQ(*cache_->SetRange("typed:" + key, 999'999, "x"), kBytes);
    check("SetRange");
    ASSERT_TRUE(session->Execute({"SETRANGE", "session:" + key, "999999", "x"}).ok());
    check("Session");
  }
  EXPECT_THAT(Answer(*connection, pipeline), HasSubstr(":1000000"));
  check("a pipeline");
}

// Each time a reader keeps the value, adding a byte to it copies it.
TEST_F(MaxmemoryTest, ACopyForAnAppendIsEvictedForBeforeIt) {
  Open(MaxmemoryPolicy::kAllkeysLru, 8 * kMiB);
  Fill(60'000);
  std::string pipeline = Request({"SETRANGE", "big", "999999", "x"});
  for (int i = 0; i < 5; ++i) pipeline += Request({"GET", "big"}) + Request({"APPEND", "big", "x"});
  auto connection = *cache_->NewConnection();
  ASSERT_TRUE(connection->Feed(pipeline).ok());
  EXPECT_LT(used(), 8 * kMiB + 2'100'000);
}

TEST_F(MaxmemoryTest, AWriteMayOvershootByItsOwnSize) {
  Open(MaxmemoryPolicy::kAllkeysLru, 4 * kMiB);
  Fill(10'000);
  const std::string value(4 * kMiB - 100'000, 'x');
  EXPECT_TRUE(*cache_->Set("big", value));
  EXPECT_EQ(evicted(), 0u);
  EXPECT_GT(used(), 4 * kMiB);
  // That is the next write's to evict, and the background's what is left of it.
  EXPECT_TRUE(*cache_->Set("key:1", "v"));
  EXPECT_GT(evicted(), 0u);
  TickAll();
  EXPECT_LE(used(), 4 * kMiB + 1024);
}

// A write that changes nothing evicts for what is used already, as in Redis, and not for itself.
TEST_F(MaxmemoryTest, SetNxOfAKeyThatExistsEvictsNothingForItself) {
  Open(MaxmemoryPolicy::kAllkeysLru, 4 * kMiB);
  Fill(10'000);
  const std::string value(3 * kMiB, 'x');
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(*cache_->Set("key:1", value, {.condition = SetOptions::If::kMissing}));
    EXPECT_EQ(Run({"SET", "key:1", value, "NX"}), "(nil)");
  }
  EXPECT_EQ(evicted(), 0u);
}

// ---- Nothing may go -------------------------------------------------------------------------------------------------

TEST_F(MaxmemoryTest, UnderNoevictionOnlyWhatNeedsMemoryIsRefused) {
  Open(MaxmemoryPolicy::kNoeviction, 0);
  Fill(1000);
  Run({"CONFIG", "SET", "maxmemory", "1"});
  auto session = *cache_->NewSession();
  EXPECT_EQ(cache_->Set("a", "1").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Run({"SET", "a", "1"}), "(error) " + std::string(kRedisOom));
  EXPECT_EQ(Run({"SET", "a", "longer than that"}), "(error) " + std::string(kRedisOom));
  EXPECT_TRUE(cache_->Get("key:1")->has_value());
  EXPECT_EQ(Run({"EXPIRE", "key:1", "100"}), "(integer) 1");
  EXPECT_EQ(Run({"DEL", "key:2"}), "(integer) 1");
  // Answers of redis-server 7.0.15.
  EXPECT_EQ(session->Execute({"MULTI"})->DebugString(), "OK");
  EXPECT_THAT(session->Execute({"GET", "key:1"})->DebugString(), HasSubstr(kRedisOom));
  EXPECT_THAT(session->Execute({"EXEC"})->DebugString(), HasSubstr("EXECABORT"));
  EXPECT_EQ(evicted(), 0u);
  TickAll();
}

TEST_F(MaxmemoryTest, AQueueThatNeedsMemoryIsRefusedByExec) {
  Open(MaxmemoryPolicy::kNoeviction, 0);
  Fill(1000);
  auto session = *cache_->NewSession();
  ASSERT_TRUE(session->Execute({"MULTI"}).ok());
  ASSERT_TRUE(session->Execute({"SET", "a", "1"}).ok());
  Run({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_THAT(session->Execute({"EXEC"})->DebugString(),
              HasSubstr("EXECABORT Transaction discarded because of: " + std::string(kRedisOom)));
  EXPECT_FALSE(*cache_->Exists("a"));
}

TEST_F(MaxmemoryTest, WithNothingLeftThatMayGoAWriteIsRefused) {
  Open(MaxmemoryPolicy::kVolatileLru, 0);
  Fill(1000);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(cache_->Set("goes:" + std::to_string(i), "v", {.ttl = absl::Hours(1)}).ok());
  }
  Run({"CONFIG", "SET", "maxmemory", "2kb"});
  EXPECT_EQ(cache_->Set("a", "1").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(evicted(), 10u);
  EXPECT_EQ(*cache_->Size(), 1000);
}

// Its arguments have been counted since they came: nobody goes for their sake, and background work does the rest.
// What is freed in steps has gone all the same: the next writes, or the background, free it.
TEST_F(MaxmemoryTest, AWriteRunsWhenTheLastKeyThatGoesIsALargeStructure) {
  Open(MaxmemoryPolicy::kAllkeysLru, 0);
  std::vector<std::string> push(102, std::string(64, 'v'));
  push[0] = "RPUSH";
  push[1] = "list";
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(cache_->Execute(push).ok());
  ASSERT_GT(used(), 5 * kMiB);
  ASSERT_EQ(Run({"CONFIG", "SET", "maxmemory", "1mb"}), "OK");
  EXPECT_EQ(Run({"SET", "a", "1"}), "OK");
  EXPECT_EQ(Run({"SET", "b", "2"}), "OK");
  EXPECT_EQ(evicted(), 1u);
  EXPECT_EQ(Run({"EXISTS", "list", "a", "b"}), "(integer) 2");
  TickAll();
  EXPECT_LE(used(), kMiB);
  EXPECT_EQ(Run({"EXISTS", "list", "a", "b"}), "(integer) 2");
}

TEST_F(MaxmemoryTest, AWriteOfManyValuesMayBeLargerThanTheLimit) {
  Open(MaxmemoryPolicy::kAllkeysLru, 8 * kMiB);
  Fill(20'000);
  auto connection = *cache_->NewConnection();
  std::vector<std::string> words = {"MSET"};
  for (int i = 0; i < 100; ++i) {
    words.push_back("large:" + std::to_string(i));
    words.push_back(std::string(100'000, 'x'));
  }
  std::string request = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  EXPECT_EQ(Answer(*connection, request), "+OK\r\n");
  EXPECT_EQ(*cache_->Size(), 20'100);
  EXPECT_EQ(evicted(), 0u);
  TickAll();
  EXPECT_LE(used(), 8 * kMiB);
}

TEST_F(MaxmemoryTest, OneValueOfManyThatIsTooLargeEvictsNobody) {
  Open(MaxmemoryPolicy::kAllkeysLru, 4 * kMiB);
  Fill(20'000);
  while (evicted() == 0) Fill(1'000, 3'000);
  const uint64_t before = evicted();
  const std::string huge(5 * kMiB, 'x');
  EXPECT_EQ(cache_->MSet({{"a", "1"}, {"b", huge}}).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(evicted(), before);
}

}  // namespace
}  // namespace larder
