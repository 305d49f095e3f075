#include "lib/keyspace/keyspace.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "lib/keyspace/structure.h"

namespace larder::inline v0::keyspace {
namespace {

// What one step of expiry may do before others have their turn: 50 us of what cold entries cost on a slow machine.
constexpr size_t kExpireVisits = 256;
constexpr int kExpireDbs = 1024;

}  // namespace

Keyspace::Keyspace(const KeyspaceConfig& config, Clock& clock, memory::Heap::Ptr heap)
    : config_(config),
      hash_seed_(config.seed),
      clock_(clock),
      heap_(std::move(heap)),
      random_(base::DeriveSeed(config.seed, base::kKeyspacePicks)),
      tables_(*this),
      evictor_(tables_, &heap_->arena(), base::DeriveSeed(config.seed, base::kEvictionPicks)) {}

std::unique_ptr<Keyspace> Keyspace::Create(const KeyspaceConfig& config, Clock& clock) {
  memory::Heap::Ptr heap = memory::Heap::New(config.memory);
  if (heap == nullptr) return nullptr;
  LARDER_CHECK(config.databases > 0);
  base::AssertHolder();  // nobody else knows of it yet
  std::unique_ptr<Keyspace> keyspace(new (std::nothrow) Keyspace(config, clock, std::move(heap)));
  if (keyspace == nullptr) return nullptr;
  keyspace->dbs_ = static_cast<Db**>(std::calloc(static_cast<size_t>(config.databases), sizeof(Db*)));
  if (keyspace->dbs_ == nullptr) return nullptr;
  keyspace->set_access_clock_ms(clock.NowUs() / 1000);
  keyspace->Configure(config);
  keyspace->arena().SetOwner(&keyspace->arena_owner_);
  return keyspace;
}

Keyspace::~Keyspace() {
  if (dbs_ == nullptr) return;
  for (int i = 0; i < made_count_; ++i) delete made_[i];
  std::free(made_);
  std::free(dbs_);
  while (!garbage_.empty()) garbage_.FreeStep();
  arena().SetOwner(nullptr);  // it may outlive us
}

void Keyspace::Configure(const KeyspaceConfig& config) {
  const int databases = config_.databases;
  const uint64_t seed = config_.seed;
  config_ = config;
  config_.databases = databases;
  config_.seed = seed;
  config_.access.lfu = config_.eviction == EvictionOrder::kLfu;
  touch_is_stamp_ = config_.eviction != EvictionOrder::kLfu && config_.eviction != EvictionOrder::kS3Fifo;
  evictor_.Configure({.order = config_.eviction,
                      .volatile_only = config_.evict_volatile_only,
                      .samples = config_.eviction_samples,
                      .limit_bytes = config_.maxmemory,
                      .access = config_.access});
  limit_.Configure(config_.maxmemory, config_.eviction != EvictionOrder::kNone);
}

Db* Keyspace::db(int index) {
  if (index < 0 || index >= config_.databases) return nullptr;
  if (dbs_[index] != nullptr) return dbs_[index];
  Db* db = new (std::nothrow) Db(*this, index, made_count_);
  if (db == nullptr) return nullptr;
  if (!NoteMade(db)) {
    delete db;
    return nullptr;
  }
  if (index >= dbs_end_) dbs_end_ = index + 1;
  return dbs_[index] = db;
}

bool Keyspace::NoteMade(Db* db) {
  LARDER_DCHECK(made_count_ < config_.databases && db->made_index() == made_count_);
  if (made_count_ == made_room_) {
    const int room = made_room_ == 0 ? 4 : made_room_ <= config_.databases / 2 ? made_room_ * 2 : config_.databases;
    void* grown = std::realloc(made_, static_cast<size_t>(room) * sizeof(Db*));
    if (grown == nullptr) return false;
    made_ = static_cast<Db**>(grown);
    made_room_ = room;
  }
  made_[made_count_++] = db;
  return true;
}

void Keyspace::SwapDbs(int a, int b) {
  Db* first = db(a);
  Db* second = db(b);
  if (first == nullptr || second == nullptr) return;
  if (first == second) return effects_.AdjustDirty(1);
  // The Db objects stay where they are, since sessions and handles refer to them; their content changes places.
  first->table_.Swap(second->table_);
  std::swap(first->bytes_, second->bytes_);
  evictor_.DropSmallQueue();  // its words name databases
  effects_.Emit({.kind = Effect::Kind::kSwap, .event = "swapdb", .db = a, .other_db = b});
}

// Told first, so that listeners can still see which keys there are.
size_t Keyspace::FlushDb(Db& db) {
  effects_.Emit({.kind = Effect::Kind::kFlush, .event = "flushdb", .db = db.index()});
  const size_t had = db.Flush();
  effects_.AdjustDirty(static_cast<int64_t>(had) - 1);
  return had;
}

size_t Keyspace::FlushAll() {
  const Effects::Group group(effects_);
  size_t had = 0;
  for (int i = 0; i < made_count_; ++i) had += FlushDb(*made_[i]);
  return had;
}

size_t Keyspace::size() const {
  size_t sum = 0;
  for (int i = 0; i < made_count_; ++i) sum += made_[i]->size();
  return sum;
}

// ---- Ends -----------------------------------------------------------------------------------------------------------

size_t Keyspace::OutsideBytes(const Entry& entry) {
  switch (entry.storage()) {
    case Entry::Storage::kInteger:
    case Entry::Storage::kInline: break;
    case Entry::Storage::kBlock: return entry.block()->footprint();
    case Entry::Storage::kStructure: return entry.structure()->bytes;
  }
  return 0;
}

// Not by way of a grave: there may be no memory for one.
bool Keyspace::EndStep() {
  for (int i = 0; i < made_count_; ++i) {
    if (made_[i]->table_.empty()) continue;
    size_t freed = 0;
    (void)garbage_.FreeSome(made_[i]->table_, &freed);
    return true;
  }
  return garbage_.FreeStep();
}

// ---- Use and eviction -----------------------------------------------------------------------------------------------

void Keyspace::TouchByUse(Entry& entry) {
  const uint32_t data = entry.access_data();
  if (!config_.access.lfu) {
    EntryStamp(entry).set_access_data(FifoUse::Used(data));
    return;
  }
  const uint32_t used = Access::Used(config_.access, data, static_cast<uint32_t>(access_seconds_), random_);
  EntryStamp(entry).set_use(used, evictor_.epochs().phase());
}

int64_t Keyspace::IdleSeconds(const Entry& entry) const {
  const Epochs& epochs = evictor_.epochs();
  if (config_.eviction != EvictionOrder::kS3Fifo) return epochs.IdleSeconds(epochs.Full(entry.access_data(), 24));
  return epochs.IdleSeconds(epochs.Full(entry.access_data() >> FifoUse::kCounterBits, FifoUse::kEpochBits));
}

uint32_t Keyspace::Frequency(const Entry& entry) const {
  return Access::Frequency(config_.access, entry.access_data(), static_cast<uint32_t>(access_seconds_));
}

void Keyspace::StartHistory(Entry& entry, int db, uint64_t hash) {
  if (touch_is_stamp_) [[likely]] {
    EntryStamp(entry).set_access_data(stamp());
    return;
  }
  const Evictor::Start start = evictor_.Begin(db, hash, entry.has_expiry());
  EntryStamp(entry).set_use(start.access, evictor_.epochs().phase());
  EntryStamp(entry).set_mark(Entry::kInSmall, start.small);
  if (start.small) evictor_.SmallCame(BytesOf(entry));
}

void Keyspace::TakeHistory(Entry& made, const Entry& before) {
  LARDER_DCHECK(&made != &before && !made.marked(Entry::kInSmall));
  EntryStamp(made).set_use(before.access_data(), before.use_phase());
  if (!before.marked(Entry::kInSmall)) return;
  EntryStamp(made).set_mark(Entry::kInSmall, true);
  evictor_.SmallResized(BytesOf(before), BytesOf(made));
}

void Keyspace::MoveHistory(Entry& made, const Entry& from, int db, uint64_t hash) {
  LARDER_DCHECK(&made != &from && !made.marked(Entry::kInSmall));
  EntryStamp(made).set_use(from.access_data(), from.use_phase());
  if (!from.marked(Entry::kInSmall) || !evictor_.QueueMoved(db, hash)) return;
  EntryStamp(made).set_mark(Entry::kInSmall, true);
  evictor_.SmallCame(BytesOf(made));
}

void Keyspace::EndHistory(const Entry& entry) {
  if (entry.marked(Entry::kInSmall)) evictor_.SmallLeft(BytesOf(entry));
}

void Keyspace::SetUse(Entry& entry, uint32_t access, bool small) {
  if (entry.marked(Entry::kInSmall) && !small) evictor_.SmallLeft(BytesOf(entry));
  EntryStamp(entry).set_access_data(access);
  EntryStamp(entry).set_mark(Entry::kInSmall, small);
}

// ---- Expiry ---------------------------------------------------------------------------------------------------------

// Databases in turn, so that one whose keys are always due does not keep the others from theirs.
bool Keyspace::ExpireDue() {
  for (int looks = 0; looks < kExpireDbs; ++looks) {
    if (expire_idle_ >= made_count_) {
      expire_idle_ = 0;
      return false;
    }
    LARDER_DCHECK(expire_at_ < made_count_);
    Db& db = *made_[expire_at_];
    expire_at_ = expire_at_ + 1 == made_count_ ? 0 : expire_at_ + 1;
    if (db.expiring() != 0 && db.ExpireDue(kExpireVisits)) {
      expire_idle_ = 0;
      return true;
    }
    ++expire_idle_;
  }
  return true;
}

int64_t Keyspace::SoonestExpiryMs() {
  int64_t soonest = INT64_MAX;
  for (int i = 0; i < made_count_; ++i) {
    if (made_[i]->expiring() == 0) continue;
    if (made_[i]->SoonestExpiryMs() < soonest) soonest = made_[i]->SoonestExpiryMs();
  }
  soonest_known_ms_ = soonest;
  return soonest;
}

}  // namespace larder::inline v0::keyspace
