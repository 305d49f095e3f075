// Runs episodes against both sides and says where they part.
#ifndef LARDER_TESTS_DIFFERENTIAL_RUNNER_H_
#define LARDER_TESTS_DIFFERENTIAL_RUNNER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/differential/compare.h"
#include "tests/differential/generator.h"
#include "tests/differential/sides.h"
#include "tests/differential/value.h"

namespace differential {

struct Finding {
  size_t step = 0;
  Argv command;
  std::string ours;
  std::string theirs;
  std::string why;
};

// Milliseconds of a clock that only goes forward.
double NowMs();

struct Counts {
  uint64_t commands = 0;   // replies compared, those inside EXEC's included
  uint64_t errors = 0;     // of them, errors
  uint64_t abandoned = 0;  // episodes ended early because the machine stalled past a short time to live
  std::map<std::string, std::pair<uint64_t, uint64_t>> by_command;  // replies that were none and that were errors
};

// A wanted difference has made the two sides' keys differ: not a fault, but the end of the episode.
inline constexpr std::string_view kEpisodeOver = "a wanted difference";

class Runner {
 public:
  Runner(Side& ours, Side& theirs);
  ~Runner();

  // Starts from an empty keyspace, runs the steps, compares. nullopt: the sides agree.
  std::optional<Finding> Run(const Episode& episode, const std::vector<Step>& steps);

  // Fewer steps of a failing episode that still fail; gives up looking after `seconds`.
  std::vector<Step> Shrink(const Episode& episode, std::vector<Step> steps, int seconds);

  const Counts& counts() const { return counts_; }
  const Comparer& comparer() const { return *comparer_; }

 private:
  // One client, on both sides.
  struct Pair {
    std::unique_ptr<Link> ours;
    std::unique_ptr<Link> theirs;
    int64_t our_id = 0;
    int64_t their_id = 0;
    std::vector<Argv> queue;  // of MULTI
    int short_ttl_queued_ms = 0;
  };

  void Prepare(const Episode& episode, const std::vector<Step>& steps);
  std::unique_ptr<Pair> Connect(const Episode* episode);
  void RunStep(const Step& step);
  void RunCommands(Pair& pair, const std::vector<Argv>& commands);
  bool EndedAlike(Pair& pair);
  void Reconnect(int link);
  void AwaitClients(size_t count);
  void RunNoMemory(Pair& pair, const std::vector<Argv>& commands);
  void RunPause(Pair& pair, const std::vector<Argv>& commands);
  void RunQuiet(Pair& pair, const Step& step);
  void RunFullScan(Pair& pair, const Argv& options);
  void CompareOne(Pair& pair, const Argv& argv, const std::string& ours, const std::string& theirs, bool in_batch);
  void CompareExec(Pair& pair, const Value& ours, const Value& theirs);
  void Settle(int ms);
  void CheckAccounts();
  std::pair<Value, Value> AskBoth(Pair& pair, const Argv& argv);
  std::pair<Value, Value> Admin(const Argv& argv);
  void Fail(const Argv& argv, std::string_view ours, std::string_view theirs, std::string why);
  CompareContext Context(Pair& pair);
  void Count(const Argv& argv, bool error);

  Side& ours_;
  Side& theirs_;
  std::unique_ptr<Comparer> comparer_;
  std::unique_ptr<Pair> admin_;
  std::unique_ptr<Pair> links_[kLinks];
  std::map<std::string, std::string> defaults_;  // of Redis's directives that may be set
  std::set<std::string> touched_;  // directives that the last episode may have set
  const Episode* episode_ = nullptr;
  std::optional<Finding> finding_;
  Counts counts_;
  size_t step_ = 0;
  double slack_ms_ = 0;    // the longest that one step of this episode took on both sides
  double step_ms_ = 0;
  int nonce_ = 0;
  std::set<std::string> strange_keys_;
};

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_RUNNER_H_
