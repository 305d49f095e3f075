#include "lib/commands/watch.h"

#include <new>

#include "lib/base/buffer.h"
#include "lib/commands/transaction.h"

namespace larder::inline v0::commands {
namespace {

// A watched key's id, composed where it stands. Keys of up to some hundred bytes take no allocation.
class Id {
 public:
  Id(int db, Bytes key) {
    const int32_t number = db;
    size_ = sizeof(number) + key.size();
    char* to = room_;
    if (size_ > sizeof(room_)) to = large_.Extend(size_);
    if (to == nullptr) return;
    std::memcpy(to, &number, sizeof(number));
    base::CopyBytes(to + sizeof(number), key);
    data_ = to;
  }
  bool ok() const { return data_ != nullptr; }
  Bytes bytes() const { return {data_, size_}; }

 private:
  char room_[512];
  base::Buffer large_;
  size_t size_;
  const char* data_ = nullptr;
};

}  // namespace

WatchTable::WatchTable(keyspace::Keyspace& keyspace) : keyspace_(keyspace), table_(Policy{keyspace.hash_seed()}, &keyspace.arena()) {}

WatchTable::~WatchTable() {
  LARDER_DCHECK(table_.empty());
  Listen(false);
}

void WatchTable::Listen(bool on) {
  if (on == listening_) return;
  listening_ = on;
  if (on) {
    keyspace_.effects().Add(this, keyspace::Effects::kEvents);
  } else {
    keyspace_.effects().Remove(this);
  }
}

bool WatchTable::Add(Transaction* transaction, keyspace::Db& db, Bytes key) {
  db.Find(key, keyspace::Lookup::kPeek);  // a key that has expired goes now, so that its going is no change later
  const Id id(db.index(), key);
  if (!id.ok()) return false;
  const uint64_t hash = HashOf(id.bytes());
  WatchedKey* watched = table_.Find(id.bytes(), hash);
  if (watched != nullptr) {
    for (Watch* watch = watched->watches; watch != nullptr; watch = watch->next_in_key) {
      if (watch->transaction == transaction) return true;
    }
  }
  memory::Arena& arena = keyspace_.arena();
  void* watch_memory = arena.Allocate(sizeof(Watch));
  if (watch_memory == nullptr) return false;
  if (watched == nullptr) {
    void* key_memory = arena.Allocate(sizeof(WatchedKey) + id.bytes().size());
    if (key_memory != nullptr) {
      watched = new (key_memory) WatchedKey();
      watched->id_size = id.bytes().size();
      std::memcpy(static_cast<void*>(watched + 1), id.bytes().data(), id.bytes().size());
    }
    if (watched == nullptr || !table_.Insert(watched, hash)) {
      if (watched != nullptr) arena.Free(watched, sizeof(WatchedKey) + watched->id_size);
      arena.Free(watch_memory, sizeof(Watch));
      return false;
    }
  }
  Watch* watch = new (watch_memory) Watch();
  watch->transaction = transaction;
  watch->key = watched;
  watch->next_in_key = watched->watches;
  watched->watches = watch;
  watch->next_in_transaction = transaction->watches;
  transaction->watches = watch;
  Listen(true);
  return true;
}

void WatchTable::RemoveAll(Transaction* transaction) {
  memory::Arena& arena = keyspace_.arena();
  while (Watch* watch = transaction->watches) {
    transaction->watches = watch->next_in_transaction;
    WatchedKey* watched = watch->key;
    Watch** link = &watched->watches;
    while (*link != watch) link = &(*link)->next_in_key;
    *link = watch->next_in_key;
    arena.Free(watch, sizeof(Watch));
    if (watched->watches != nullptr) continue;
    table_.Remove(watched->id(), HashOf(watched->id()));
    arena.Free(watched, sizeof(WatchedKey) + watched->id_size);
  }
  if (table_.empty()) Listen(false);
}

void WatchTable::TouchAll(const Transaction& transaction) {
  for (Watch* watch = transaction.watches; watch != nullptr; watch = watch->next_in_transaction) {
    keyspace::Db* db = keyspace_.db_if_made(watch->key->db());
    if (db != nullptr) db->Find(watch->key->key(), keyspace::Lookup::kPeek);
  }
}

void WatchTable::MarkDirty(WatchedKey& key) {
  for (Watch* watch = key.watches; watch != nullptr; watch = watch->next_in_key) watch->transaction->changed = true;
}

void WatchTable::OnEffect(const keyspace::Effect& effect) {
  using Kind = keyspace::Effect::Kind;
  if (effect.kind == Kind::kKey) {
    const Id id(effect.db, effect.key);
    if (!id.ok()) {  // short of memory: better one EXEC too many refused than one too many run
      table_.ForEach([&](WatchedKey* key) { MarkDirty(*key); });
      return;
    }
    WatchedKey* watched = table_.Find(id.bytes(), HashOf(id.bytes()));
    if (watched != nullptr) MarkDirty(*watched);
    return;
  }
  // A flush is told before the keys go, a swap after; either way a key that exists on one side has changed.
  auto has = [&](int db, Bytes key) {
    keyspace::Db* home = keyspace_.db_if_made(db);
    return home != nullptr && home->Contains(key);
  };
  table_.ForEach([&](WatchedKey* watched) {
    const int db = watched->db();
    const bool concerned = db == effect.db || (effect.kind == Kind::kSwap && db == effect.other_db);
    if (!concerned) return;
    if (has(effect.db, watched->key()) || (effect.kind == Kind::kSwap && has(effect.other_db, watched->key()))) {
      MarkDirty(*watched);
    }
  });
}

}  // namespace larder::inline v0::commands
