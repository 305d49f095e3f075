// The longest pieces of work: growth, eviction, expiry, FLUSHALL, DEL of a huge value.
//
//   ./bazelw run -c opt //tests/bench:steps [-- part...]     parts: growth eviction expiry flush delete
//
// Two views of the same work. From outside: the thread CPU time of each call that a user makes, and of each Tick that
// follows until nothing is left to do. From inside: the engine's own account of its steps (Stats), kind by kind. One
// call may make several steps, and Tick makes as many as fit, letting others in between: it is the step that nobody can
// be let in before the end of. The clock is set by hand, so that a million keys fall due at one moment.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/subject.h"

namespace larder::bench {
namespace {

constexpr size_t kManyKeys = 1'000'000;

void Heading() {
  std::printf("| work | calls | CPU p50 us | p99 us | p99.99 us | max us |\n|---|---|---|---|---|---|\n");
}

void Row(const std::string& work, const Histogram& cpu) {
  const auto us = [](uint64_t ns) { return static_cast<double>(ns) / 1e3; };
  std::printf("| %s | %llu | %.1f | %.1f | %.1f | %.1f |\n", work.c_str(),
              static_cast<unsigned long long>(cpu.count()), us(cpu.Percentile(0.5)), us(cpu.Percentile(0.99)),
              us(cpu.Percentile(0.9999)), us(cpu.max()));
  std::fflush(stdout);
}

// The engine's own account.
void PrintSteps(const Stats& stats) {
  for (size_t kind = 0; kind < kStepKinds; ++kind) {
    const StepStats& step = stats.step[kind];
    if (step.steps == 0) continue;
    // By powers of two: what is printed is the end of the one that the percentile lies in.
    const auto below_us = [&](double share) {
      uint64_t seen = 0;
      for (size_t power = 0; power < std::size(step.cpu_histogram); ++power) {
        seen += step.cpu_histogram[power];
        if (seen > 0 && static_cast<double>(seen) >= share * static_cast<double>(step.timed)) {
          return static_cast<double>(uint64_t{2} << power) / 1e3;
        }
      }
      return 0.0;
    };
    std::printf(
        "|   step: %s | %llu | < %.1f | < %.1f | < %.1f | %.1f | entries %llu (max %llu), bytes %llu (max %llu)\n",
        kStepNames[kind], static_cast<unsigned long long>(step.steps), below_us(0.5), below_us(0.99), below_us(0.9999),
        static_cast<double>(step.cpu_ns_max) / 1e3, static_cast<unsigned long long>(step.entries),
        static_cast<unsigned long long>(step.entries_max), static_cast<unsigned long long>(step.bytes),
        static_cast<unsigned long long>(step.bytes_max));
  }
  std::fflush(stdout);
}

void GrowthPart() {
  Subject subject;
  Histogram cpu;
  const std::string value(64, 'x');
  for (size_t i = 0; i < 10 * kManyKeys; ++i) {
    const Key key(i);
    subject.Time(cpu, [&] { subject.ours().Set({key.text.data(), Key::kBytes}, value); });
  }
  Row("SET, growing to 10 M keys", cpu);
  PrintSteps(*subject.ours().cache().Stats());
}

void EvictionPart() {
  Options options;
  options.maxmemory = 100 << 20;
  options.maxmemory_policy = MaxmemoryPolicy::kAllkeysLru;
  Subject subject(options);
  Histogram cpu;
  Random random(3);
  for (size_t i = 0; i < 3 * kManyKeys; ++i) {
    const Key key(i);
    // Mixed sizes, so that one write has to evict several.
    const std::string value(random.Below(100) == 0 ? 8'000 : 64, 'x');
    subject.Time(cpu, [&] { subject.ours().Set({key.text.data(), Key::kBytes}, value); });
  }
  const Stats stats = *subject.ours().cache().Stats();
  Row("SET under allkeys-lru, 100 MB, " + std::to_string(stats.evicted_keys) + " evicted", cpu);
  PrintSteps(stats);
}

void ExpiryPart() {
  Subject subject;
  subject.Fill(kManyKeys, absl::Seconds(100));
  subject.clock().Advance(absl::Seconds(101));
  Histogram cpu;
  subject.TickUntilIdle(cpu);
  const Stats stats = *subject.ours().cache().Stats();
  Row("Tick, 1 M keys due at once, " + std::to_string(stats.keys) + " left", cpu);
  PrintSteps(stats);
}

void FlushPart() {
  Subject subject;
  subject.Fill(kManyKeys);
  Histogram cpu, ticks;
  subject.Time(cpu, [&] {
    if (!subject.ours().cache().Execute({"FLUSHALL"}).ok()) std::abort();
  });
  Row("FLUSHALL of 1 M keys", cpu);
  subject.TickUntilIdle(ticks);
  Row("Tick after it", ticks);
  PrintSteps(*subject.ours().cache().Stats());
}

void DeletePart() {
  Subject subject;
  {
    const std::string huge(size_t{512} << 20, 'x');
    subject.ours().Set("huge", huge);
  }
  Histogram cpu, ticks;
  subject.Time(cpu, [&] {
    if (!*subject.ours().cache().Delete("huge")) std::abort();
  });
  Row("DEL of a string of 512 MB", cpu);
  subject.TickUntilIdle(ticks);
  Row("Tick after it", ticks);
  PrintSteps(*subject.ours().cache().Stats());
}

}  // namespace

int Main(int argc, char** argv) {
  std::vector<std::string> parts(argv + 1, argv + argc);
  if (parts.empty()) parts = {"growth", "eviction", "expiry", "flush", "delete"};
  Heading();
  for (const std::string& part : parts) {
    if (part == "growth") {
      GrowthPart();
    } else if (part == "eviction") {
      EvictionPart();
    } else if (part == "expiry") {
      ExpiryPart();
    } else if (part == "flush") {
      FlushPart();
    } else if (part == "delete") {
      DeletePart();
    } else {
      std::fprintf(stderr, "steps: unknown part '%s': growth, eviction, expiry, flush or delete\n", part.c_str());
      return 2;
    }
  }
  Histogram clock;
  for (int i = 0; i < 10'000; ++i) {
    const int64_t started = ThreadCpuNs();
    clock.Add(ThreadCpuNs() - started);
  }
  std::printf("(Each CPU figure has %.2f us of reading the clock in it.)\n",
              static_cast<double>(clock.Percentile(0.5)) / 1e3);
  return 0;
}

}  // namespace larder::bench

int main(int argc, char** argv) { return larder::bench::Main(argc, argv); }
