// The differential test: random requests to Larder and to a redis-server 7.0.15 that this test starts, replies
// compared. See generator.h for what is asked, compare.h and must_differ.h for what may differ.
//
//   bazel test //tests/differential:differential_test            10,000 requests, the same ones every time
//   bazel test //tests/differential:differential_long_test       300,000
//   differential_test --seed=7 --commands=50000                   other ones
//   differential_test --seed=7 --episode=31                       one episode of them again
//
// A failure prints both replies, the line that repeats its episode, and the fewest steps that were found to fail.
#include <gtest/gtest.h>

#include <charconv>
#include <cstdio>

#include "tests/differential/must_differ.h"
#include "tests/differential/runner.h"

namespace differential {
namespace {

constexpr int kEpisodeSteps = 300;
constexpr int kShrinkSeconds = 20;
constexpr size_t kStepsShown = 20;

struct Flags {
  uint64_t seed = 1;
  uint64_t commands = 10'000;
  int episode = -1;
  bool coverage = false;  // prints how often each command was compared
};
Flags flags;

const char* KindName(Step::Kind kind) {
  switch (kind) {
    case Step::kCommands: return "";
    case Step::kQuiet: return " (quiet)";
    case Step::kFullScan: return " (full SCAN)";
    case Step::kReconnect: return " (reconnect)";
    case Step::kNoMemory: return " (no memory)";
    case Step::kPause: return " (pause before the last)";
  }
  return "";
}

std::string Describe(const std::vector<Step>& steps) {
  std::string text;
  const size_t first = steps.size() > kStepsShown ? steps.size() - kStepsShown : 0;
  if (first != 0) text = "  (" + std::to_string(first) + " more)\n";
  for (size_t i = first; i < steps.size(); ++i) {
    const Step& step = steps[i];
    text += "  client " + std::to_string(step.link) + KindName(step.kind) + ":";
    for (const Argv& argv : step.commands) text += " " + Printable(argv) + ";";
    text += "\n";
  }
  return text;
}

void Report(Runner& runner, const Episode& episode, int number, const std::vector<Step>& steps,
            const Finding& finding, bool socket) {
  const std::vector<Step> fewest = runner.Shrink(episode, steps, kShrinkSeconds);
  ADD_FAILURE() << finding.why << "\n  command: " << Printable(finding.command)
                << "\n  Larder:  " << Printable(finding.ours) << "\n  Redis:   " << Printable(finding.theirs)
                << "\n  step " << finding.step << " of: --seed=" << flags.seed << " --episode=" << number
                << " --gtest_filter=*/" << (socket ? "Socket" : "Memory") << " (RESP" << episode.protocol
                << (episode.password ? ", requirepass" : "") << ")\n  fewest steps that fail:\n"
                << Describe(fewest);
}

// In memory, and over a listener's socket.
class Differential : public testing::TestWithParam<bool> {};

TEST_P(Differential, RandomCommandsGetTheRepliesOfRedis) {
  const std::unique_ptr<Side> redis = StartRedis({{"--enable-debug-command", "yes"}});
  const std::unique_ptr<Side> larder = StartLarder({.socket = GetParam(), .debug = true});
  Runner runner(*larder, *redis);
  int number = flags.episode < 0 ? 0 : flags.episode;
  int failures = 0;
  // A fifth of them over the socket, which is tested for itself, too.
  const uint64_t wanted = GetParam() ? flags.commands / 5 : flags.commands - flags.commands / 5;
  for (; runner.counts().commands < wanted && failures < 5; ++number) {
    const Episode episode = MakeEpisode(flags.seed, number, kEpisodeSteps);
    Generator generator(episode);
    std::vector<Step> steps;
    for (int i = 0; i < episode.size; ++i) steps.push_back(generator.Next());
    const std::optional<Finding> finding = runner.Run(episode, steps);
    if (finding.has_value()) {
      Report(runner, episode, number, steps, *finding, GetParam());
      ++failures;
    }
    if (flags.episode >= 0) break;
  }
  const Counts& counts = runner.counts();
  std::printf("seed %llu: %llu replies compared, %llu of them errors, over %zu commands, %d episodes, %llu given up\n",
              static_cast<unsigned long long>(flags.seed), static_cast<unsigned long long>(counts.commands),
              static_cast<unsigned long long>(counts.errors), counts.by_command.size(), number,
              static_cast<unsigned long long>(counts.abandoned));
  std::printf("what must differ: %zu fields, forgiven %llu times\n", DifferenceCount(),
              static_cast<unsigned long long>(runner.comparer().forgiven()));
  if (flags.coverage) {
    for (const auto& [name, replies] : counts.by_command) {
      if (replies.first == 0) continue;
      std::printf("  %-30s %7llu done %7llu refused\n", Printable(name, 28).c_str(),
                  static_cast<unsigned long long>(replies.first), static_cast<unsigned long long>(replies.second));
    }
  }
  if (flags.episode >= 0) return;
  // A stream that got nothing but refusals, or never asked, would agree about nothing.
  EXPECT_LT(counts.errors * 2, counts.commands);
  EXPECT_LE(counts.abandoned * 20, static_cast<uint64_t>(number));
  size_t done = 0;
  for (const auto& [name, replies] : counts.by_command) done += replies.first != 0;
  EXPECT_GT(done, wanted >= 5'000 ? 80u : 60u) << "different commands that were not refused";
}

INSTANTIATE_TEST_SUITE_P(Over, Differential, testing::Bool(),
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
    if (arg == "--coverage") {
      flags.coverage = true;
    } else if (!differential::ParseFlag(arg, "--seed=", &flags.seed) &&
               !differential::ParseFlag(arg, "--commands=", &flags.commands) &&
               !differential::ParseFlag(arg, "--episode=", &flags.episode)) {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  return RUN_ALL_TESTS();
}
