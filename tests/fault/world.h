// A cache with some content, and the question that every fault test asks of it: what happens to it when the n-th
// allocation of one call fails, for each n there is.
//
// An Attempt is one call, prepared: run() is what the faults are armed for, describe() says afterwards how it ended.
// FailEach makes a world and an attempt for each n, in both modes (that allocation alone, and all from it on), until
// the call meets no failure any more, and checks each time:
//   - how it ended: as without a failure (the call could do without that memory), or by an error that says there is no
//     memory; nothing else, and nothing thrown;
//   - that everything that can be seen of the cache, when the attempt is gone, is as before if it was an error, and as
//     after the same call without a failure if it was none: keys, values and expiries of all databases, memory by its
//     parts, clients, watched keys, and the configuration where the call may change it;
//   - that the cache works, and closes without a pinned value;
//   - that, when all of it is gone, no memory is.
#ifndef LARDER_TESTS_FAULT_WORLD_H_
#define LARDER_TESTS_FAULT_WORLD_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <larder/cache.h>
#include <larder/clock.h>
#include "tests/fault/faults.h"

namespace larder::testing {

// What can be seen, by name: "key 0 short" -> "hello, ttl -1".
using Snapshot = std::map<std::string, std::string>;

class World {
 public:
  explicit World(const std::function<void(Options&)>& change = nullptr);
  ~World();
  World(const World&) = delete;

  Cache& cache() { return *cache_; }
  ManualClock& clock() { return *clock_; }

  // With the configuration if `config`: some 200 values, ten times as many as all else.
  Snapshot Look(bool config);
  // That calls of all kinds succeed. Leaves the content as it was.
  void CheckThatItWorks();

  // Leaks the cache.
  void Abandon();

  // What the content is made of; the same in every world.
  static const std::string& ValueOf(size_t bytes);

 private:
  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Cache> cache_;
};

struct Outcome {
  enum Kind {
    kDone,     // `text` is the result, to be compared with that of a run without failures
    kRefused,  // an error that says there was no memory
    kLost,     // the connection was closed, or the reply lost: the call has happened, or not
  };
  Kind kind = kDone;
  std::string text;
  // An EXEC: whether each of its commands was done, the others having been refused for want of memory.
  std::vector<bool> parts = {};
};

Outcome OutcomeOf(const absl::Status& status);
Outcome OutcomeOf(const absl::StatusOr<Reply>& reply);

struct Attempt {
  std::function<void()> run;
  std::function<Outcome()> describe;
};

struct Case {
  std::string name;
  std::function<Attempt(World&)> prepare;
  std::function<void(Options&)> options = nullptr;
  bool varies = false;  // the result is another one each time (INFO)
  bool keeps_room = false;  // an empty database or table that it makes stays when the rest fails
  bool config = false;  // it may change the configuration, so that is looked at as well
  // For an EXEC: the cache's state after an EXEC of which only `parts` were done. Null: no EXEC.
  std::function<Attempt(World&, const std::vector<bool>& parts)> only_parts = nullptr;
};

// kFromOnOnly is the quick one: of a call with many allocations it fails only some.
enum class Modes { kBoth, kFromOnOnly };

// Returns how many allocations the call makes when none fails.
size_t FailEach(const Case& test_case, Modes modes);

}  // namespace larder::testing

#endif  // LARDER_TESTS_FAULT_WORLD_H_
