#include "lib/keyspace/keyspace.h"

#include <cstdlib>
#include <new>
#include <utility>

namespace larder::inline v0::keyspace {

std::unique_ptr<Keyspace> Keyspace::Create(const KeyspaceConfig& config, Clock& clock) {
  std::unique_ptr<Keyspace> keyspace(new (std::nothrow) Keyspace(config, clock));
  if (keyspace == nullptr) return nullptr;
  keyspace->blocks_.reset(new (std::nothrow) memory::BlockSource());
  if (keyspace->blocks_ == nullptr) return nullptr;
  keyspace->dbs_ = static_cast<Db**>(std::calloc(static_cast<size_t>(config.databases), sizeof(Db*)));
  if (keyspace->dbs_ == nullptr) return nullptr;
  keyspace->set_access_clock_ms(clock.NowUs() / 1000);
  return keyspace;
}

Keyspace::~Keyspace() {
  if (dbs_ == nullptr) return;
  for (int i = 0; i < config_.databases; ++i) delete dbs_[i];
  std::free(dbs_);
  if (blocks_->blocks() != 0) (void)blocks_.release();
}

Db* Keyspace::db(int index) {
  if (index < 0 || index >= config_.databases) return nullptr;
  if (dbs_[index] == nullptr) dbs_[index] = new (std::nothrow) Db(*this, index);
  return dbs_[index];
}

void Keyspace::SwapDbs(int a, int b) {
  Db* first = db(a);
  Db* second = db(b);
  if (first == nullptr || second == nullptr || first == second) return;
  // The Db objects stay where they are, since sessions and handles refer to them; their content changes places.
  first->table_.Swap(second->table_);
  first->expiries_.Swap(second->expiries_);
  effects_.Emit({.kind = Effect::Kind::kSwap, .event = "swapdb", .db = a, .other_db = b});
}

// Told first, so that listeners can still see which keys there are.
size_t Keyspace::FlushDb(Db& db) {
  effects_.Emit({.kind = Effect::Kind::kFlush, .event = "flushdb", .db = db.index()});
  return db.Flush();
}

size_t Keyspace::FlushAll() {
  size_t had = 0;
  for (int i = 0; i < config_.databases; ++i) {
    if (dbs_[i] != nullptr) had += FlushDb(*dbs_[i]);
  }
  return had;
}

size_t Keyspace::size() const {
  size_t sum = 0;
  for (int i = 0; i < config_.databases; ++i) {
    if (dbs_[i] != nullptr) sum += dbs_[i]->size();
  }
  return sum;
}

bool Keyspace::MakeRoom() {
  if (config_.maxmemory == 0) return true;
  while (used_memory() > config_.maxmemory) {
    if (!EvictOne()) return false;
  }
  return true;
}

// The key of `db` that the policy would give up first, or nullptr if it may take none.
Entry* Keyspace::Candidate(Db& db) {
  switch (config_.policy) {
    case EvictionPolicy::kNone: return nullptr;
    case EvictionPolicy::kAllRandom: return db.RandomForEviction();
    case EvictionPolicy::kVolatileRandom: return db.RandomVolatile();
    case EvictionPolicy::kVolatileTtl: return db.SoonestVolatile();
    case EvictionPolicy::kAllByUse:
    case EvictionPolicy::kVolatileByUse: break;
  }
  Entry* best = nullptr;
  uint32_t best_score = 0;
  for (int i = 0; i < config_.eviction_samples; ++i) {
    Entry* entry = config_.policy == EvictionPolicy::kAllByUse ? db.RandomForEviction() : db.RandomVolatile();
    if (entry == nullptr) return nullptr;
    const uint32_t score = Access::Score(config_.access, entry->access_data(), access_seconds_);
    if (best != nullptr && score <= best_score) continue;
    best = entry;
    best_score = score;
  }
  return best;
}

// Takes the databases in turn from a random one on, so that each is drawn from; the soonest expiry is looked for in all.
bool Keyspace::EvictOne() {
  if (config_.policy == EvictionPolicy::kNone) return false;
  const int start = static_cast<int>(random_.Below(static_cast<uint64_t>(config_.databases)));
  Entry* victim = nullptr;
  Db* home = nullptr;
  for (int i = 0; i < config_.databases; ++i) {
    Db* db = dbs_[(start + i) % config_.databases];
    if (db == nullptr || db->size() == 0) continue;
    Entry* candidate = Candidate(*db);
    if (candidate == nullptr) continue;
    if (victim == nullptr || candidate->expiry_ms() < victim->expiry_ms()) {
      victim = candidate;
      home = db;
    }
    if (config_.policy != EvictionPolicy::kVolatileTtl) break;
  }
  if (victim == nullptr) return false;
  ++stats_.evicted;
  const Bytes command[] = {"DEL", victim->key()};
  home->Delete(victim, {EventClass::kEvicted, "evicted", command});
  return true;
}

size_t Keyspace::ExpireDue(size_t max) {
  size_t deleted = 0;
  for (int i = 0; i < config_.databases && deleted < max; ++i) {
    if (dbs_[i] != nullptr && dbs_[i]->expiring() != 0) deleted += dbs_[i]->ExpireDue(max - deleted);
  }
  return deleted;
}

int64_t Keyspace::SoonestExpiryMs() {
  int64_t soonest = INT64_MAX;
  for (int i = 0; i < config_.databases; ++i) {
    Entry* entry = dbs_[i] == nullptr ? nullptr : dbs_[i]->expiries_.soonest();
    if (entry != nullptr && entry->expiry_ms() < soonest) soonest = entry->expiry_ms();
  }
  soonest_hint_ms_ = soonest;
  return soonest;
}

}  // namespace larder::inline v0::keyspace
