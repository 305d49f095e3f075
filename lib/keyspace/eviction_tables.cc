#include "lib/keyspace/eviction_tables.h"

#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::keyspace {

EvictionTables::Seen KeyspaceTables::SeenOf(Entry* entry) {
  return {.entry = entry,
          .access = entry->access_data(),
          .small = entry->marked(Entry::kInSmall),
          .phase = entry->use_phase(),
          .expiring = entry->has_expiry()};
}

int KeyspaceTables::databases() const { return keyspace_.made_dbs(); }

size_t KeyspaceTables::keys(int index, bool expiring) const {
  const Db* db = keyspace_.made_db(index);
  return expiring ? db->expiring() : db->size();
}

int KeyspaceTables::Sample(int index, uint64_t position, bool expiring, Seen seen[kSeenMax]) {
  Db& db = *keyspace_.made_db(index);
  Entry* entries[kSeenMax];
  int count = 0;
  const auto take = [&](Entry* entry) {
    if (count == kSeenMax || (expiring && !entry->has_expiry())) return;
    __builtin_prefetch(entry);
    entries[count++] = entry;
  };
  if (expiring) {
    db.table().SampleExpiring(keyspace_.random(), take);
  } else {
    db.table().SampleBucket(position, take);
  }
  for (int i = 0; i < count; ++i) seen[i] = SeenOf(entries[i]);
  return count;
}

bool KeyspaceTables::Random(int index, bool expiring, Seen* seen) {
  Db& db = *keyspace_.made_db(index);
  // If one entry in ten expires, so many draws fail once in 30 times. If fewer do, the index of expiring entries finds
  // one sooner. Both ways give each entry the same chance.
  const int draws = !expiring ? 1 : db.expiring() >= db.size() / 10 ? 32 : 0;
  Entry* entry = nullptr;
  for (int i = 0; i < draws; ++i) {
    entry = db.table().Random(keyspace_.random());
    if (entry == nullptr || !expiring || entry->has_expiry()) break;
    entry = nullptr;
  }
  if (entry == nullptr && expiring) entry = db.table().RandomExpiring(keyspace_.random());
  if (entry == nullptr) return false;
  *seen = SeenOf(entry);
  return true;
}

uint64_t KeyspaceTables::Hash(int index, const void* entry) const {
  return keyspace_.made_db(index)->Hash(static_cast<const Entry*>(entry)->key());
}

bool KeyspaceTables::Find(int index, uint64_t hash, Seen* seen) {
  Entry* entry = keyspace_.made_db(index)->table().FindPosition(hash);
  if (entry == nullptr) return false;
  *seen = SeenOf(entry);
  return true;
}

bool KeyspaceTables::Soonest(int index, Seen* seen, int64_t* expiry_ms) {
  Entry* entry = keyspace_.made_db(index)->table().Soonest();
  if (entry == nullptr) return false;
  *seen = SeenOf(entry);
  *expiry_ms = entry->expiry_ms();
  return true;
}

void KeyspaceTables::SetUse(void* entry, uint32_t access, bool small) {
  keyspace_.SetUse(*static_cast<Entry*>(entry), access, small);
}

size_t KeyspaceTables::Evict(int index, void* entry) {
  Entry* victim = static_cast<Entry*>(entry);
  const size_t bytes = Keyspace::BytesOf(*victim);
  keyspace_.CountEvicted();
  keyspace_.effects().AdjustDirty(-1);
  const Bytes command[] = {"DEL", victim->key()};
  keyspace_.made_db(index)->Delete(victim, {EventClass::kEvicted, "evicted", command});
  return bytes;
}

bool KeyspaceTables::Fits() const { return keyspace_.limit().Fits(); }

}  // namespace larder::inline v0::keyspace
