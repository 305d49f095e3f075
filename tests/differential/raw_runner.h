// Runs raw episodes against both sides and says where they part: bytes that came back, connections that were closed,
// and the keys that are there in the end.
#ifndef LARDER_TESTS_DIFFERENTIAL_RAW_RUNNER_H_
#define LARDER_TESTS_DIFFERENTIAL_RAW_RUNNER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/differential/raw_traffic.h"
#include "tests/differential/sides.h"

namespace differential {

struct RawFinding {
  size_t send = 0;  // the last one before they parted; sends.size(): the keys differ
  std::string why;
  std::string ours;
  std::string theirs;
};

class RawRunner {
 public:
  RawRunner(Side& ours, Side& theirs);

  // nullopt: the sides agree, or part in a way that is wanted: those are named in raw_runner.cc, with their reasons.
  std::optional<RawFinding> Run(const RawEpisode& episode);

  // A shorter episode that still fails; gives up looking after `seconds`.
  RawEpisode Shrink(RawEpisode episode, int seconds);

  uint64_t bytes_compared() const { return bytes_compared_; }
  uint64_t closed() const { return closed_; }
  // How often what may differ did, by its name.
  const std::map<std::string, uint64_t>& forgiven() const { return forgiven_; }

 private:
  struct Pair {
    std::unique_ptr<Link> ours;
    std::unique_ptr<Link> theirs;
    bool open = true;
    std::string sent;
  };

  void Prepare(const RawEpisode& episode);
  Value AskAdmin(Side& side, std::unique_ptr<Link>& link, const Argv& argv);
  void Settle(size_t rounds);
  std::optional<RawFinding> CompareLink(Pair& pair, size_t send);
  std::optional<RawFinding> CompareKeys(size_t sends);
  bool OnlyTheirs(const std::string& ours, const std::string& theirs) const;
  bool IsDeaf(Link& link);

  Side& ours_;
  Side& theirs_;
  std::unique_ptr<Link> our_admin_;
  std::unique_ptr<Link> their_admin_;
  std::set<std::string> only_theirs_;  // commands, in lower case
  uint64_t bytes_compared_ = 0;
  uint64_t closed_ = 0;
  std::map<std::string, uint64_t> forgiven_;
};

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_RAW_RUNNER_H_
