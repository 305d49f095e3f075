#include "tests/bench/eviction/sampled.h"

#include <larder/memory.h>

#include <memory>
#include <unordered_map>

namespace larder::bench::eviction {
namespace {

using keyspace::Access;
using keyspace::EvictionOrder;
using keyspace::EvictionTables;
using keyspace::Evictor;
using keyspace::FifoUse;

constexpr size_t kPlaces = 7;

class Sampled final : public Policy, public EvictionTables {
 public:
  Sampled(EvictionOrder order, size_t keys, uint64_t capacity, uint64_t seed, int samples, SampledStats* stats)
      : order_(order), capacity_(capacity), entries_(keys), buckets_(16), random_(seed), stats_(stats),
        evictor_(*this, &arena_, seed) {
    for (Entry& entry : entries_) entry.hash = random_.Next();
    access_.lfu = order == EvictionOrder::kLfu;
    evictor_.Configure({order, false, samples, capacity, access_});
  }

  ~Sampled() override {
    if (stats_ == nullptr) return;
    stats_->evicted += evictor_.evicted();
    stats_->visited += evictor_.visited();
  }

  bool Get(const Request& request) override {
    evictor_.SetSeconds(request.now_ms / 1000);
    Entry& entry = entries_[request.key];
    entry.phase = evictor_.epochs().phase() & 7;
    if (entry.bytes != 0) {
      Use(entry, request.now_ms / 1000);
      return true;
    }
    // As a SET does: room is made by the next command, so the limit is passed by one key.
    LARDER_CHECK(evictor_.Evict(0) == Evictor::Outcome::kFits);
    const Evictor::Start start = evictor_.Begin(0, entry.hash, false);
    entry.bytes = request.bytes;
    entry.access = start.access;
    entry.small = start.small;
    if (entry.small) evictor_.SmallCame(entry.bytes);
    used_ += entry.bytes;
    Insert(entry);
    return false;
  }

  uint64_t used() const override { return used_; }

  int databases() const override { return 1; }
  size_t keys(int, bool) const override { return size_; }

  int Sample(int, uint64_t position, bool, Seen seen[kSeenMax]) override {
    int count = 0;
    for (Entry* entry : buckets_[Home(position)].places) {
      if (entry != nullptr) seen[count++] = SeenOf(*entry);
    }
    return count;
  }

  uint64_t Hash(int, const void* entry) const override { return static_cast<const Entry*>(entry)->hash; }

  bool Find(int, uint64_t hash, Seen* seen) override {
    const auto found = by_position_.find(hash >> 16);
    if (found == by_position_.end()) return false;
    *seen = SeenOf(*found->second);
    return true;
  }

  bool Soonest(int, Seen*, int64_t*) override { return false; }

  void SetUse(void* to, uint32_t access, bool small) override {
    Entry& entry = *static_cast<Entry*>(to);
    if (entry.small && !small) evictor_.SmallLeft(entry.bytes);
    entry.access = access;
    entry.small = small;
  }

  void Evict(int, void* from) override {
    Entry& entry = *static_cast<Entry*>(from);
    if (entry.small) evictor_.SmallLeft(entry.bytes);
    used_ -= entry.bytes;
    entry.bytes = 0;
    entry.small = false;
    --size_;
    by_position_.erase(entry.hash >> 16);
    *entry.place = nullptr;
  }

  bool Fits() const override { return used_ <= capacity_; }

 private:
  struct Entry {
    uint64_t hash = 0;
    uint32_t bytes = 0;  // 0: not there
    uint32_t access = 0;
    bool small = false;
    uint8_t phase = 0;
    Entry** place = nullptr;
  };
  struct Bucket {
    Entry* places[kPlaces] = {};
  };

  static Seen SeenOf(Entry& entry) { return {&entry, entry.access, entry.small, entry.phase, false}; }

  size_t Home(uint64_t position) const {
    return static_cast<size_t>((position >> 32) * buckets_.size() >> 32);
  }

  void Use(Entry& entry, int64_t seconds) {
    if (order_ == EvictionOrder::kS3Fifo) {
      entry.access = FifoUse::Used(entry.access);
    } else {
      const auto now = order_ == EvictionOrder::kLfu ? static_cast<uint64_t>(seconds) : evictor_.epochs().now();
      entry.access = Access::Used(access_, entry.access, static_cast<uint32_t>(now), random_);
    }
  }

  void Insert(Entry& entry) {
    if (size_ * 7 >= buckets_.size() * kPlaces * 6) Grow();
    ++size_;
    by_position_[entry.hash >> 16] = &entry;
    Place(entry);
  }

  void Place(Entry& entry) {
    for (size_t at = Home(entry.hash);; at = (at + 1) % buckets_.size()) {
      for (Entry*& place : buckets_[at].places) {
        if (place != nullptr) continue;
        place = &entry;
        entry.place = &place;
        return;
      }
    }
  }

  void Grow() {
    buckets_.assign(buckets_.size() + buckets_.size() / 8, Bucket{});
    for (Entry& entry : entries_) {
      if (entry.bytes != 0 && by_position_.count(entry.hash >> 16) != 0) Place(entry);
    }
  }

  EvictionOrder order_;
  uint64_t capacity_;
  uint64_t used_ = 0;
  size_t size_ = 0;
  std::vector<Entry> entries_;  // by key
  std::vector<Bucket> buckets_;
  std::unordered_map<uint64_t, Entry*> by_position_;
  base::Random random_;
  keyspace::AccessConfig access_;
  SampledStats* stats_;
  const std::shared_ptr<MemorySource> memory_source = SystemMemory();
  memory::Arena arena_{*memory_source};
  Evictor evictor_;
};

}  // namespace

std::unique_ptr<Policy> MakeSampled(EvictionOrder order, size_t keys, uint64_t capacity, uint64_t seed, int samples,
                                    SampledStats* stats) {
  return std::make_unique<Sampled>(order, keys, capacity, seed, samples, stats);
}

}  // namespace larder::bench::eviction
