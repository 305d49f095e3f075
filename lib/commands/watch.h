// WatchTable: which transactions watch which keys; the first listener to effects.
//
// WATCH registers a key; an effect on it marks every transaction that watches it as dirty, and its EXEC replies nil.
// While nothing is watched the table does not listen at all, so writes pay nothing.
//
// Threads: the executor's holder.
#ifndef LARDER_COMMANDS_WATCH_H_
#define LARDER_COMMANDS_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/base/bytes.h"
#include "lib/base/hash.h"
#include "lib/ds/hash_table.h"
#include "lib/keyspace/effects.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::commands {

class Transaction;

// One key that one transaction watches.
struct Watch {
  Watch* next_in_key = nullptr;          // others that watch the same key
  Watch* next_in_transaction = nullptr;
  Transaction* transaction = nullptr;
  struct WatchedKey* key = nullptr;
};

// Found by its id: the database's number, 4 bytes, and the key. The id follows the object in memory.
struct WatchedKey {
  Watch* watches = nullptr;
  size_t id_size = 0;
  Bytes id() const { return {reinterpret_cast<const char*>(this + 1), id_size}; }
  Bytes key() const { return id().substr(sizeof(int32_t)); }
  int db() const {
    int32_t db;
    std::memcpy(&db, this + 1, sizeof(db));
    return db;
  }
};

class WatchTable final : public keyspace::EffectListener {
 public:
  explicit WatchTable(keyspace::Keyspace& keyspace);
  ~WatchTable();  // REQUIRES: nothing is watched.

  // False when there is no memory. A key that the transaction watches already is not added again.
  bool Add(Transaction* transaction, keyspace::Db& db, Bytes key);
  // Ends everything that the transaction watches.
  void RemoveAll(Transaction* transaction);

  // Looks at every key that the transaction watches, so that one that has expired since is deleted and marks it.
  void TouchAll(const Transaction& transaction);

  size_t keys() const { return table_.size(); }
  // By which it finds a watched key; see WatchedKey::id.
  uint64_t HashOf(Bytes id) const { return table_.policy().HashOf(id); }

  void OnEffect(const keyspace::Effect& effect) override;

 private:
  struct Policy {
    using Element = WatchedKey*;
    static constexpr bool kExpires = false;
    base::HashSeed seed;
    uint64_t Hash(const WatchedKey* key) const { return HashOf(key->id()); }
    uint64_t HashOf(Bytes id) const { return base::HashBytes(id, seed); }
    static bool Matches(const WatchedKey* key, Bytes id) { return key->id() == id; }
  };

  void MarkDirty(WatchedKey& key);
  void Listen(bool on);

  keyspace::Keyspace& keyspace_;
  ds::HashTable<Policy> table_;
  bool listening_ = false;
};

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_WATCH_H_
