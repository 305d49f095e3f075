// A memory source that is full before maxmemory is reached: what is evicted for its sake, what is refused, and how long
// that takes.
#include <larder/cache.h>

#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/lib/resp_text.h"

namespace larder {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class BoundedSource final : public MemorySource {
 public:
  explicit BoundedSource(size_t bytes_max) : bytes_max_(bytes_max) {}
  void* Allocate(size_t bytes, size_t alignment) override {
    if (held_.fetch_add(bytes) + bytes <= bytes_max_) {
      if (void* memory = system_->Allocate(bytes, alignment); memory != nullptr) return memory;
    }
    held_ -= bytes;
    return nullptr;
  }
  void Free(void* memory, size_t bytes, size_t alignment) override {
    held_ -= bytes;
    system_->Free(memory, bytes, alignment);
  }

 private:
  const std::shared_ptr<MemorySource> system_ = SystemMemory();
  const size_t bytes_max_;
  std::atomic<size_t> held_{0};
};

class FullSourceTest : public ::testing::Test {
 protected:
  void Open(MaxmemoryPolicy policy, uint64_t maxmemory, std::shared_ptr<MemorySource> memory) {
    cache_.reset();
    clock_ = std::make_shared<ManualClock>();
    cache_ = *Cache::Open({.clock = clock_, .memory = std::move(memory), .seed = 42, .background = Background::kTick,
                           .maxmemory = maxmemory, .maxmemory_policy = policy});
  }
  std::string Run(std::initializer_list<std::string_view> argv) {
    auto reply = cache_->Execute(argv);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? reply->DebugString() : "";
  }
  uint64_t evicted() const { return cache_->Stats()->evicted_keys; }

  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Cache> cache_;
};

// The segments of the table, which want 8 KB in one piece, get it from a run of entries that is emptied for them.
TEST_F(FullSourceTest, EvictsLittleAndServesOn) {
  const auto key_of = [](int i) { return "key:" + std::to_string(1'000'000 + i); };
  for (const MaxmemoryPolicy policy :
       {MaxmemoryPolicy::kAllkeysLru, MaxmemoryPolicy::kAllkeysRandom, MaxmemoryPolicy::kAllkeysS3Fifo}) {
    Open(policy, 64 * kMiB, std::make_shared<BoundedSource>(16 * kMiB));
    int keys = 0;
    for (; keys % 256 != 0 || evicted() == 0; ++keys) {
      ASSERT_TRUE(cache_->Set(key_of(keys), std::string(64, 'v')).ok()) << keys;
      ASSERT_LT(keys, 1'000'000);
    }
    const int full = static_cast<int>(*cache_->Size());
    EXPECT_GT(full, 100'000);
    for (const int end = keys + full; keys < end; ++keys) {
      ASSERT_TRUE(cache_->Set(key_of(keys), std::string(64, 'v')).ok()) << keys << ", full with " << full;
    }
    EXPECT_GE(*cache_->Size(), full * 8 / 10);
    EXPECT_EQ(Run({"SET", key_of(keys), std::string(64, 'v')}), "OK");
  }
}

TEST_F(FullSourceTest, EvictsForLargeValuesToo) {
  Open(MaxmemoryPolicy::kAllkeysLru, 64 * kMiB, std::make_shared<BoundedSource>(16 * kMiB));
  const std::string value(100'000, 'v');
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(cache_->Set("key:" + std::to_string(i), value).ok()) << i;
  EXPECT_GT(*cache_->Size(), 60);
  auto connection = *cache_->NewConnection();
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(Answer(*connection, Request({"SET", "wire:" + std::to_string(i), value})), "+OK\r\n") << i;
  }
  EXPECT_GT(*cache_->Size(), 60);
}

TEST_F(FullSourceTest, WithNothingThatMayGoIsAnError) {
  Open(MaxmemoryPolicy::kNoeviction, 64 * kMiB, std::make_shared<BoundedSource>(4 * kMiB));
  absl::Status status;
  for (int i = 0; i < 100'000 && status.ok(); ++i) {
    status = cache_->Set("key:" + std::to_string(i), std::string(64, 'v')).status();
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(cache_->Get("key:0")->has_value());
  EXPECT_EQ(evicted(), 0u);
}

class ChangingSizesTest : public FullSourceTest, public ::testing::WithParamInterface<MaxmemoryPolicy> {
 protected:
  static constexpr size_t kSourceBytes = 4 * kMiB;

  void SetUp() override { Open(GetParam(), 64 * kMiB, std::make_shared<BoundedSource>(kSourceBytes)); }
  // Sets values of this size, as many as would fill the source. Returns how many were refused.
  template <class Set>
  int Fill(size_t bytes, Set&& set) {
    const std::string value(bytes, 'v');
    int refused = 0;
    for (const int end = keys_ + static_cast<int>(kSourceBytes / (bytes + 100)); keys_ < end; ++keys_) {
      refused += set("key:" + std::to_string(1'000'000 + keys_), value) ? 0 : 1;
    }
    return refused;
  }
  int Fill(size_t bytes) {
    return Fill(bytes,
                [this](const std::string& key, const std::string& value) { return cache_->Set(key, value).ok(); });
  }

  int keys_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Policies, ChangingSizesTest,
                         ::testing::Values(MaxmemoryPolicy::kAllkeysLru, MaxmemoryPolicy::kAllkeysRandom,
                                           MaxmemoryPolicy::kAllkeysS3Fifo));

// What values of one size leave behind serves the next, whichever size that is: inside entries (to 1 KB), or in blocks
// of their own (to 16 KB).
TEST_P(ChangingSizesTest, NoneIsRefused) {
  for (const size_t bytes : {64, 900, 2000, 300, 12'000, 1500, 700, 64, 9000, 200}) {
    EXPECT_EQ(Fill(bytes), 0) << bytes;
    EXPECT_GT(cache_->Stats()->used_memory, kSourceBytes / 4) << bytes << ": not nearly all went";
  }
  // Each step is short: keys, since time is not the same everywhere; large ones count their bytes.
  const Stats stats = *cache_->Stats();
  EXPECT_LT(stats.step[4].entries_max, 1000u) << "evicted";
  EXPECT_LT(stats.step[7].entries_max, 1000u) << "moved";
}

TEST_P(ChangingSizesTest, NoneIsRefusedOverTheWireAndByExecute) {
  auto connection = *cache_->NewConnection();
  const auto by_wire = [&](const std::string& key, const std::string& value) {
    return Answer(*connection, Request({"SET", key, value})) == "+OK\r\n";
  };
  const auto by_execute = [&](const std::string& key, const std::string& value) {
    return Run({"SET", key, value}) == "OK";
  };
  auto session = *cache_->NewSession();
  const auto by_session = [&](const std::string& key, const std::string& value) {
    return session->Execute({"SET", key, value})->DebugString() == "OK";
  };
  for (const size_t bytes : {900, 2000, 300}) {
    EXPECT_EQ(Fill(bytes, by_wire), 0) << bytes;
    EXPECT_EQ(Fill(bytes + 100, by_execute), 0) << bytes;
    EXPECT_EQ(Fill(bytes + 300, by_session), 0) << bytes;
  }
  EXPECT_LT(cache_->Stats()->step[4].entries_max, 1000u);
  EXPECT_LT(cache_->Stats()->step[7].entries_max, 1000u);
}

// Larger ones have their pages from the source, and need what is given back to it.
TEST_P(ChangingSizesTest, LargeOnesAreTakenSoonAfter) {
  for (const size_t bytes : {900, 100'000, 2000, 1'000'000, 300, 40'000}) {
    const int refused = Fill(bytes);
    EXPECT_LE(refused, 20) << bytes;
    EXPECT_TRUE(cache_->Set("last", std::string(bytes, 'v')).ok()) << bytes;
  }
}

}  // namespace
}  // namespace larder
