// The simulator's policies on requests that can be followed by hand, and what its traces promise.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/bench/eviction/policy.h"
#include "tests/bench/eviction/trace.h"

namespace larder::bench::eviction {
namespace {

// Asks for keys by letter, of 10 bytes each, one a millisecond: "h" for a hit, "." for a miss.
std::string Ask(Policy& policy, const std::string& letters, int64_t now_ms = 0) {
  std::string answers;
  for (size_t i = 0; i < letters.size(); ++i) {
    size_t next = letters.find(letters[i], i + 1);
    if (next == std::string::npos) next = SIZE_MAX;
    const auto key = static_cast<uint32_t>(letters[i] - 'a');
    answers += policy.Get({key, 10, now_ms + static_cast<int64_t>(i), next}) ? 'h' : '.';
  }
  return answers;
}

constexpr size_t kLetters = 26;
constexpr int64_t kMinuteMs = 60'000;

TEST(LruTest, TheLeastRecentGoes) {
  const auto lru = MakeLru(kLetters, 30);
  EXPECT_EQ(Ask(*lru, "abcad"), "...h.");
  EXPECT_EQ(Ask(*lru, "acdb"), "hhh.");
  EXPECT_EQ(lru->used(), 30u);
}

TEST(LruTest, ALargeKeyTakesThePlaceOfSeveral) {
  const auto lru = MakeLru(kLetters, 30);
  Ask(*lru, "abc");
  EXPECT_FALSE(lru->Get({3, 20, 0, SIZE_MAX}));
  EXPECT_EQ(Ask(*lru, "c"), "h");
  EXPECT_EQ(lru->used(), 30u);
}

TEST(LfuTest, TheRareGoesAndAmongEqualsTheLeastRecent) {
  const auto lfu = MakeLfu(kLetters, 30, 1);
  // The first use after the insertion always counts.
  EXPECT_EQ(Ask(*lfu, "abcaac"), "...hhh");
  EXPECT_EQ(Ask(*lfu, "d"), ".");    // b
  EXPECT_EQ(Ask(*lfu, "ace"), "hh.");  // d: a and c are above 5
  EXPECT_EQ(Ask(*lfu, "acd"), "hh.");
}

TEST(LfuTest, CountersFallByOneAMinute) {
  const auto lfu = MakeLfu(kLetters, 30, 1);
  Ask(*lfu, "aabb", 0);                                  // 6, 6
  EXPECT_EQ(Ask(*lfu, "c", 2 * kMinuteMs), ".");         // 5 against two that have come down to 4
  EXPECT_EQ(Ask(*lfu, "d", 2 * kMinuteMs + 10), ".");    // a, the less recent of the two
  EXPECT_EQ(Ask(*lfu, "bcd", 2 * kMinuteMs + 20), "hhh");
}

TEST(LfuTest, ManyThatHaveComeDownToZeroGoInTheOrderOfTheirUse) {
  const auto lfu = MakeLfu(kLetters, 30, 1);
  Ask(*lfu, "a", 0);
  Ask(*lfu, "bb", 1 * kMinuteMs);
  Ask(*lfu, "c", 2 * kMinuteMs);
  EXPECT_EQ(Ask(*lfu, "d", 100 * kMinuteMs), ".");
  EXPECT_EQ(Ask(*lfu, "b", 100 * kMinuteMs + 1), "h");  // back at 0 and 1, or 0 if chance would have it
  EXPECT_EQ(Ask(*lfu, "e", 100 * kMinuteMs + 2), ".");
  EXPECT_EQ(Ask(*lfu, "de", 100 * kMinuteMs + 3), "hh");
}

TEST(S3FifoTest, WhileTheCacheFillsMainTakesWhatSmallHasNoRoomFor) {
  const auto s3fifo = MakeS3Fifo(kLetters, 100);
  Ask(*s3fifo, "abcdefghij");                   // a in small, the others in main
  EXPECT_EQ(Ask(*s3fifo, "klmno"), ".....");    // a, k, l, m, n go
  EXPECT_EQ(Ask(*s3fifo, "bcdefghijo"), "hhhhhhhhhh");
}

TEST(S3FifoTest, WhatIsUsedOnceGoesThroughTheSmallQueueOnly) {
  const auto s3fifo = MakeS3Fifo(kLetters, 100, false);
  Ask(*s3fifo, "abcdefghij");
  Ask(*s3fifo, "aabb");                         // twice each: good for main
  EXPECT_EQ(Ask(*s3fifo, "klmn"), "....");      // a, b move over; c, d, e, f go
  EXPECT_EQ(Ask(*s3fifo, "abghijklmn"), "hhhhhhhhhh");
}

TEST(S3FifoTest, TheGhostBringsAKeyStraightToMain) {
  const auto s3fifo = MakeS3Fifo(kLetters, 100, false);
  Ask(*s3fifo, "abcdefghij");
  Ask(*s3fifo, "aabb");
  Ask(*s3fifo, "kl");                       // main has a, b; the ghost has c, d
  EXPECT_EQ(Ask(*s3fifo, "d"), ".");        // e takes the place of c in the ghost, d starts in main
  Ask(*s3fifo, "mnopqrst");                 // more than passes small
  EXPECT_EQ(Ask(*s3fifo, "dab"), "hhh");
}

TEST(TinyLfuTest, ANewKeyMustBeatTheOneThatWouldGo) {
  const auto tiny = MakeTinyLfu(kLetters, 1000, 1);
  const std::string often = "abcdefghij";
  for (int i = 0; i < 5; ++i) {
    for (const char letter : often) {
      const bool hit = tiny->Get({static_cast<uint32_t>(letter - 'a'), 100, 0, SIZE_MAX});
      EXPECT_EQ(hit, i > 0) << letter;
    }
  }
  for (const char letter : std::string("klmnopqrstuvwxyz")) {
    EXPECT_FALSE(tiny->Get({static_cast<uint32_t>(letter - 'a'), 100, 0, SIZE_MAX}));
  }
  int kept = 0;
  for (const char letter : often) kept += tiny->Get({static_cast<uint32_t>(letter - 'a'), 100, 0, SIZE_MAX});
  EXPECT_GE(kept, 9);
}

TEST(BeladyTest, TheFurthestNextUseGoesAndThatMayBeTheNewOne) {
  const auto belady = MakeBelady(kLetters, 20);
  EXPECT_EQ(Ask(*belady, "abcabdab"), "...hh.hh");
}

TEST(PoliciesTest, NobodyHoldsMoreThanTheCapacity) {
  const Trace trace = MakeTrace("mixed", 1, 60'000);
  const size_t keys = trace.keys();
  const uint64_t capacity = trace.capacity_bytes / 4;
  const std::unique_ptr<Policy> policies[] = {
      MakeLru(keys, capacity), MakeLfu(keys, capacity, 1), MakeS3Fifo(keys, capacity), MakeTinyLfu(keys, capacity, 1),
      MakeBelady(keys, capacity)};
  const std::vector<size_t> next = NextUses(trace);
  for (const auto& policy : policies) {
    for (size_t i = 0; i < trace.requests.size(); ++i) {
      const uint32_t key = trace.requests[i];
      policy->Get({key, trace.payload(key), Trace::NowMs(i), next[i]});
      ASSERT_LE(policy->used(), capacity);
    }
    EXPECT_GT(policy->used(), capacity * 9 / 10);
  }
}

TEST(TraceTest, TheSameSeedGivesTheSameTraceAndAnotherOneDoesNot) {
  for (const std::string_view name : kTraces) {
    const Trace a = MakeTrace(name, 1, 10'000);
    EXPECT_EQ(a.requests.size(), 10'000u) << name;
    EXPECT_EQ(a.requests, MakeTrace(name, 1, 10'000).requests) << name;
    EXPECT_EQ(a.value_bytes, MakeTrace(name, 1, 10'000).value_bytes) << name;
    if (name != "loop") {
      EXPECT_NE(a.requests, MakeTrace(name, 2, 10'000).requests) << name;
    }
    EXPECT_LT(*std::max_element(a.requests.begin(), a.requests.end()), a.keys()) << name;
    EXPECT_GT(a.capacity_bytes, 0u) << name;
  }
  EXPECT_TRUE(MakeTrace("no-such-trace", 1).requests.empty());
}

TEST(TraceTest, NextUsesPointAtTheSameKey) {
  const Trace trace = MakeTrace("zipf-0.99", 3, 10'000);
  const std::vector<size_t> next = NextUses(trace);
  for (size_t i = 0; i < next.size(); ++i) {
    if (next[i] == SIZE_MAX) continue;
    ASSERT_GT(next[i], i);
    ASSERT_EQ(trace.requests[next[i]], trace.requests[i]);
  }
}

TEST(TraceTest, TheFirstKeysFillTheCapacityAndTheCalibrationComesAfterThem) {
  for (const size_t length : {20'000, 100'000, 400'000}) {
    const Trace trace = MakeTrace("mixed", 3, length);
    size_t requests = 0;
    uint64_t payload = 0;
    for (const uint32_t key : FirstKeys(trace, &requests)) payload += trace.payload(key);
    EXPECT_LE(payload, trace.capacity_bytes);
    if (requests < length) {
      EXPECT_GT(payload + 5'000, trace.capacity_bytes);
    }
    const Calibration calibration(trace);
    EXPECT_GE(calibration.begin, requests);
    EXPECT_LE(calibration.begin, calibration.end);
    EXPECT_LE(calibration.end, length);
  }
  // A warm-up that is long enough is not passed.
  const Trace trace = MakeTrace("zipf-0.99", 3, 400'000);
  EXPECT_EQ(Calibration(trace).end, trace.warmup);
}

TEST(TraceTest, KeyNamesHaveSixteenBytes) {
  const auto name = KeyName(42);
  EXPECT_EQ(std::string(name.data(), name.size()), "key:000000000042");
}

}  // namespace
}  // namespace larder::bench::eviction
