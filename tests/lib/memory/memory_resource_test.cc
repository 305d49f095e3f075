#include <larder/memory_resource.h>

#include <cstring>
#include <memory_resource>
#include <new>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "lib/memory/heap.h"

namespace larder::testing {
namespace {

// Hands out up to `bytes_max` and then throws, as a host's pool with a limit does; checks what it gets back.
class LimitedResource final : public std::pmr::memory_resource {
 public:
  explicit LimitedResource(size_t bytes_max) : left_(bytes_max) {}
  ~LimitedResource() override { EXPECT_EQ(allocations_.size(), 0u); }
  size_t count() const { return allocations_.size(); }

 private:
  struct Allocation {
    void* memory;
    size_t bytes;
    size_t alignment;
    bool operator==(const Allocation&) const = default;
  };
  void* do_allocate(size_t bytes, size_t alignment) override {
    if (bytes > left_) throw std::bad_alloc();
    left_ -= bytes;
    void* memory = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    std::memset(memory, 0xa5, bytes);  // nothing may rely on zeros
    allocations_.push_back({memory, bytes, alignment});
    return memory;
  }
  void do_deallocate(void* memory, size_t bytes, size_t alignment) override {
    EXPECT_EQ(std::erase(allocations_, Allocation{memory, bytes, alignment}), 1u);
    left_ += bytes;
    std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  size_t left_;
  std::vector<Allocation> allocations_;
};

TEST(MemoryResourceTest, ACacheStandsOnOneAndGivesAllBack) {
  LimitedResource resource(size_t{64} << 20);
  memory::Heap::Ptr heap = memory::Heap::New(FromMemoryResource(&resource));
  std::vector<void*> blocks;
  for (int i = 0; i < 100'000; ++i) blocks.push_back(heap->arena().Allocate(88));
  memory::BlockRef middle = memory::BlockRef::Adopt(heap->New(50'000, 50'000));
  memory::BlockRef large = memory::BlockRef::Adopt(heap->New(3'000'000, 3'000'000));
  EXPECT_TRUE(middle && large);
  EXPECT_GT(resource.count(), 5u);
  const auto* zeroed = static_cast<char*>(heap->arena().AllocateZeroed(1000));
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(zeroed[i], 0);
  for (void* block : blocks) heap->arena().Free(block, 88);
  while (heap->Maintain(INT64_MAX / 2)) {
  }
}

TEST(MemoryResourceTest, BadAllocIsANullptr) {
  LimitedResource resource(size_t{3} << 20);
  memory::Heap::Ptr heap = memory::Heap::New(FromMemoryResource(&resource));
  size_t made = 0;
  while (heap->arena().Allocate(1000) != nullptr) ++made;
  EXPECT_GT(made, 2500u);
  EXPECT_EQ(heap->New(5'000'000, 5'000'000), nullptr);
  EXPECT_EQ(heap->used(), made * 1024);
}

}  // namespace
}  // namespace larder::testing
