// What the hot path of the typed calls does not do: allocate, ask the system, read the clock.
#include <larder/cache.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace {

// Of this thread: by operator new, which the library's user calls, and by malloc, which the library calls (--wrap).
thread_local size_t allocations = 0;

}  // namespace

extern "C" {
void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* memory, size_t size);
void* __wrap_malloc(size_t size);
void* __wrap_calloc(size_t count, size_t size);
void* __wrap_realloc(void* memory, size_t size);

void* __wrap_malloc(size_t size) {
  ++allocations;
  return __real_malloc(size);
}
void* __wrap_calloc(size_t count, size_t size) {
  ++allocations;
  return __real_calloc(count, size);
}
void* __wrap_realloc(void* memory, size_t size) {
  ++allocations;
  return __real_realloc(memory, size);
}
}

void* operator new(size_t size) {
  ++allocations;
  void* memory = __real_malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return __real_malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace larder {
namespace {

// Counts who asks for the time.
class CountingClock final : public Clock {
 public:
  int64_t NowUs() override {
    ++reads;
    return clock_.NowUs();
  }
  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& cv, int64_t deadline_us) override {
    return clock_.WaitUntil(lock, cv, deadline_us);
  }
  std::atomic<int> reads{0};

 private:
  ManualClock clock_;
};

// Counts what is asked of the system for data.
class CountingMemory final : public MemorySource {
 public:
  void* Allocate(size_t bytes, size_t alignment) override {
    ++calls;
    return system_->Allocate(bytes, alignment);
  }
  void Free(void* memory, size_t bytes, size_t alignment) override { system_->Free(memory, bytes, alignment); }
  std::atomic<int> calls{0};

 private:
  std::shared_ptr<MemorySource> system_ = SystemMemory();
};

class HotPathTest : public testing::Test {
 protected:
  static Options WithCounters(const std::shared_ptr<Clock>& clock, const std::shared_ptr<MemorySource>& memory) {
    Options options;
    options.clock = clock;
    options.memory = memory;
    options.background = Background::kTick;
    return options;
  }
  HotPathTest() : cache_(*Cache::Open(WithCounters(clock_, memory_))) {
    for (int i = 0; i < 1000; ++i) {
      EXPECT_TRUE(cache_->Set("key:" + std::to_string(i), std::string(64, 'v')).ok());
    }
    EXPECT_TRUE(cache_->Set("count", "1").ok());
    EXPECT_TRUE(cache_->Set("large", std::string(10'000, 'l')).ok());
  }
  // Runs `fn` and returns how many allocations it made, of memory and of chunks.
  template <class F>
  size_t AllocationsOf(F&& fn) {
    const int chunks = memory_->calls;
    const size_t before = allocations;
    fn();
    return allocations - before + static_cast<size_t>(memory_->calls - chunks);
  }

  const std::string key_ = "key:77";
  std::shared_ptr<CountingClock> clock_ = std::make_shared<CountingClock>();
  std::shared_ptr<CountingMemory> memory_ = std::make_shared<CountingMemory>();
  std::unique_ptr<Cache> cache_;
};

TEST_F(HotPathTest, GetIntoAStringOfTheCallersAllocatesNothing) {
  std::string value(64, '?');
  EXPECT_EQ(AllocationsOf([&] { EXPECT_TRUE(*cache_->Get(key_, &value)); }), 0u);
  EXPECT_EQ(value, std::string(64, 'v'));
  EXPECT_EQ(AllocationsOf([&] { EXPECT_FALSE(*cache_->Get("no such key", &value)); }), 0u);
  // Shorter than what is there, and longer within the capacity.
  value.assign(200, '?');
  EXPECT_EQ(AllocationsOf([&] { EXPECT_TRUE(*cache_->Get(key_, &value)); }), 0u);
  value.assign("short");
  EXPECT_EQ(AllocationsOf([&] { EXPECT_TRUE(*cache_->Get(key_, &value)); }), 0u);
  EXPECT_EQ(value, std::string(64, 'v'));
  value.reserve(10'000);
  EXPECT_EQ(AllocationsOf([&] { EXPECT_TRUE(*cache_->Get("large", &value)); }), 0u);
  EXPECT_EQ(value, std::string(10'000, 'l'));
}

TEST_F(HotPathTest, ViewAllocatesNothing) {
  size_t seen = 0;
  EXPECT_EQ(
      AllocationsOf([&] {
        EXPECT_TRUE(cache_->View(key_, [&](std::optional<std::string_view> value) { seen = value->size(); }).ok());
      }),
      0u);
  EXPECT_EQ(seen, 64u);
}

TEST_F(HotPathTest, GetByValueAllocatesItsResultOnly) {
  EXPECT_EQ(AllocationsOf([&] { EXPECT_EQ((*cache_->Get(key_))->size(), 64u); }), 1u);
  EXPECT_EQ(AllocationsOf([&] { EXPECT_EQ((*cache_->Get("large"))->size(), 10'000u); }), 1u);
  EXPECT_EQ(AllocationsOf([&] { EXPECT_EQ(**cache_->Get("count"), "1"); }), 0u);  // in the string itself
}

TEST_F(HotPathTest, SetThatFitsInPlaceAllocatesNothing) {
  const std::string same(64, 'w');
  const std::string shorter(62, 'w');
  EXPECT_EQ(AllocationsOf([&] { EXPECT_TRUE(*cache_->Set(key_, same)); }), 0u);
  EXPECT_EQ(AllocationsOf([&] { EXPECT_TRUE(*cache_->Set("count", "12345678")); }), 0u);
  EXPECT_EQ(AllocationsOf([&] { EXPECT_TRUE(*cache_->Set(key_, same, {.condition = SetOptions::If::kPresent})); }), 0u);
  EXPECT_EQ(AllocationsOf([&] { EXPECT_TRUE(cache_->Delete("key:1").ok()); }), 0u);
  EXPECT_EQ(AllocationsOf([&] { EXPECT_EQ(*cache_->Increment("count"), 12345679); }), 0u);
}

TEST_F(HotPathTest, TheClockIsReadForAnExpiryOnly) {
  std::string value;
  const int before = clock_->reads;
  EXPECT_TRUE(*cache_->Get(key_, &value));
  EXPECT_TRUE(*cache_->Set(key_, value));
  EXPECT_TRUE(*cache_->Increment("count"));
  EXPECT_TRUE(*cache_->Exists("count"));
  EXPECT_TRUE(*cache_->Delete("count"));
  EXPECT_EQ(clock_->reads, before);
  EXPECT_TRUE(*cache_->Set("ends", "v", {.ttl = absl::Seconds(10)}));
  EXPECT_GT(clock_->reads, before);
  const int set = clock_->reads;
  EXPECT_TRUE(*cache_->Get("ends", &value));
  EXPECT_EQ(clock_->reads, set + 1);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// A thread that may read, write and exit, and is killed with the whole test for any other system call.
TEST_F(HotPathTest, NoSystemCallIsMade) {
  std::atomic<int> done{0};
  std::thread([&] {
    std::string value(64, '?');
    const std::string update(64, 'u');
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0) {
      for (int i = 0; i < 1000; ++i) {
        done += *cache_->Get(key_, &value);
        done += *cache_->Set(key_, update);
        done += cache_->View(key_, [](std::optional<std::string_view>) {}).ok();
        done += *cache_->Increment("count") > 0;
        done += *cache_->Exists(key_);
      }
    }
    syscall(SYS_exit, 0);
  }).join();
  EXPECT_EQ(done, 5000);
}
#endif

}  // namespace
}  // namespace larder
