// Evictor: chooses the entries to evict when memory is full.
//
// It sees the databases through EvictionTables, below: buckets of a hash table, a lookup by hash, and a few verbs. The
// keyspace implements it, and in the unit test a map with a few entries.
//
// lru, lfu: sampled, with a pool.
//   Each eviction visits about `samples` entries, a bucket at a time, and offers them to a pool of the 16 best
//   candidates so far. The best of the pool is looked up again and evicted if it has not been used since. The pool
//   keeps good candidates for later evictions, so an entry that is among the worst fifth when it is visited goes. The
//   buckets come in steps of the golden ratio through the hash space, not at random: each is visited again after about
//   the same number of steps, while random picks leave some alone for long. So an entry goes soon after it has become
//   one of the worst, and 5 samples are within 0.15 points of hit ratio of exact LRU and LFU (lib/notes/eviction.md).
//
// s3fifo (Yang et al., SOSP 2023): a small FIFO for new keys, a main one, and a ghost.
//   small   exact: a queue of hashes (SmallQueue), kept at a tenth of the limit. Its oldest key goes and the ghost
//           remembers it, or it moves to main if it was used twice or more.
//   main    by epochs, sampled as above: the oldest goes if its counter is 0, else the counter falls by 1 and the entry
//           becomes the youngest.
//   ghost   2 bytes a key (Ghost): a new key that it remembers starts in main.
//   An entry has one bit (small), a 2-bit counter and a 22-bit epoch for it. Without memory for queue or ghost the
//   policy goes on: new keys start in main, or are not remembered.
//
// random: any entry, each with the same chance. ttl: the entry that expires first.
//
// Slices: Evict works until the limit is kept or its share of CPU is spent, so that no step is long. Each slice walks
// over all databases that have been made.
#ifndef LARDER_KEYSPACE_EVICTOR_H_
#define LARDER_KEYSPACE_EVICTOR_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/base/holder.h"
#include "lib/base/random.h"
#include "lib/keyspace/access.h"
#include "lib/keyspace/epochs.h"
#include "lib/keyspace/eviction_pool.h"
#include "lib/keyspace/ghost.h"
#include "lib/keyspace/small_queue.h"
#include "lib/memory/arena.h"

namespace larder::inline v0::keyspace {

// The databases, as the evictor sees them. Only they know what `entry` points to; it is valid until the next call that
// is not const.
class EvictionTables {
 public:
  struct Seen {
    void* entry = nullptr;
    uint32_t access = 0;
    bool small = false;  // s3fifo's queue bit
    uint8_t phase = 0;   // 3 bits: epochs().phase() at the last use under lfu
    bool expiring = false;
  };
  static constexpr int kSeenMax = 16;

  virtual int databases() const LARDER_REQUIRES_HOLDER = 0;
  // The number of entries of a database, or of those that expire.
  virtual size_t keys(int db, bool expiring) const LARDER_REQUIRES_HOLDER = 0;
  // Fills `seen` with the entries (with `expiring`, those that expire) of one physical bucket. It is the bucket at this
  // position of the hash space or, if that has none, one of the next. Returns how many there are: 0 if it looked at
  // many buckets and found none. Some position must lead to every place where entries live, stashes too. With
  // `expiring` it may choose the bucket by itself.
  virtual int Sample(int db, uint64_t position, bool expiring, Seen seen[kSeenMax]) LARDER_REQUIRES_HOLDER = 0;
  // A random entry (with `expiring`, one that expires), each with about the same chance; false if there is none.
  virtual bool Random(int db, bool expiring, Seen* seen) LARDER_REQUIRES_HOLDER = 0;
  virtual uint64_t Hash(int db, const void* entry) const LARDER_REQUIRES_HOLDER = 0;
  // The entry whose hash has these top 48 bits.
  virtual bool Find(int db, uint64_t hash, Seen* seen) LARDER_REQUIRES_HOLDER = 0;
  // The entry that expires first.
  virtual bool Soonest(int db, Seen* seen, int64_t* expiry_ms) LARDER_REQUIRES_HOLDER = 0;
  // Stores both in the entry; if `small` becomes false, calls the evictor's SmallLeft.
  virtual void SetUse(void* entry, uint32_t access, bool small) LARDER_REQUIRES_HOLDER = 0;
  // Deletes the entry, with its effects (and calls SmallLeft if it was small). Returns its bytes, as the limit counts
  // them.
  virtual size_t Evict(int db, void* entry) LARDER_REQUIRES_HOLDER = 0;
  // Whether the limit is kept.
  virtual bool Fits() const LARDER_REQUIRES_HOLDER = 0;

 protected:
  ~EvictionTables() = default;
};

enum class EvictionOrder : uint8_t { kNone, kRandom, kTtl, kLru, kLfu, kS3Fifo };

struct EvictionConfig {
  EvictionOrder order = EvictionOrder::kNone;
  bool volatile_only = false;  // only keys that expire
  int samples = 5;             // maxmemory-samples
  uint64_t limit_bytes = 0;    // maxmemory
  AccessConfig access = {};
};

class Evictor {
 public:
  Evictor(EvictionTables& tables, memory::Arena* arena, uint64_t seed)
      : tables_(tables), random_(seed), epochs_(arena), small_queue_(arena), ghost_(arena), hand_(random_.Next()) {}

  // It may be called at any time. Candidates collected under another order are dropped.
  void Configure(const EvictionConfig& config) LARDER_REQUIRES_HOLDER;

  enum class Outcome : uint8_t {
    kFits,    // the limit is kept
    kMore,    // the limit is not kept yet, but the slice is spent: call again
    kCannot,  // there is no entry that may be evicted
  };
  // How much may be done at once.
  struct Slice {
    uint64_t cpu_ns_max = 0;  // CPU of this thread, give or take 16 evictions; 0: until it fits
    size_t bytes_min = 0;     // evicted in any case, if there are enough to evict
  };
  // So many searches for a victim end a slice too, whatever they cost.
  static constexpr int kLooksMax = 1024;
  Outcome Evict(const Slice& slice) LARDER_REQUIRES_HOLDER;

  // The first access data of a new key.
  struct Start {
    uint32_t access;
    bool small;
  };
  Start Begin(int db, uint64_t hash, bool expiring) LARDER_REQUIRES_HOLDER;
  // A small entry has got another key: the queue gets the new key as its youngest. Returns false if the entry belongs
  // to main instead.
  bool QueueMoved(int db, uint64_t hash) LARDER_REQUIRES_HOLDER;
  // Keep the bytes of small entries, as the limit counts them: one came, one left, one changed its size.
  void SmallCame(size_t bytes) LARDER_REQUIRES_HOLDER {
    small_bytes_ += bytes;
    ++small_keys_;
  }
  void SmallLeft(size_t bytes) LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(small_keys_ != 0 && small_bytes_ >= bytes);
    small_bytes_ -= bytes;
    --small_keys_;
  }
  void SmallResized(size_t before, size_t now) LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(small_bytes_ >= before);
    small_bytes_ += now - before;
  }
  // Databases have changed places, so the queue of small keys is wrong: its keys belong to main from now on.
  void DropSmallQueue() LARDER_REQUIRES_HOLDER;

  Epochs& epochs() LARDER_REQUIRES_HOLDER { return epochs_; }
  const Epochs& epochs() const LARDER_REQUIRES_HOLDER { return epochs_; }
  // The clock of LFU's counters.
  void SetSeconds(int64_t seconds) LARDER_REQUIRES_HOLDER {
    seconds_ = seconds;
    epochs_.SetSeconds(seconds);
  }

  uint64_t visited() const LARDER_REQUIRES_HOLDER { return visited_; }  // entries looked at, ever
  uint64_t evicted() const LARDER_REQUIRES_HOLDER { return evicted_; }
  uint64_t evicted_bytes() const LARDER_REQUIRES_HOLDER { return evicted_bytes_; }
  size_t small_bytes() const LARDER_REQUIRES_HOLDER { return small_bytes_; }

 private:
  // The result of one search for a victim.
  enum class Found : uint8_t {
    kVictim,
    kNotYet,  // no entry was evicted, but some were moved out of the way: search again
    kNobody,
  };
  Found EvictOne() LARDER_REQUIRES_HOLDER;
  static Found FoundIf(bool evicted) { return evicted ? Found::kVictim : Found::kNobody; }
  bool EvictRandom() LARDER_REQUIRES_HOLDER;
  bool EvictSoonest() LARDER_REQUIRES_HOLDER;
  bool EvictByPool() LARDER_REQUIRES_HOLDER;
  Found EvictFifo() LARDER_REQUIRES_HOLDER;
  Found EvictSmall() LARDER_REQUIRES_HOLDER;
  bool EvictMain() LARDER_REQUIRES_HOLDER;
  void Take(int db, void* entry) LARDER_REQUIRES_HOLDER;
  void Visit(int entries) LARDER_REQUIRES_HOLDER;
  int VisitBucket() LARDER_REQUIRES_HOLDER;
  int PickDb(uint64_t* position) LARDER_REQUIRES_HOLDER;
  bool NextCandidate(EvictionPool::Candidate* candidate, EvictionTables::Seen* seen) LARDER_REQUIRES_HOLDER;
  uint64_t OrderOf(const EvictionTables::Seen& seen) const LARDER_REQUIRES_HOLDER;
  // Under s3fifo.
  uint64_t EpochOf(uint32_t access) const LARDER_REQUIRES_HOLDER {
    return epochs_.Full(access >> FifoUse::kCounterBits, FifoUse::kEpochBits);
  }
  size_t CountKeys() const LARDER_REQUIRES_HOLDER;
  bool MayGo(const EvictionTables::Seen& seen) const LARDER_REQUIRES_HOLDER {
    return !config_.volatile_only || seen.expiring;
  }
  bool SmallIsFull() const LARDER_REQUIRES_HOLDER;
  void TrimSmallQueue() LARDER_REQUIRES_HOLDER;

  EvictionTables& tables_;
  base::Random random_ LARDER_GUARDED_BY_HOLDER;
  EvictionConfig config_ LARDER_GUARDED_BY_HOLDER;
  Epochs epochs_ LARDER_GUARDED_BY_HOLDER;
  EvictionPool pool_ LARDER_GUARDED_BY_HOLDER;
  SmallQueue small_queue_ LARDER_GUARDED_BY_HOLDER;
  Ghost ghost_ LARDER_GUARDED_BY_HOLDER;
  uint64_t hand_ LARDER_GUARDED_BY_HOLDER;        // position in the hash space, in golden steps
  size_t keys_ LARDER_GUARDED_BY_HOLDER = 0;      // keys that may be evicted, in all databases; while Evict runs
  int owed_ LARDER_GUARDED_BY_HOLDER = 0;         // entries to visit before the next choice
  int64_t seconds_ LARDER_GUARDED_BY_HOLDER = 0;
  size_t small_bytes_ LARDER_GUARDED_BY_HOLDER = 0;
  size_t small_keys_ LARDER_GUARDED_BY_HOLDER = 0;
  // small keys of an earlier epoch are not in the queue, which was dropped since
  uint64_t small_since_ LARDER_GUARDED_BY_HOLDER = 0;
  bool has_evicted_ LARDER_GUARDED_BY_HOLDER = false;  // under this configuration
  uint64_t visited_ LARDER_GUARDED_BY_HOLDER = 0;
  uint64_t evicted_ LARDER_GUARDED_BY_HOLDER = 0;
  uint64_t evicted_bytes_ LARDER_GUARDED_BY_HOLDER = 0;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_EVICTOR_H_
