// What a cache costs the machine when the sizes of its values change: resident memory over used_memory.
//
//   drift      maxmemory 64 MB, values whose sizes drift from 100 to 910 bytes and back, evicted by each policy
//   deleted    200,000 values of 500 bytes, 90 % of them deleted
//   refilled   then as many bytes of 700 as those had: what is held beyond what 500 bytes held
//
// Beside them redis-server's figures are used_memory_rss over used_memory, where it is installed.
#include <larder/cache.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace larder {
namespace {

// Tells how much of what it has handed out is resident.
class Resident final : public MemorySource {
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
  }
  void Discard(void* memory, size_t bytes) override { system_->Discard(memory, bytes); }
  size_t bytes() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    size_t pages = 0;
    for (const auto& [memory, bytes] : live_) {
      std::vector<unsigned char> there(bytes / 4096);
      (void)mincore(memory, bytes, there.data());
      for (const unsigned char bits : there) pages += bits & 1;
    }
    return pages * 4096;
  }

 private:
  const std::shared_ptr<MemorySource> system_ = SystemMemory();
  mutable std::mutex mutex_;
  std::map<void*, size_t> live_;
};

double Mb(uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

struct Run {
  explicit Run(Options options) {
    options.memory = memory;
    options.seed = 1;
    cache = *Cache::Open(options);
  }
  double ratio() const {
    return static_cast<double>(memory->bytes()) / static_cast<double>(cache->Stats()->used_memory);
  }
  void Print(const char* what) const {
    const Stats stats = *cache->Stats();
    std::printf("%-34s used %6.1f MB   resident %6.1f MB   %.2f", what, Mb(stats.used_memory), Mb(memory->bytes()),
                ratio());
    std::printf("   moved %llu\n", static_cast<unsigned long long>(stats.step[kStepKinds - 1].entries));
  }
  void PrintSteps() const {
    const StepStats step = cache->Stats()->step[kStepKinds - 1];
    std::printf("    compaction: %llu steps, %.1f ms of CPU, longest %.1f us; %.0f ns a move; %llu evicted\n",
                static_cast<unsigned long long>(step.steps), static_cast<double>(step.cpu_ns) / 1e6,
                static_cast<double>(step.cpu_ns_max) / 1e3,
                step.entries == 0 ? 0.0 : static_cast<double>(step.cpu_ns) / static_cast<double>(step.entries),
                static_cast<unsigned long long>(cache->Stats()->evicted_keys));
  }

  std::shared_ptr<Resident> memory = std::make_shared<Resident>();
  std::unique_ptr<Cache> cache;
};

uint64_t Next(uint64_t* state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

void Drift(MaxmemoryPolicy policy, const char* name) {
  Options options;
  options.maxmemory = uint64_t{64} << 20;
  options.maxmemory_policy = policy;
  Run run(options);
  uint64_t random = 1;
  double sum = 0;
  double worst = 0;
  int looks = 0;
  uint64_t key = 0;
  uint64_t refused = 0;
  for (int round = 0; round < 2; ++round) {
    for (size_t bytes = 100; bytes <= 910; bytes += 30) {
      const size_t size = round == 0 ? bytes : 1010 - bytes;
      for (int i = 0; i < 40'000; ++i) {
        const std::string value(size + Next(&random) % 30, 'v');
        refused += !run.cache->Set("key:" + std::to_string(key++), value).ok();
      }
      if (key < 900'000) continue;  // it has been full for a while
      const double ratio = run.ratio();
      sum += ratio;
      ++looks;
      if (ratio > worst) worst = ratio;
    }
  }
  run.Print(name);
  std::printf("    on the way: mean %.2f, highest %.2f, refused %llu\n", sum / looks, worst,
              static_cast<unsigned long long>(refused));
  std::this_thread::sleep_for(std::chrono::seconds(2));
  run.Print("    two seconds later");
  run.PrintSteps();
}

void Deleted() {
  Run run(Options{});
  for (int i = 0; i < 200'000; ++i) (void)run.cache->Set("key:" + std::to_string(i), std::string(500, 'v'));
  run.Print("200,000 of 500 B");
  const size_t before = run.memory->bytes();
  for (int i = 0; i < 200'000; ++i) {
    if (i % 10 != 0) (void)run.cache->Delete("key:" + std::to_string(i));
  }
  run.Print("90 % deleted, at once");
  std::this_thread::sleep_for(std::chrono::seconds(2));
  run.Print("two seconds later");
  run.PrintSteps();
  for (int i = 0; i < 128'000; ++i) (void)run.cache->Set("other:" + std::to_string(i), std::string(700, 'v'));
  run.Print("refilled with 700 B");
  std::printf("    resident over that of the 500 B: %.2f\n",
              static_cast<double>(run.memory->bytes()) / static_cast<double>(before));
}

}  // namespace
}  // namespace larder

int main() {
  larder::Drift(larder::MaxmemoryPolicy::kAllkeysRandom, "drift, allkeys-random");
  larder::Drift(larder::MaxmemoryPolicy::kAllkeysLru, "drift, allkeys-lru");
  larder::Drift(larder::MaxmemoryPolicy::kAllkeysS3Fifo, "drift, allkeys-s3fifo");
  larder::Deleted();
}
