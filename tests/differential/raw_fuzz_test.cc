// The raw byte fuzzer: mutated pipelines of several clients, cut anywhere into pieces, to Larder and to a redis-server
// 7.0.15 that this test starts. Bytes, the state of the connections and the keys in the end are compared. See
// raw_traffic.h for what is sent, and what is not; raw_runner.cc for what may differ.
//
//   bazel test //tests/differential:raw_fuzz_test            some hundred episodes, the same ones every time
//   bazel test //tests/differential:raw_fuzz_long_test       60 s over the socket, 15 s in memory, others every time
//   raw_fuzz_test --seed=7 --seconds=600                      a longer search
//   raw_fuzz_test --seed=7 --episode=31                       one episode again
//
// A failure prints the line that repeats its episode and the fewest bytes that were found to fail.
#include <gtest/gtest.h>

#include <charconv>
#include <chrono>
#include <cstdio>

#include "tests/differential/raw_runner.h"

namespace differential {
namespace {

constexpr int kShrinkSeconds = 15;
constexpr int kFailuresMax = 5;

struct Flags {
  uint64_t seed = 1;  // 0: another one every time
  int64_t episode = -1;
  int seconds = 0;    // 0: this many episodes
  uint64_t episodes = 250;
};
Flags flags;

// A long piece's middle is left out.
std::string Shown(const std::string& bytes) {
  constexpr size_t kEnds = 200;
  if (bytes.size() <= 2 * kEnds) return Printable(bytes, 4 * kEnds);
  return Printable(bytes.substr(0, kEnds), 4 * kEnds) + " (" + std::to_string(bytes.size() - 2 * kEnds) + " more) " +
         Printable(bytes.substr(bytes.size() - kEnds), 4 * kEnds);
}

std::string Describe(const RawEpisode& episode) {
  std::string text = episode.password ? "  (requirepass secret)\n" : "";
  for (const RawSend& send : episode.sends) {
    text += "  client " + std::to_string(send.link) + ": \"" + Shown(send.bytes) + "\"\n";
  }
  return text;
}

class RawFuzz : public testing::TestWithParam<bool> {};

TEST_P(RawFuzz, BytesGetTheBytesOfRedis) {
  const bool socket = GetParam();
  const std::unique_ptr<Side> redis = StartRedis();
  const std::unique_ptr<Side> larder = StartLarder({.socket = socket, .debug = false});
  RawRunner runner(*larder, *redis);
  const auto start = std::chrono::steady_clock::now();
  const auto limit = std::chrono::seconds(socket ? flags.seconds : flags.seconds / 4);
  const uint64_t episodes = socket ? flags.episodes : flags.episodes / 2;
  uint64_t number = flags.episode < 0 ? 0 : static_cast<uint64_t>(flags.episode);
  int failures = 0;
  for (uint64_t done = 0; failures < kFailuresMax; ++done, ++number) {
    if (flags.episode >= 0 ? done == 1
                           : flags.seconds > 0 ? std::chrono::steady_clock::now() - start >= limit : done == episodes) {
      break;
    }
    const RawEpisode episode = MakeRawEpisode(flags.seed, number);
    std::optional<RawFinding> finding = runner.Run(episode);
    if (!finding.has_value()) continue;
    // A machine that stood still for a second lets a key expire: what is a finding happens again.
    finding = runner.Run(episode);
    if (!finding.has_value()) continue;
    ++failures;
    const RawEpisode fewest = runner.Shrink(episode, kShrinkSeconds);
    const std::optional<RawFinding> shown = runner.Run(fewest);
    const RawFinding& last = shown.has_value() ? *shown : *finding;
    ADD_FAILURE() << last.why << "\n  Larder: " << last.ours << "\n  Redis:  " << last.theirs
                  << "\n  --seed=" << flags.seed << " --episode=" << number << " --gtest_filter=*/"
                  << (socket ? "Socket" : "Memory") << "\n  fewest bytes that fail:\n"
                  << Describe(shown.has_value() ? fewest : episode);
  }
  std::printf("seed %llu: %llu episodes, %llu bytes of replies compared, %llu connections closed\n",
              static_cast<unsigned long long>(flags.seed), static_cast<unsigned long long>(number),
              static_cast<unsigned long long>(runner.bytes_compared()),
              static_cast<unsigned long long>(runner.closed()));
  uint64_t forgiven = 0;
  for (const auto& [name, times] : runner.forgiven()) {
    std::printf("  may differ: %s: %llu times\n", name.c_str(), static_cast<unsigned long long>(times));
    forgiven += times;
  }
  if (flags.episode >= 0) return;
  // Traffic that is never answered, or never refused, would agree about nothing.
  EXPECT_GT(runner.bytes_compared(), number * 50);
  EXPECT_GT(runner.closed(), number / 20);
  EXPECT_LT(forgiven, number / 20 + 1);
}

INSTANTIATE_TEST_SUITE_P(Over, RawFuzz, testing::Bool(),
                         [](const auto& info) { return info.param ? "Socket" : "Memory"; });

bool ParseFlag(std::string_view arg, std::string_view name, auto* value) {
  if (!arg.starts_with(name)) return false;
  arg.remove_prefix(name.size());
  return std::from_chars(arg.data(), arg.data() + arg.size(), *value).ec == std::errc();
}

}  // namespace
}  // namespace differential

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    using differential::flags;
    const std::string_view arg = argv[i];
    if (!differential::ParseFlag(arg, "--seed=", &flags.seed) &&
        !differential::ParseFlag(arg, "--episode=", &flags.episode) &&
        !differential::ParseFlag(arg, "--episodes=", &flags.episodes) &&
        !differential::ParseFlag(arg, "--seconds=", &flags.seconds)) {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  if (differential::flags.seed == 0) {
    differential::flags.seed = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) >> 16;
    std::printf("seed %llu\n", static_cast<unsigned long long>(differential::flags.seed));
  }
  return RUN_ALL_TESTS();
}
