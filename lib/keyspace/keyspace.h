// Keyspace: the numbered databases of one cache, with what they share: memory, time, limits, effects, counters.
//
// Time: commands of one batch may share one look at the clock (BeginOp with a time), a typed call passes 0 and the
// clock is read only if an entry with an expiry is met. Within one op the time stands still.
//
// Threads: the executor's holder, but for used_memory's parts that are atomic (see there).
#ifndef LARDER_KEYSPACE_KEYSPACE_H_
#define LARDER_KEYSPACE_KEYSPACE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <larder/clock.h>
#include "lib/base/random.h"
#include "lib/keyspace/access.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/effects.h"
#include "lib/memory/arena.h"
#include "lib/memory/block.h"

namespace larder::inline v0::keyspace {

enum class EvictionPolicy : uint8_t {
  kNone,
  kAllRandom,
  kVolatileRandom,
  kVolatileTtl,
  // By access data: the best of a few keys at random.
  kAllByUse,
  kVolatileByUse,
};

struct KeyspaceConfig {
  int databases = 16;
  uint64_t maxmemory = 0;  // bytes, 0: no limit
  EvictionPolicy policy = EvictionPolicy::kNone;
  AccessConfig access = {};       // what "use" means: the latest or the frequent
  int eviction_samples = 5;  // how many keys are compared, 1 or more
  uint64_t string_bytes_max = uint64_t{512} << 20;  // proto-max-bulk-len: how long APPEND and SETRANGE may make one
  uint64_t seed = 0;
};

struct KeyspaceStats {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t expired = 0;
  uint64_t evicted = 0;
};

class Keyspace {
 public:
  // nullptr when there is no memory.
  static std::unique_ptr<Keyspace> Create(const KeyspaceConfig& config, Clock& clock);
  ~Keyspace();

  // The database, made on first use. nullptr if index is out of range or there is no memory.
  Db* db(int index);
  // The database if it has been made.
  Db* db_if_made(int index) { return index >= 0 && index < config_.databases ? dbs_[index] : nullptr; }
  void SwapDbs(int a, int b);
  // Empties one, or all of them. Returns how many keys there were.
  size_t FlushDb(Db& db);
  size_t FlushAll();
  size_t size() const;

  // Starts an op. `now_ms` is the time if the caller knows it, else 0.
  void BeginOp(int64_t now_ms) { now_ms_ = now_ms; }
  int64_t now_ms() {
    if (now_ms_ == 0) now_ms_ = clock_.NowUs() / 1000;
    return now_ms_;
  }
  // The coarse clock of access data; refreshed by sessions and ticks.
  void set_access_clock_ms(int64_t now_ms) { access_seconds_ = static_cast<uint32_t>(now_ms / 1000); }
  uint32_t access_seconds() const { return access_seconds_; }
  uint32_t NewAccessData() const { return Access::New(config_.access, access_seconds_); }
  void Touch(Entry& entry) {
    entry.set_access_data(Access::Used(config_.access, entry.access_data(), access_seconds_, random_));
  }

  // What maxmemory is compared with: arena, blocks, and what others have added to extra_memory().
  size_t used_memory() const {
    return arena_.used() + blocks_->used() + extra_memory_.load(std::memory_order_relaxed);
  }
  size_t peak_memory() const { return peak_memory_; }
  void NotePeak() {
    if (used_memory() > peak_memory_) peak_memory_ = used_memory();
  }
  // Client buffers and the like, added and subtracted by their owners from any thread.
  std::atomic<size_t>& extra_memory() { return extra_memory_; }
  // Whether access data decide what is evicted.
  bool GoesByUse() const {
    return config_.maxmemory != 0 &&
           (config_.policy == EvictionPolicy::kAllByUse || config_.policy == EvictionPolicy::kVolatileByUse);
  }
  // Evicts, as the policy says, until used_memory() fits maxmemory. False if it cannot be made to fit.
  bool MakeRoom();

  // Deletes up to `max` keys that are due, over all databases; returns how many.
  size_t ExpireDue(size_t max);
  // The soonest expiry of any key in ms, or INT64_MAX.
  int64_t SoonestExpiryMs();
  // A lower bound of it that costs a load: what was set since SoonestExpiryMs was last called.
  int64_t SoonestHintMs() const { return soonest_hint_ms_; }
  void HintExpiry(int64_t expiry_ms) {
    if (expiry_ms < soonest_hint_ms_) soonest_hint_ms_ = expiry_ms;
  }

  memory::Arena& arena() { return arena_; }
  memory::BlockSource& blocks() { return *blocks_; }
  Effects& effects() { return effects_; }
  base::Random& random() { return random_; }
  Clock& clock() { return clock_; }
  KeyspaceStats& stats() { return stats_; }
  // May be changed at any time, but for databases and seed.
  KeyspaceConfig& config() { return config_; }

 private:
  Keyspace(const KeyspaceConfig& config, Clock& clock) : config_(config), clock_(clock), random_(config.seed) {}
  bool EvictOne();
  Entry* Candidate(Db& db);

  KeyspaceConfig config_;
  Clock& clock_;
  int64_t now_ms_ = 0;
  int64_t soonest_hint_ms_ = INT64_MAX;
  uint32_t access_seconds_ = 0;
  memory::Arena arena_;
  // On the heap: if values are still pinned when the keyspace goes, their source is left behind for them.
  std::unique_ptr<memory::BlockSource> blocks_;
  std::atomic<size_t> extra_memory_{0};
  size_t peak_memory_ = 0;
  Effects effects_;
  KeyspaceStats stats_;
  base::Random random_;
  Db** dbs_ = nullptr;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_KEYSPACE_H_
