// Whether two replies to one command say the same.
//
// Equal bytes do. Otherwise there are three tolerances, and must_differ.h:
//   order    KEYS, CONFIG GET, COMMAND's lists, sets and the fields of large hashes come in the order of hash tables:
//            compared as multisets. What Redis keeps packed must come in its order
//            (sets of integers, and what is made of them alone, too)
//   time     what counts down or up may differ by 5 ms and the time measured between the two sides
//   chance   RANDOMKEY: each side's pick must be a key on the other side; HRANDFIELD: as many picks, of the same shape
#ifndef LARDER_TESTS_DIFFERENTIAL_COMPARE_H_
#define LARDER_TESTS_DIFFERENTIAL_COMPARE_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "tests/differential/must_differ.h"
#include "tests/differential/value.h"

namespace differential {

struct CompareContext {
  int64_t tolerance_ms = 5;
  bool in_batch = false;  // of EXEC or of a pipeline: the sides can no longer be asked about that moment
  int64_t our_id = 0;    // of the client that asked
  int64_t their_id = 0;
  // Asks both sides on the client that asked; first ours, second theirs.
  std::function<std::pair<Value, Value>(const Argv&)> ask;
};

class Comparer {
 public:
  // `our_commands`: the names of all commands that we have.
  explicit Comparer(std::set<std::string> our_commands) : our_commands_(std::move(our_commands)) {}

  // "" if they agree, else what does not.
  std::string Compare(const Argv& argv, const Value& ours, const Value& theirs, const CompareContext& context);

  // Whether it is as must_differ.h says that `theirs` ended within the reply.
  bool ForgiveCutReply(const Argv& argv, std::string_view ours, std::string_view theirs);

  // How often a row of must_differ.h was needed.
  uint64_t forgiven() const { return forgiven_; }
  bool used(const Difference& difference) const { return used_.count(&difference) != 0; }

 private:
  bool Forgive(std::string_view command, std::string_view field);
  std::string CompareErrors(const std::string& name, const Value& ours, const Value& theirs);
  std::string CompareTime(const Argv& argv, const std::string& name, const Value& ours, const Value& theirs,
                          const CompareContext& context);
  std::string CompareRandomKey(const Value& ours, const Value& theirs, const CompareContext& context);
  std::string CompareScan(std::string_view command, const Value& ours, const Value& theirs);
  std::string CompareRandom(const Value& ours, const Value& theirs);
  std::string CompareAlgebra(const Argv& argv, const Value& ours, const Value& theirs, const CompareContext& context);
  std::string CompareStreamTimes(const std::string& before, const Value& ours, const Value& theirs);
  std::string CompareElements(const Argv& argv, const Value& ours, const Value& theirs, const CompareContext& context);
  std::string CompareObject(const std::string& name, const Value& ours, const Value& theirs);
  std::string CompareMemory(const std::string& name, const Value& ours, const Value& theirs);
  std::string CompareHello(const Value& ours, const Value& theirs);
  std::string CompareClients(const Value& ours, const Value& theirs);
  std::string CompareInfo(const Value& ours, const Value& theirs, const CompareContext& context);
  std::string CompareInfoField(const std::string& name, const std::string& ours, const std::string& theirs,
                               const CompareContext& context);
  std::string CompareConfig(const Value& ours, const Value& theirs);
  std::string CompareNames(const std::string& rule, const Value& ours, const Value& theirs);
  std::string CompareHelp(const Value& ours, const Value& theirs);
  std::string CompareDebugObject(const Value& ours, const Value& theirs);

  std::set<std::string> our_commands_;
  uint64_t forgiven_ = 0;
  std::set<const Difference*> used_;
};

// The name by which a request's rules are found: "get", "client|list".
std::string RuleName(const Argv& argv);

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_COMPARE_H_
