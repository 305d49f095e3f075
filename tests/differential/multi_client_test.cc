// Random traffic of six clients, some of which wait and some of which listen, to Larder and to a redis-server 7.0.15
// that this test starts. What each client is sent after each step is compared. See multi_client_traffic.h for what is
// sent.
//
//   bazel test //tests/differential:multi_client_test         4,000 commands, the same ones every time
//   bazel test //tests/differential:multi_client_long_test    100,000
//   multi_client_test --seed=7 --commands=1000000             other ones
//   multi_client_test --seed=7 --episode=31                   one episode of them again
//
// A failure prints both sides, the line that repeats its episode, and the fewest steps that were found to fail.
#include <gtest/gtest.h>

#include <charconv>
#include <cstdio>

#include "tests/differential/multi_client_runner.h"

namespace differential {
namespace {

constexpr int kEpisodeSteps = 200;
constexpr int kShrinkSeconds = 20;
constexpr size_t kStepsShown = 30;
constexpr int kFailuresMax = 5;

struct Flags {
  uint64_t seed = 1;
  uint64_t commands = 4'000;
  int episode = -1;
};
Flags flags;

std::string Describe(const std::vector<TrafficStep>& steps) {
  std::string text;
  const size_t first = steps.size() > kStepsShown ? steps.size() - kStepsShown : 0;
  if (first != 0) text = "  (" + std::to_string(first) + " more)\n";
  for (size_t i = first; i < steps.size(); ++i) {
    text += "  client " + std::to_string(steps[i].client) + ":";
    if (steps[i].kind == TrafficStep::kHangUp) text += " (hangs up)";
    for (const Argv& argv : steps[i].commands) text += " " + Printable(argv) + ";";
    text += "\n";
  }
  return text;
}

// In memory, and over a listener's socket.
class MultiClient : public testing::TestWithParam<bool> {};

TEST_P(MultiClient, AreSentWhatRedisSends) {
  const std::unique_ptr<Side> redis = StartRedis();
  const std::unique_ptr<Side> larder = StartLarder({.socket = GetParam()});
  MultiClientRunner runner(*larder, *redis, GetParam());
  int failures = 0;
  int number = flags.episode < 0 ? 0 : flags.episode;
  for (; runner.counts().commands < flags.commands / 2 && failures < kFailuresMax; ++number) {
    Random seeds(flags.seed * 0x2545f4914f6cdd1du + static_cast<uint64_t>(number));
    TrafficEpisode episode = {seeds.Next(), {}};
    const std::optional<TrafficFinding> finding = runner.Make(&episode, kEpisodeSteps);
    if (finding.has_value()) {
      ++failures;
      ADD_FAILURE() << finding->why << "\n  Larder: " << finding->ours << "\n  Redis:  " << finding->theirs
                    << "\n  step " << finding->step << " of: --seed=" << flags.seed << " --episode=" << number
                    << " --gtest_filter=*/" << (GetParam() ? "Socket" : "Memory") << ", clients speak RESP "
                    << runner.Protocols() << "\n  the last steps:\n" << Describe(episode.steps)
                    << "  fewest steps that fail:\n"
                    << Describe(runner.Shrink(episode, *finding, kShrinkSeconds).steps);
    }
    if (flags.episode >= 0) break;
  }
  const TrafficCounts& counts = runner.counts();
  std::printf("seed %llu: %llu commands, %d episodes (%llu given up), %llu replies, %llu waits, %llu ended, "
              "%llu messages\n",
              static_cast<unsigned long long>(flags.seed), static_cast<unsigned long long>(counts.commands), number,
              static_cast<unsigned long long>(counts.given_up), static_cast<unsigned long long>(counts.replies),
              static_cast<unsigned long long>(counts.waits), static_cast<unsigned long long>(counts.ended),
              static_cast<unsigned long long>(counts.messages));
  uint64_t errors = 0;
  for (const auto& [word, count] : counts.errors) {
    std::printf("  %-12s %llu\n", word.c_str(), static_cast<unsigned long long>(count));
    errors += count;
  }
  if (flags.episode >= 0) return;
  // Traffic in which nobody waits, is served or listens would agree about nothing.
  EXPECT_LT(errors * 3, counts.replies);
  EXPECT_GT(counts.waits * 30, counts.commands);
  EXPECT_GT(counts.ended * 30, counts.commands);
  EXPECT_GT(counts.messages * 50, counts.commands);
}

INSTANTIATE_TEST_SUITE_P(Over, MultiClient, testing::Bool(),
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
        !differential::ParseFlag(arg, "--commands=", &flags.commands) &&
        !differential::ParseFlag(arg, "--episode=", &flags.episode)) {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  return RUN_ALL_TESTS();
}
