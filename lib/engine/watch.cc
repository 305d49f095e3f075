#include "lib/engine/watch.h"

#include <new>
#include <utility>

#include "lib/engine/key_id.h"
#include "lib/engine/multi_state.h"

namespace larder::inline v0::engine {
namespace {

using Presence = keyspace::Db::Presence;

}  // namespace

WatchTable::WatchTable(keyspace::Keyspace& keyspace)
    : keyspace_(keyspace),
      keys_(KeyPolicy{keyspace.hash_seed()}, &keyspace.arena()),
      pairs_(PairPolicy{keyspace.hash_seed()}, &keyspace.arena()) {}

WatchTable::~WatchTable() {
  LARDER_DCHECK(keys_.empty() && pairs_.empty() && bytes() == 0);
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

// ---- Keys and watches -----------------------------------------------------------------------------------------------

// nullptr when there is no memory.
WatchedKey* WatchTable::MakeKey(Bytes id, uint64_t hash) {
  memory::Arena& arena = keyspace_.arena();
  void* const memory = arena.Allocate(sizeof(WatchedKey) + id.size());
  if (memory == nullptr) return nullptr;
  WatchedKey* const key = new (memory) WatchedKey();
  key->id_size = id.size();
  std::memcpy(static_cast<void*>(key + 1), id.data(), id.size());
  if (!keys_.Insert(key, hash)) {
    arena.Free(key, key->footprint());
    return nullptr;
  }
  WatchedKey*& first = FirstOf(key->db());
  key->next_in_db = first;
  if (first != nullptr) first->previous_in_db = key;
  first = key;
  return key;
}

// REQUIRES: nobody watches it.
void WatchTable::ForgetKey(WatchedKey* key) {
  LARDER_DCHECK(key->watches == nullptr);
  keys_.Remove(key->id(), keys_.policy().Hash(key));
  (key->previous_in_db != nullptr ? key->previous_in_db->next_in_db : FirstOf(key->db())) = key->next_in_db;
  if (key->next_in_db != nullptr) key->next_in_db->previous_in_db = key->previous_in_db;
  keyspace_.arena().Free(key, key->footprint());
}

bool WatchTable::Add(MultiState* transaction, keyspace::Db& db, Bytes key) {
  if (by_db_ == nullptr) {
    by_db_.reset(new (std::nothrow) WatchedKey*[static_cast<size_t>(keyspace_.config().databases)]());
    if (by_db_ == nullptr) return false;
  }
  const KeyId id(db.index(), key);
  if (!id.ok()) return false;
  const uint64_t hash = keys_.policy().HashOf(id.bytes());
  WatchedKey* watched = keys_.Find(id.bytes(), hash);
  if (watched != nullptr) {
    const Pair pair{watched, transaction};
    if (pairs_.Find(pair.bytes(), pairs_.policy().HashOf(pair)) != nullptr) return true;
  } else {
    watched = MakeKey(id.bytes(), hash);
    if (watched == nullptr) return false;
  }
  void* const memory = keyspace_.arena().Allocate(sizeof(Watch));
  if (memory != nullptr) {
    Watch* const watch = new (memory) Watch();
    watch->transaction = transaction;
    watch->key = watched;
    watch->stale = db.Look(key) == Presence::kExpired;
    if (pairs_.Insert(watch, pairs_.policy().Hash(watch))) {
      Link(watch);
      Listen(true);
      return true;
    }
    keyspace_.arena().Free(watch, sizeof(Watch));
  }
  if (watched->watches == nullptr) ForgetKey(watched);
  return false;
}

// Behind the first of the key's, who goes on counting the key as its own.
void WatchTable::Link(Watch* watch) {
  WatchedKey* const key = watch->key;
  MultiState* const transaction = watch->transaction;
  size_t bytes = sizeof(Watch);
  if (Watch* const first = key->watches; first != nullptr) {
    watch->previous_in_key = first;
    watch->next_in_key = first->next_in_key;
    if (first->next_in_key != nullptr) first->next_in_key->previous_in_key = watch;
    first->next_in_key = watch;
  } else {
    key->watches = watch;
    bytes += key->footprint();
  }
  watch->next_in_transaction = transaction->watches;
  if (transaction->watches != nullptr) transaction->watches->previous_in_transaction = watch;
  transaction->watches = watch;
  transaction->watch_bytes += bytes;
  ++transaction->watch_count;
  Count(bytes);
}

void WatchTable::Remove(Watch* watch) {
  ++steps_;
  WatchedKey* const key = watch->key;
  MultiState* const transaction = watch->transaction;
  const Pair pair{key, transaction};
  pairs_.Remove(pair.bytes(), pairs_.policy().HashOf(pair));
  size_t bytes = sizeof(Watch);
  if (watch->previous_in_key != nullptr) {
    watch->previous_in_key->next_in_key = watch->next_in_key;
  } else {  // the key is the next one's to count
    key->watches = watch->next_in_key;
    bytes += key->footprint();
    if (key->watches != nullptr) {
      key->watches->transaction->watch_bytes += key->footprint();
      Count(key->footprint());
    }
  }
  if (watch->next_in_key != nullptr) watch->next_in_key->previous_in_key = watch->previous_in_key;
  (watch->previous_in_transaction != nullptr ? watch->previous_in_transaction->next_in_transaction
                                             : transaction->watches) = watch->next_in_transaction;
  if (watch->next_in_transaction != nullptr) {
    watch->next_in_transaction->previous_in_transaction = watch->previous_in_transaction;
  }
  transaction->watch_bytes -= bytes;
  --transaction->watch_count;
  Count(-bytes);
  keyspace_.arena().Free(watch, sizeof(Watch));
  if (key->watches == nullptr) ForgetKey(key);
}

bool WatchTable::RemoveSome(MultiState* transaction, size_t max) {
  for (; transaction->watches != nullptr && max != 0; --max) Remove(transaction->watches);
  if (keys_.empty()) Listen(false);
  return transaction->watches == nullptr;
}

void WatchTable::TouchAll(MultiState& transaction) {
  for (const Watch* watch = transaction.watches; watch != nullptr; watch = watch->next_in_transaction) {
    ++steps_;
    keyspace::Db* const db = keyspace_.db_if_made(watch->key->db());
    if (watch->stale || db == nullptr || db->Look(watch->key->key()) != Presence::kExpired) continue;
    transaction.changed = true;
    return;
  }
}

// ---- Changes --------------------------------------------------------------------------------------------------------

template <class Changed>
void WatchTable::Mark(WatchedKey* key, Changed&& changed) {
  for (Watch* watch = key->watches; watch != nullptr;) {
    Watch* const next = watch->next_in_key;
    if (changed(*watch)) {
      watch->transaction->changed = true;
      Remove(watch);  // the last one takes the key along
    }
    watch = next;
  }
}

template <class Changed>
void WatchTable::MarkDb(int db, Changed&& changed) {
  for (WatchedKey* key = FirstOf(db); key != nullptr;) {
    ++steps_;
    WatchedKey* const next = key->next_in_db;
    Mark(key, changed);
    key = next;
  }
}

// Told before the keys go.
void WatchTable::MarkFlushed(int db) {
  keyspace::Db* const home = keyspace_.db_if_made(db);
  MarkDb(db, [&](Watch& watch) LARDER_REQUIRES_HOLDER {
    if (home == nullptr || home->Look(watch.key->key()) == Presence::kMissing) return false;
    return !std::exchange(watch.stale, false);
  });
}

// Told after the databases have changed places: what a watch of `db` meant is in `other` now.
void WatchTable::MarkSwapped(int db, int other) {
  const auto look = [&](int index, Bytes key) LARDER_REQUIRES_HOLDER {
    keyspace::Db* const home = keyspace_.db_if_made(index);
    return home == nullptr ? Presence::kMissing : home->Look(key);
  };
  MarkDb(db, [&](Watch& watch) LARDER_REQUIRES_HOLDER {
    const Bytes key = watch.key->key();
    const Presence now = look(db, key);
    if (now == Presence::kThere || (look(other, key) != Presence::kMissing && !watch.stale)) return true;
    watch.stale = now == Presence::kExpired;
    return false;
  });
}

void WatchTable::OnEffect(const keyspace::Effect& effect) {
  using Kind = keyspace::Effect::Kind;
  if (effect.kind == Kind::kKey && !effect.watched) return;
  if (effect.kind == Kind::kKey) {
    const KeyId id(effect.db, effect.key);
    if (id.ok()) {
      WatchedKey* const watched = keys_.Find(id.bytes(), keys_.policy().HashOf(id.bytes()));
      const bool expired = effect.event_class == keyspace::EventClass::kExpired;
      if (watched != nullptr)
        Mark(watched, [&](Watch& watch) { return !expired || !std::exchange(watch.stale, false); });
    } else {  // short of memory: better one EXEC too many refused than one too many run
      MarkDb(effect.db, [](Watch&) { return true; });
    }
  } else if (effect.kind == Kind::kFlush) {
    MarkFlushed(effect.db);
  } else if (effect.kind == Kind::kSwap) {
    MarkSwapped(effect.db, effect.other_db);
    MarkSwapped(effect.other_db, effect.db);
  }
  if (keys_.empty()) Listen(false);
}

}  // namespace larder::inline v0::engine
