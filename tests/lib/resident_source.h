// A MemorySource that tells how much of what it has handed out is resident, page by page (mincore): what a cache costs
// the machine, where its own account says what it uses.
//
// Threads: any.
#ifndef LARDER_TESTS_LIB_RESIDENT_SOURCE_H_
#define LARDER_TESTS_LIB_RESIDENT_SOURCE_H_

#include <larder/memory.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "gtest/gtest.h"

namespace larder::testing {

class ResidentSource final : public MemorySource {
 public:
  void* Allocate(size_t bytes, size_t alignment) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    void* memory = system_->Allocate(bytes, alignment);
    if (memory != nullptr) live_[memory] = bytes;
    return memory;
  }
  void Free(void* memory, size_t bytes, size_t alignment) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    live_.erase(memory);
    system_->Free(memory, bytes, alignment);
    given_back_.notify_all();
  }
  void Discard(void* memory, size_t bytes) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    system_->Discard(memory, bytes);
    given_back_.notify_all();
  }

  // Bytes of address space handed out.
  size_t held() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    size_t sum = 0;
    for (const auto& [memory, bytes] : live_) sum += bytes;
    return sum;
  }
  // Of them, those with a page behind.
  size_t resident() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return Resident();
  }
  // Waits, without a call into any cache, until no more than that is resident. False if it took too long.
  bool WaitForResident(size_t bytes_max) const {
    std::unique_lock<std::mutex> lock(mutex_);
    return given_back_.wait_for(lock, std::chrono::minutes(2), [&] { return Resident() <= bytes_max; });
  }

 private:
  size_t Resident() const {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_t pages = 0;
    for (const auto& [memory, bytes] : live_) {
      std::vector<unsigned char> there((bytes + page - 1) / page);
      EXPECT_EQ(mincore(memory, bytes, there.data()), 0);
      for (const unsigned char bits : there) pages += bits & 1;
    }
    return pages * page;
  }

  const std::shared_ptr<MemorySource> system_ = SystemMemory();
  mutable std::mutex mutex_;
  mutable std::condition_variable given_back_;
  std::map<void*, size_t> live_;
};

}  // namespace larder::testing

#endif  // LARDER_TESTS_LIB_RESIDENT_SOURCE_H_
