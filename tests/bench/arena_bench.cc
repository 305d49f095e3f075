// What a block of the arena costs beside malloc's: hot, and with a million of 88 bytes; large values' blocks beside
// malloc's of the same sizes.
//
//   ./bazelw run -c opt //tests/bench:arena_bench
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "benchmark/benchmark.h"
#include "lib/base/random.h"
#include "lib/memory/heap.h"

namespace larder::memory {
namespace {

constexpr size_t kMany = 1'000'000;

class ByArena {
 public:
  void* Allocate(size_t bytes) { return heap_->arena().Allocate(bytes); }
  void Free(void* block, size_t bytes) { heap_->arena().Free(block, bytes); }
  Heap& heap() { return *heap_; }

 private:
  Heap::Ptr heap_ = Heap::New();
};

class ByArenaOfHugePages : public ByArena {
 public:
  ByArenaOfHugePages() { heap().arena().set_huge_pages(true); }
};

class ByMalloc {
 public:
  void* Allocate(size_t bytes) { return std::malloc(bytes); }
  void Free(void* block, size_t) { std::free(block); }
};

// A block given back is the next one taken.
template <class By>
void BM_HotPair(benchmark::State& state) {
  By by;
  const auto bytes = static_cast<size_t>(state.range(0));
  void* other = by.Allocate(bytes);
  for (auto _ : state) {
    void* block = by.Allocate(bytes);
    benchmark::DoNotOptimize(block);
    by.Free(block, bytes);
  }
  by.Free(other, bytes);
}
BENCHMARK(BM_HotPair<ByArena>)->Arg(32)->Arg(88)->Arg(96);
BENCHMARK(BM_HotPair<ByMalloc>)->Arg(32)->Arg(88)->Arg(96);

template <class By>
std::vector<char*> Filled(By& by) {
  std::vector<char*> blocks(kMany);
  for (char*& block : blocks) {
    block = static_cast<char*>(by.Allocate(88));
    std::memset(block, 1, 88);
  }
  base::Random random(1);
  for (size_t i = kMany; i > 1; --i) std::swap(blocks[i - 1], blocks[random.Below(i)]);
  return blocks;
}

template <class By>
void BM_Fill(benchmark::State& state) {
  for (auto _ : state) {
    By by;
    std::vector<char*> blocks(kMany);
    for (char*& block : blocks) {
      block = static_cast<char*>(by.Allocate(88));
      std::memset(block, 1, 88);
    }
    state.PauseTiming();
    for (char* block : blocks) by.Free(block, 88);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kMany));
}

// One of a million blocks is freed and one taken, each at random.
template <class By>
void BM_Replace(benchmark::State& state) {
  By by;
  std::vector<char*> blocks = Filled(by);
  base::Random random(2);
  for (auto _ : state) {
    char*& block = blocks[random.Below(kMany)];
    by.Free(block, 88);
    block = static_cast<char*>(by.Allocate(88));
    std::memset(block, 2, 88);
  }
  for (char* block : blocks) by.Free(block, 88);
}

template <class By>
void BM_FreeAtRandom(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto by = std::make_unique<By>();
    const std::vector<char*> blocks = Filled(*by);
    state.ResumeTiming();
    for (char* block : blocks) by->Free(block, 88);
    state.PauseTiming();
    by.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kMany));
}

// Reads that depend on one another, so that each pays for its own misses.
template <class By>
void BM_ReadAtRandom(benchmark::State& state) {
  By by;
  const std::vector<char*> blocks = Filled(by);
  for (size_t i = 0; i < kMany; ++i) std::memcpy(blocks[i], &blocks[(i + 1) % kMany], sizeof(char*));
  char* at = blocks[0];
  for (auto _ : state) {
    std::memcpy(&at, at, sizeof(char*));
    benchmark::DoNotOptimize(at);
  }
  for (char* block : blocks) by.Free(block, 88);
}

#define LARDER_MANY(by)                                               \
  BENCHMARK(BM_Fill<by>)->Unit(benchmark::kMillisecond)->Iterations(5); \
  BENCHMARK(BM_Replace<by>)->Iterations(3'000'000);                   \
  BENCHMARK(BM_FreeAtRandom<by>)->Unit(benchmark::kMillisecond)->Iterations(3); \
  BENCHMARK(BM_ReadAtRandom<by>)->Iterations(3'000'000)
LARDER_MANY(ByArena);
LARDER_MANY(ByArenaOfHugePages);
LARDER_MANY(ByMalloc);

// Values of one size turn over: 64 of them live, all of each written.
template <bool kByHeap>
void BM_LargeValues(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  Heap::Ptr heap = Heap::New();
  std::vector<Block*> blocks(64, nullptr);
  std::vector<char*> mallocs(64, nullptr);
  base::Random random(3);
  for (auto _ : state) {
    const size_t i = random.Below(64);
    if (kByHeap) {
      if (blocks[i] != nullptr) blocks[i]->UnrefHeld();
      blocks[i] = heap->New(bytes, bytes);
      std::memset(blocks[i]->data(), 1, bytes);
      heap->Maintain(20'000);
    } else {
      std::free(mallocs[i]);
      mallocs[i] = static_cast<char*>(std::malloc(bytes));
      std::memset(mallocs[i], 1, bytes);
    }
  }
  for (Block* block : blocks) {
    if (block != nullptr) block->UnrefHeld();
  }
  for (char* each : mallocs) std::free(each);
}
BENCHMARK(BM_LargeValues<true>)->Arg(2000)->Arg(20'000)->Arg(200'000)->Arg(1'000'000)->Arg(5'000'000);
BENCHMARK(BM_LargeValues<false>)->Arg(2000)->Arg(20'000)->Arg(200'000)->Arg(1'000'000)->Arg(5'000'000);

}  // namespace
}  // namespace larder::memory

BENCHMARK_MAIN();
