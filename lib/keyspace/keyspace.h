// Keyspace: the numbered databases of one cache, with what they share: memory, time, limits, effects, counters.
//
// Time: commands of one batch may share one look at the clock (BeginOp with a time), a typed call passes 0 and the
// clock is read only if an entry with an expiry is met. Within one op the time stands still.
#ifndef LARDER_KEYSPACE_KEYSPACE_H_
#define LARDER_KEYSPACE_KEYSPACE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <larder/clock.h>
#include <larder/memory.h>
#include "lib/base/check.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/base/holder.h"
#include "lib/base/random.h"
#include "lib/base/steps.h"
#include "lib/keyspace/access.h"
#include "lib/keyspace/compactor.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/effects.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/eviction_tables.h"
#include "lib/keyspace/evictor.h"
#include "lib/keyspace/garbage.h"
#include "lib/keyspace/owed.h"
#include "lib/keyspace/read_counts.h"
#include "lib/keyspace/room.h"
#include "lib/memory/arena.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::keyspace {

struct KeyspaceConfig {
  int databases = 16;
  uint64_t maxmemory = 0;  // bytes, 0: no limit
  EvictionOrder eviction = EvictionOrder::kNone;
  bool evict_volatile_only = false;  // only keys with an expiry
  AccessConfig access = {};
  int eviction_samples = 5;          // maxmemory-samples
  uint64_t string_bytes_max = uint64_t{512} << 20;  // proto-max-bulk-len: how long APPEND and SETRANGE may make one
  // Up to how many elements, of how many bytes each, a collection is called packed.
  uint64_t hash_packed_entries_max = 512;
  uint64_t hash_packed_value_max = 64;
  uint64_t zset_packed_entries_max = 128;
  uint64_t zset_packed_value_max = 64;
  uint64_t intset_entries_max = 512;
  // The size of a stream's node, 0: no limit.
  uint64_t stream_node_entries_max = 100;
  uint64_t stream_node_bytes_max = 4096;
  uint64_t seed = 0;
  std::shared_ptr<MemorySource> memory;  // null: the system's
};

struct KeyspaceStats {
  uint64_t expired = 0;
  uint64_t evicted = 0;
};

class Keyspace {
 public:
  // nullptr when there is no memory.
  static std::unique_ptr<Keyspace> Create(const KeyspaceConfig& config, Clock& clock);
  ~Keyspace();

  // The database, made on first use. nullptr if index is out of range or there is no memory.
  Db* db(int index) LARDER_REQUIRES_HOLDER;
  // The database if it has been made.
  Db* db_if_made(int index) LARDER_REQUIRES_HOLDER {
    return index >= 0 && index < config_.databases ? dbs_[index] : nullptr;
  }
  // Those that have been made, in the order in which that happened; none is ever unmade. Walks go over these, since a
  // cache may be given two billion databases.
  int made_dbs() const LARDER_REQUIRES_HOLDER { return made_count_; }
  Db* made_db(int i) const LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(i >= 0 && i < made_count_);
    return made_[i];
  }
  // After the last that has been made.
  int dbs_end() const LARDER_REQUIRES_HOLDER { return dbs_end_; }
  void SwapDbs(int a, int b) LARDER_REQUIRES_HOLDER;
  // Empties one, or all of them. Returns how many keys there were.
  size_t FlushDb(Db& db) LARDER_REQUIRES_HOLDER;
  size_t FlushAll() LARDER_REQUIRES_HOLDER;
  size_t size() const LARDER_REQUIRES_HOLDER;

  // Starts an op. `now_ms` is the time if the caller knows it, else 0. `origin`: which client asks for it, for those
  // who are told of its effects; never looked into.
  void BeginOp(int64_t now_ms, const void* origin = nullptr) LARDER_REQUIRES_HOLDER {
    now_ms_ = now_ms;
    effects_.set_origin(origin);
  }
  // Starts a typed call's op, which reads the clock only if it has to.
  void BeginTypedOp() LARDER_REQUIRES_HOLDER {
    BeginOp(0);
    ++reads_.holder().typed_calls;
  }
  int64_t now_ms() LARDER_REQUIRES_HOLDER {
    if (now_ms_ == 0) now_ms_ = clock_.NowUs() / 1000;
    return now_ms_;
  }
  // The coarse clock of access data; refreshed by sessions and ticks.
  void set_access_clock_ms(int64_t now_ms) LARDER_REQUIRES_HOLDER {
    const int64_t seconds = now_ms / 1000;
    if (seconds == access_seconds_) [[likely]] return;
    access_seconds_ = seconds;
    evictor_.SetSeconds(seconds);
  }
  // OBJECT IDLETIME and OBJECT FREQ.
  int64_t IdleSeconds(const Entry& entry) const LARDER_REQUIRES_HOLDER;
  uint32_t Frequency(const Entry& entry) const LARDER_REQUIRES_HOLDER;
  void Touch(Entry& entry) LARDER_REQUIRES_HOLDER {
    if (touch_is_stamp_) [[likely]] {
      // Most entries that are read often have it already, and a line that is not written need not go back to memory.
      if (entry.access_data() != stamp()) EntryStamp(entry).set_access_data(stamp());
    } else {
      TouchByUse(entry);
    }
  }

  // What maxmemory is compared with: arena, blocks, and what others have added to extra_memory().
  size_t used_memory() const LARDER_REQUIRES_HOLDER {
    return heap_->used() + extra_memory_.load(std::memory_order_relaxed);
  }
  size_t peak_memory() const LARDER_REQUIRES_HOLDER { return peak_memory_; }
  void NotePeak() LARDER_REQUIRES_HOLDER {
    if (used_memory() > peak_memory_) peak_memory_ = used_memory();
  }
  // Client buffers and the like, added and subtracted by their owners from any thread.
  std::atomic<size_t>& extra_memory() { return extra_memory_; }
  // Whether access data decide what is evicted.
  bool GoesByUse() const LARDER_REQUIRES_HOLDER {
    return config_.maxmemory != 0 && config_.eviction != EvictionOrder::kNone &&
           config_.eviction != EvictionOrder::kRandom && config_.eviction != EvictionOrder::kTtl;
  }
  // maxmemory, and the room under it.
  MemoryLimit& limit() { return limit_; }

  // Until then (0: no more) only writes delete keys that have expired: CLIENT PAUSE, so that what clients see of them
  // does not change. Active expiry is its caller's to stop.
  void HoldExpiry(int64_t until_ms) LARDER_REQUIRES_HOLDER { hold_expiry_until_ms_ = until_ms; }
  bool ExpiryHeld() LARDER_REQUIRES_HOLDER { return hold_expiry_until_ms_ != 0 && now_ms() < hold_expiry_until_ms_; }

  // One step of deleting keys that are due, over all databases. True if there may be more.
  bool ExpireDue() LARDER_REQUIRES_HOLDER;
  // The soonest expiry of any key in ms, or a little earlier; INT64_MAX without one. Who asks comes back by then: only
  // a sooner one is owed from now on.
  int64_t SoonestExpiryMs() LARDER_REQUIRES_HOLDER;
  void NoteExpiry(int64_t expiry_ms) LARDER_REQUIRES_HOLDER {
    if (expiry_ms >= soonest_known_ms_) return;
    soonest_known_ms_ = expiry_ms;
    Owe(kOwesSoonerExpiry);
  }

  // What ops leave to background work. See owed.h.
  void Owe(Owed what) LARDER_REQUIRES_HOLDER { owed_.Owe(what); }
  uint32_t owed() const LARDER_REQUIRES_HOLDER { return owed_.untold(); }
  OwedWork& owed_work() LARDER_REQUIRES_HOLDER { return owed_; }

  // How entries and values end.
  Garbage& garbage() LARDER_REQUIRES_HOLDER { return garbage_; }
  const Garbage& garbage() const LARDER_REQUIRES_HOLDER { return garbage_; }

  // The end: one step of freeing every key of every database, and all garbage. True if there is more.
  // REQUIRES: from the first call on nothing is called that looks at keys.
  bool EndStep() LARDER_REQUIRES_HOLDER;

  // One step of moving entries out of nearly empty memory, some 35 us; nothing if there is no need. Not inside an op,
  // since entries change their places. True if there is more.
  bool CompactStep() LARDER_REQUIRES_HOLDER { return compactor_.CompactSome(); }
  bool WantsCompaction() const LARDER_REQUIRES_HOLDER { return compactor_.wanted(); }
  // 1 to 4: how many steps in the time in which there would else be one.
  int CompactionUrgency() LARDER_REQUIRES_HOLDER { return arena().CompactionUrgency(); }
  // The same for the sparsest run of entries: kEmptied when 64 KB have become free for blocks of any size. Not inside
  // an op.
  memory::Arena::Evacuated EmptyRunStep() LARDER_REQUIRES_HOLDER { return compactor_.EmptyRunStep(); }

  // An entry's history of use, which eviction goes by: it begins when the entry is made for a key that was not there,
  // goes on in the entry that takes another's place or to which another is moved, and ends with the key. `hash` is that
  // of the entry's key, `db` the database's made_index.
  void StartHistory(Entry& entry, int db, uint64_t hash) LARDER_REQUIRES_HOLDER;
  void TakeHistory(Entry& made, const Entry& before) LARDER_REQUIRES_HOLDER;
  // from's is ended by its Delete
  void MoveHistory(Entry& made, const Entry& from, int db, uint64_t hash) LARDER_REQUIRES_HOLDER;
  void EndHistory(const Entry& entry) LARDER_REQUIRES_HOLDER;
  // The evictor's: gives the entry other data, and takes it out of the small queue unless `small`.
  void SetUse(Entry& entry, uint32_t access, bool small) LARDER_REQUIRES_HOLDER;
  // Counts one for INFO.
  void CountEvicted() LARDER_REQUIRES_HOLDER { ++stats_.evicted; }
  // What an entry takes, as the limit counts it.
  static size_t BytesOf(const Entry& entry) {
    const size_t bytes = memory::Arena::RoundUp(entry.footprint());
    return entry.has_outside() ? bytes + OutsideBytes(entry) : bytes;
  }
  // Around a change of an entry's block where it is: `before` is BytesOf at the time.
  void Resized(const Entry& entry, size_t before) LARDER_REQUIRES_HOLDER {
    if (entry.marked(Entry::kInSmall)) evictor_.SmallResized(before, BytesOf(entry));
  }

  memory::Arena& arena() LARDER_REQUIRES_HOLDER { return heap_->arena(); }
  memory::Heap& blocks() { return *heap_; }
  base::StepLog& steps() LARDER_REQUIRES_HOLDER { return steps_; }
  Effects& effects() LARDER_REQUIRES_HOLDER { return effects_; }
  base::Random& random() LARDER_REQUIRES_HOLDER { return random_; }
  Clock& clock() { return clock_; }
  KeyspaceStats& stats() LARDER_REQUIRES_HOLDER { return stats_; }
  CountedReads& reads() LARDER_REQUIRES_HOLDER { return reads_; }
  // A read has not found `key` in the database of this index.
  void NoteMiss(int db, Bytes key, Lookup how) LARDER_REQUIRES_HOLDER {
    ++reads_.holder().misses;
    if (effects_.wants(Effects::kMisses) && TellsOfMiss(how)) [[unlikely]] effects_.EmitMiss(db, key);
  }
  const Evictor& evictor() const LARDER_REQUIRES_HOLDER { return evictor_; }
  const KeyspaceConfig& config() const LARDER_REQUIRES_HOLDER { return config_; }
  // How whatever is found by what clients choose is hashed. Any thread.
  const base::HashSeed& hash_seed() const { return hash_seed_; }
  // Everything but databases, seed and memory may change at any time.
  void Configure(const KeyspaceConfig& config) LARDER_REQUIRES_HOLDER;

 private:
  friend class MemoryLimit;

  // What the arena would have done is background work.
  class ArenaOwner final : public memory::Arena::Owner {
   public:
    explicit ArenaOwner(Keyspace& keyspace) : keyspace_(keyspace) {}
    void OnWantsTrim() override {
      base::AssertHolder();
      keyspace_.Owe(kOwesFreeing);
    }
    void OnSparse() override {
      base::AssertHolder();
      keyspace_.Owe(kOwesCompaction);
    }

   private:
    Keyspace& keyspace_;
  };

  Keyspace(const KeyspaceConfig& config, Clock& clock, memory::Heap::Ptr heap);
  static size_t OutsideBytes(const Entry& entry);
  uint32_t stamp() const LARDER_REQUIRES_HOLDER {
    return static_cast<uint32_t>(evictor_.epochs().now()) & Access::kMask;
  }
  void TouchByUse(Entry& entry) LARDER_REQUIRES_HOLDER;
  bool NoteMade(Db* db) LARDER_REQUIRES_HOLDER;

  KeyspaceConfig config_ LARDER_GUARDED_BY_HOLDER;
  const base::HashSeed hash_seed_;
  Clock& clock_;
  int64_t now_ms_ LARDER_GUARDED_BY_HOLDER = 0;
  OwedWork owed_ LARDER_GUARDED_BY_HOLDER;
  int64_t soonest_known_ms_ LARDER_GUARDED_BY_HOLDER = INT64_MAX;
  int64_t hold_expiry_until_ms_ LARDER_GUARDED_BY_HOLDER = 0;
  int64_t access_seconds_ LARDER_GUARDED_BY_HOLDER = 0;
  bool touch_is_stamp_ LARDER_GUARDED_BY_HOLDER = true;
  KeyspaceStats stats_ LARDER_GUARDED_BY_HOLDER;
  CountedReads reads_ LARDER_GUARDED_BY_HOLDER;
  Effects effects_ LARDER_GUARDED_BY_HOLDER;
  memory::Heap::Ptr heap_;  // if values are still pinned when the keyspace goes, they keep it
  std::atomic<size_t> extra_memory_{0};
  int expire_at_ LARDER_GUARDED_BY_HOLDER = 0;    // the database that ExpireDue looks at next
  int expire_idle_ LARDER_GUARDED_BY_HOLDER = 0;  // how many before it had nothing that was due
  size_t peak_memory_ LARDER_GUARDED_BY_HOLDER = 0;
  base::StepLog steps_ LARDER_GUARDED_BY_HOLDER;
  base::Random random_ LARDER_GUARDED_BY_HOLDER;
  Db** dbs_ LARDER_GUARDED_BY_HOLDER = nullptr;
  Db** made_ LARDER_GUARDED_BY_HOLDER = nullptr;
  int made_count_ LARDER_GUARDED_BY_HOLDER = 0;
  int made_room_ LARDER_GUARDED_BY_HOLDER = 0;
  int dbs_end_ LARDER_GUARDED_BY_HOLDER = 0;
  Garbage garbage_ LARDER_GUARDED_BY_HOLDER{*this, *heap_};
  KeyspaceTables tables_ LARDER_GUARDED_BY_HOLDER;
  Evictor evictor_ LARDER_GUARDED_BY_HOLDER;
  MemoryLimit limit_{*this};
  Compactor compactor_ LARDER_GUARDED_BY_HOLDER{*this};
  ArenaOwner arena_owner_ LARDER_GUARDED_BY_HOLDER{*this};
};

// The lookup of every command. Inline as a whole in the hot path of Get, out of line elsewhere.
[[gnu::always_inline]] inline Entry* Db::FindInline(Bytes key, uint64_t hash, Lookup how) {
  LARDER_DCHECK(hash == Hash(key));
  Entry* entry = table_.Find(key, hash);
  if (entry != nullptr && entry->has_expiry() && Expired(*entry)) [[unlikely]] entry = FoundExpired(entry, how);
  if (entry == nullptr) {
    if (Counts(how)) keyspace_.NoteMiss(index_, key, how);
    return nullptr;
  }
  if (Touches(how)) keyspace_.Touch(*entry);
  if (Counts(how)) ++keyspace_.reads().holder().hits;
  return entry;
}

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_KEYSPACE_H_
