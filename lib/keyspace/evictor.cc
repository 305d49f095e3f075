#include "lib/keyspace/evictor.h"

#include <algorithm>

#include "lib/base/check.h"
#include "lib/base/monotonic.h"

namespace larder::inline v0::keyspace {
namespace {

__extension__ using uint128 = unsigned __int128;
using Seen = EvictionTables::Seen;

constexpr uint64_t kGoldenStep = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio
// An empty pool is filled again so often, and so many used keys of main are put back, before the search ends.
constexpr int kRounds = 64;
constexpr int kEvictionsUntimed = 16;
// One search for a victim takes so many words of the small queue.
constexpr int kWords = 8;
constexpr int kStampBits = 24;

}  // namespace

void Evictor::Configure(const EvictionConfig& config) {
  if (config.order != config_.order || config.volatile_only != config_.volatile_only) {
    pool_.Clear();
    DropSmallQueue();
    ghost_.Clear();
    has_evicted_ = false;
  }
  config_ = config;
}

// The keys keep their marks, since to visit them all would take long. Main takes each over when it visits it, and knows
// it by its epoch. Under another policy the keys may have got data of another kind: all but one in 2^22 of them read as
// an epoch long past.
void Evictor::DropSmallQueue() {
  small_queue_.Clear();
  if (small_keys_ == 0) return;
  epochs_.EndEarly();
  small_since_ = epochs_.now();
}

Evictor::Outcome Evictor::Evict(const Slice& slice) {
  // A write that is a little over the limit evicts one or two keys, and reading this clock costs as much as that. So
  // the first 16 evictions are not timed: they count as long as the next 16.
  uint64_t start_ns = 0;
  if (config_.order == EvictionOrder::kNone) return tables_.Fits() ? Outcome::kFits : Outcome::kCannot;
  keys_ = CountKeys();  // this walks over all databases, which may be many; from here on only evictions change the
                        // number
  const uint64_t bytes_end = evicted_bytes_ + slice.bytes_min;
  Found found = Found::kVictim;
  for (int looks = 0; !tables_.Fits(); ++looks) {
    if (slice.cpu_ns_max != 0 && looks != 0 && looks % kEvictionsUntimed == 0) {
      const uint64_t now_ns = static_cast<uint64_t>(base::ThreadCpuNs());
      if (start_ns == 0) start_ns = now_ns;
      const uint64_t passed = now_ns - start_ns;
      const uint64_t untimed = passed / static_cast<uint64_t>(looks / kEvictionsUntimed);
      const bool spent = passed + 2 * untimed > slice.cpu_ns_max || looks >= kLooksMax;
      // While keys only change their places, `bytes_min` cannot be guaranteed.
      if (spent && (evicted_bytes_ >= bytes_end || found == Found::kNotYet)) return Outcome::kMore;
    }
    found = EvictOne();
    if (found == Found::kNobody) return Outcome::kCannot;
  }
  return Outcome::kFits;
}

Evictor::Found Evictor::EvictOne() {
  switch (config_.order) {
    case EvictionOrder::kNone: return Found::kNobody;
    case EvictionOrder::kRandom: return FoundIf(EvictRandom());
    case EvictionOrder::kTtl: return FoundIf(EvictSoonest());
    case EvictionOrder::kLru:
    case EvictionOrder::kLfu: return FoundIf(EvictByPool());
    case EvictionOrder::kS3Fifo: return EvictFifo();
  }
  return Found::kNobody;
}

void Evictor::Take(int db, void* entry) {
  LARDER_DCHECK(entry != nullptr && keys_ != 0);
  // Random and ttl need neither epochs nor the memory for them.
  if (config_.order > EvictionOrder::kTtl) epochs_.CountEviction(keys_);
  has_evicted_ = true;
  ++evicted_;
  --keys_;
  evicted_bytes_ += tables_.Evict(db, entry);
}

size_t Evictor::CountKeys() const {
  size_t sum = 0;
  for (int db = 0; db < tables_.databases(); ++db) sum += tables_.keys(db, config_.volatile_only);
  return sum;
}

// All databases, one after the other, make one hash space, each in proportion to its keys. Returns the database at
// `*position` and changes that into a position within it; -1 if no key may be evicted.
int Evictor::PickDb(uint64_t* position) {
  LARDER_DCHECK(keys_ == CountKeys());
  if (keys_ == 0) return -1;
  uint128 at = static_cast<uint128>(*position) * keys_;  // the number of a key, with 64 bits after the binary point
  for (int db = 0;; ++db) {
    LARDER_DCHECK(db < tables_.databases());
    const size_t keys = tables_.keys(db, config_.volatile_only);
    if (keys == keys_) return db;  // it is the only one: `position` stays
    if (at >> 64 < keys) {
      *position = static_cast<uint64_t>(at / keys);
      return db;
    }
    at -= static_cast<uint128>(keys) << 64;
  }
}

// It does not take a random entry of a bucket: buckets have one to seven entries, and an entry with six beside it would
// go a seventh as often as one alone. That would spare some entries for long, whatever they are, and cost 0.1 to 1.1
// points of hit ratio.
bool Evictor::EvictRandom() {
  uint64_t position = random_.Next();
  const int db = PickDb(&position);
  Seen seen;
  if (db < 0 || !tables_.Random(db, config_.volatile_only, &seen)) return false;
  Take(db, seen.entry);
  return true;
}

bool Evictor::EvictSoonest() {
  Seen soonest;
  int64_t soonest_ms = INT64_MAX;
  int home = -1;
  for (int db = 0; db < tables_.databases(); ++db) {
    Seen seen;
    int64_t expiry_ms = 0;
    if (tables_.keys(db, true) == 0 || !tables_.Soonest(db, &seen, &expiry_ms)) continue;
    if (home >= 0 && expiry_ms >= soonest_ms) continue;
    soonest = seen;
    soonest_ms = expiry_ms;
    home = db;
  }
  if (home < 0) return false;
  Take(home, soonest.entry);
  return true;
}

// The entry with the lowest order goes first. While neither of two entries is used, their order stays the same.
uint64_t Evictor::OrderOf(const Seen& seen) const {
  const uint32_t access = seen.access;
  if (config_.order == EvictionOrder::kLru) return epochs_.Full(access, kStampBits);
  if (config_.order == EvictionOrder::kS3Fifo) return EpochOf(access);
  // Every decay-time minutes without a use lower the counter by 1, so counter * decay-time + the minute of the last use
  // compares counters at any time. Among equal counters the least recent use goes first: by minute, and within a minute
  // by phase. Minutes alone cost a point of hit ratio in a cache that turns over in less than a minute, and the phase
  // wins nearly all of it back.
  const uint64_t now = static_cast<uint64_t>(seconds_ / 60);
  const uint64_t used = now - ((now - (access >> 8)) & 0xffff);
  const uint64_t counter = access & 0xff;
  const uint64_t decay = config_.access.lfu_decay_minutes;
  const uint64_t phase = epochs_.phase() - ((epochs_.phase() - seen.phase) & 7);
  return (decay == 0 ? counter : counter * decay + used) << 32 | (used & 0xffff) << 16 | (phase & 0xffff);
}

// Offers the entries of a bucket to the pool. Returns how many it looked at, -1 if there are none anywhere.
int Evictor::VisitBucket() {
  uint64_t position = hand_ += kGoldenStep;
  const int db = PickDb(&position);
  if (db < 0) return -1;
  Seen seen[EvictionTables::kSeenMax];
  const int count = tables_.Sample(db, position, config_.volatile_only, seen);
  LARDER_DCHECK(count >= 0 && count <= EvictionTables::kSeenMax);
  visited_ += static_cast<uint64_t>(count);
  for (int i = 0; i < count; ++i) {
    if (seen[i].small && config_.order == EvictionOrder::kS3Fifo) {
      // The entry is in the small queue. If that was dropped, the entry belongs to main from now on.
      if (small_queue_.size() != 0 && EpochOf(seen[i].access) >= small_since_) continue;
      tables_.SetUse(seen[i].entry, seen[i].access, false);
    }
    const uint64_t order = OrderOf(seen[i]);
    if (!pool_.Wants(order)) continue;
    pool_.Add({order, tables_.Hash(db, seen[i].entry), seen[i].access, db});
  }
  return count;
}

void Evictor::Visit(int entries) {
  owed_ += entries;
  // An empty bucket counts as one entry, so that a nearly empty table cannot make this long.
  while (owed_ > 0) {
    const int count = VisitBucket();
    if (count < 0) owed_ = 0;
    owed_ -= std::max(count, 1);
  }
}

// The best of the pool that exists and was not used since it was sampled (s3fifo's counter may have changed).
bool Evictor::NextCandidate(EvictionPool::Candidate* candidate, Seen* seen) {
  const int visits = std::max(1, config_.samples);
  const uint32_t kept = config_.order == EvictionOrder::kS3Fifo ? ~FifoUse::kCounterMask : ~uint32_t{0};
  for (int round = 0; round < kRounds; ++round) {
    Visit(visits);
    while (!pool_.empty()) {
      *candidate = pool_.PopBest();
      if (!tables_.Find(candidate->db, candidate->hash, seen) || !MayGo(*seen)) continue;
      if (((seen->access ^ candidate->access) & kept) == 0) return true;
    }
  }
  return false;
}

bool Evictor::EvictByPool() {
  EvictionPool::Candidate candidate;
  Seen seen;
  if (!NextCandidate(&candidate, &seen)) return false;
  Take(candidate.db, seen.entry);
  return true;
}

Evictor::Start Evictor::Begin(int db, uint64_t hash, bool expiring) {
  LARDER_DCHECK(db >= 0 && db < tables_.databases());
  if (config_.order != EvictionOrder::kS3Fifo) {
    const auto now = static_cast<uint32_t>(config_.order == EvictionOrder::kLfu ? static_cast<uint64_t>(seconds_)
                                                                                : epochs_.now());
    return {Access::New(config_.access, now), false};
  }
  const uint32_t access = FifoUse::New(epochs_.now());
  if (config_.volatile_only && !expiring) return {access, false};
  if (ghost_.Take(hash)) return {access, false};
  // While the cache fills, keys for which small has no room go to main at once; none has to be evicted yet.
  if (!has_evicted_ && SmallIsFull()) return {access, false};
  TrimSmallQueue();
  return {access, small_queue_.Push(db, hash, epochs_.now())};
}

bool Evictor::QueueMoved(int db, uint64_t hash) {
  if (config_.order != EvictionOrder::kS3Fifo) return false;  // the mark is left from another policy
  TrimSmallQueue();
  return small_queue_.Push(db, hash, epochs_.now());
}

bool Evictor::SmallIsFull() const { return small_bytes_ >= config_.limit_bytes / 10; }

// Deleted keys leave words behind. When these are the greater part, two words leave for one that comes.
void Evictor::TrimSmallQueue() {
  if (small_queue_.size() <= 2 * small_keys_ + 1024) return;
  for (int i = 0; i < 2; ++i) {
    SmallQueue::Word word;
    Seen seen;
    if (!small_queue_.Pop(&word)) return;
    if (!tables_.Find(word.db, word.hash, &seen) || !seen.small) continue;
    if (!small_queue_.Push(word.db, word.hash, word.epoch_max)) tables_.SetUse(seen.entry, seen.access, false);
  }
}

Evictor::Found Evictor::EvictFifo() {
  if (SmallIsFull()) {
    const Found found = EvictSmall();
    if (found != Found::kNobody) return found;
  }
  return EvictMain() ? Found::kVictim : EvictSmall();
}

// It looks at a few words only: a queue whose keys are all used, or all gone, would make it long.
Evictor::Found Evictor::EvictSmall() {
  SmallQueue::Word word;
  for (int words = 0; words < kWords; ++words) {
    if (!small_queue_.Pop(&word)) return Found::kNobody;
    Seen seen;
    if (!tables_.Find(word.db, word.hash, &seen) || !seen.small) continue;
    if (EpochOf(seen.access) > word.epoch_max) continue;
    if (!MayGo(seen) || FifoUse::Counter(seen.access) > 1) {
      tables_.SetUse(seen.entry, FifoUse::New(epochs_.now()), false);
      continue;
    }
    ghost_.Fit(keys_ - std::min(keys_, small_keys_));
    ghost_.Add(word.hash);
    Take(word.db, seen.entry);
    return Found::kVictim;
  }
  return Found::kNotYet;
}

bool Evictor::EvictMain() {
  EvictionPool::Candidate candidate;
  Seen seen;
  for (int round = 0; round < kRounds; ++round) {
    if (!NextCandidate(&candidate, &seen)) return false;
    const uint32_t counter = FifoUse::Counter(seen.access);
    if (counter == 0) break;
    tables_.SetUse(seen.entry, FifoUse::New(epochs_.now()) | (counter - 1), false);
  }
  // After so many rounds the last candidate goes, used or not.
  Take(candidate.db, seen.entry);
  return true;
}

}  // namespace larder::inline v0::keyspace
