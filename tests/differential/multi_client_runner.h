// Runs the traffic of several clients against both sides and says where they part: in what each client has been sent
// after each step, in what CLIENT LIST says of each, or in the keys.
//
// Nobody sleeps to find out whether a step has been done. A server that answers on another connection has read what was
// sent before, and what it has brought to others leaves with the turns of its loop: the clients are looked at until
// turns bring nothing more.
#ifndef LARDER_TESTS_DIFFERENTIAL_MULTI_CLIENT_RUNNER_H_
#define LARDER_TESTS_DIFFERENTIAL_MULTI_CLIENT_RUNNER_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/differential/multi_client_side.h"
#include "tests/differential/multi_client_traffic.h"
#include "tests/differential/sides.h"

namespace differential {

struct TrafficFinding {
  size_t step = 0;  // the last one before they parted
  std::string why;
  std::string ours;
  std::string theirs;
};

struct TrafficEpisode {
  uint64_t seed = 0;
  std::vector<TrafficStep> steps;
};

// How much of what the traffic is about has happened.
struct TrafficCounts {
  uint64_t commands = 0;
  uint64_t replies = 0;
  std::map<std::string, uint64_t> errors;  // replies, by their first word
  uint64_t waits = 0;                      // clients that have begun to wait
  uint64_t ended = 0;                      // and no longer do
  uint64_t given_up = 0;                   // episodes
  uint64_t messages = 0;  // steps after which a client that neither acted nor waited has been sent something
};

class MultiClientRunner {
 public:
  // `behind`: see MultiClientGenerator. What in-memory connections have sent behind commands that wait runs when
  // somebody asks for their output, in the order of those who ask, which is this test's and not Larder's.
  MultiClientRunner(Side& ours, Side& theirs, bool behind) : ours_(ours), theirs_(theirs), behind_(behind) {}

  // Makes `size` steps on the way and keeps them in `episode`, whose seed says which.
  std::optional<TrafficFinding> Make(TrafficEpisode* episode, int size);
  // The steps of an episode again, or some of them.
  std::optional<TrafficFinding> Replay(const TrafficEpisode& episode);
  // A shorter episode that still fails in the same way; gives up looking after `seconds`.
  TrafficEpisode Shrink(TrafficEpisode episode, const TrafficFinding& finding, int seconds);

  const TrafficCounts& counts() const { return counts_; }
  // Of the clients of the last episode, when they begin: "323322".
  std::string Protocols() const;

 private:
  void Prepare(uint64_t seed);
  bool MaySilence(const TrafficStep& step);
  bool Do(const TrafficStep& step, size_t number);
  bool Compare(size_t number);
  bool AgreeOnBytes(size_t client);
  bool CompareLooks(size_t number);
  bool CompareKeys(size_t number);
  bool CompareEnd(size_t number);
  void Count(const TrafficStep& step, const TrafficState& before);
  void ReplaceClosed();
  bool Fail(size_t number, std::string why, const std::string& ours, const std::string& theirs);

  MultiClientSide ours_;
  MultiClientSide theirs_;
  const bool behind_;
  std::array<int, kClients> protocols_ = {};
  std::array<bool, kClients> may_be_silent_ = {};  // they have used CLIENT REPLY
  std::array<std::string, kClients> our_bytes_;
  std::array<std::string, kClients> their_bytes_;
  TrafficCounts counts_;
  bool over_ = false;  // the sides differ in a way that is known: the episode can say nothing more
  std::optional<TrafficFinding> finding_;
};

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_MULTI_CLIENT_RUNNER_H_
