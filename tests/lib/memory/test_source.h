// A MemorySource that counts, that fails on demand, and that can answer what no sound one does.
//
// Threads: any.
#ifndef LARDER_TESTS_LIB_MEMORY_TEST_SOURCE_H_
#define LARDER_TESTS_LIB_MEMORY_TEST_SOURCE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "gtest/gtest.h"
#include <larder/memory.h>
#include "lib/memory/poison.h"

namespace larder::testing {

class TestSource final : public MemorySource {
 public:
  ~TestSource() override { EXPECT_TRUE(live_.empty()) << live_.size() << " allocations were not given back"; }

  void* Allocate(size_t bytes, size_t alignment) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    EXPECT_TRUE(bytes != 0 && bytes % 4096 == 0) << bytes;
    EXPECT_TRUE(alignment >= 4096 && alignment <= (4 << 20) && (alignment & (alignment - 1)) == 0) << alignment;
    if (calls_++ >= fail_from_) return nullptr;
    if (answer_ != 0) {
      ++given_out_;
      return reinterpret_cast<void*>(answer_);
    }
    void* memory = system_->Allocate(bytes, alignment);
    if (memory == nullptr) return nullptr;
    live_[memory] = bytes;
    held_ += bytes;
    if (held_ > held_max_) held_max_ = held_;
    return memory;
  }
  void Free(void* memory, size_t bytes, size_t alignment) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (answer_ != 0 && memory == reinterpret_cast<void*>(answer_)) {
      --given_out_;
      return;
    }
    const auto found = live_.find(memory);
    ASSERT_TRUE(found != live_.end());
    ASSERT_EQ(found->second, bytes);
    live_.erase(found);
    held_ -= bytes;
    system_->Free(memory, bytes, alignment);
  }
  void Discard(void* memory, size_t bytes) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(memory) % 4096, 0u);
    ASSERT_EQ(bytes % 4096, 0u);
    auto after = live_.upper_bound(memory);
    ASSERT_TRUE(after != live_.begin());
    --after;
    ASSERT_LE(static_cast<char*>(memory) + bytes, static_cast<char*>(after->first) + after->second);
    discarded_ += bytes;
    system_->Discard(memory, bytes);
  }

  // What an arena has abandoned.
  void FreeWhatIsLeft() {
    for (const auto& [memory, bytes] : live_) {
      memory::Unpoison(memory, bytes);
      system_->Free(memory, bytes, 4096);
    }
    live_.clear();
    held_ = 0;
  }

  // The next n calls of Allocate succeed, all later ones fail.
  void FailAfter(size_t n) {
    calls_ = 0;
    fail_from_ = n;
  }
  void Heal() { fail_from_ = SIZE_MAX; }
  // Every Allocate answers this address, 0: answers as it should.
  void Answer(uintptr_t address) { answer_ = address; }
  int given_out() const { return given_out_; }

  size_t held() const { return held_; }
  size_t held_max() const { return held_max_; }
  size_t discarded() const { return discarded_; }
  size_t allocations() const { return live_.size(); }

 private:
  std::shared_ptr<MemorySource> system_ = SystemMemory();
  std::mutex mutex_;
  std::map<void*, size_t> live_;
  size_t calls_ = 0;
  size_t fail_from_ = SIZE_MAX;
  uintptr_t answer_ = 0;
  int given_out_ = 0;
  size_t held_ = 0;
  size_t held_max_ = 0;
  size_t discarded_ = 0;
};

}  // namespace larder::testing

#endif  // LARDER_TESTS_LIB_MEMORY_TEST_SOURCE_H_
