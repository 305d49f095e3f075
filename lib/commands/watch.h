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

#include "lib/base/bytes.h"
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
  bool was_expired = false;              // it had expired already when WATCH came: going away is no change
};

struct WatchedKey {
  WatchedKey* next = nullptr;
  Watch* watches = nullptr;
  int db = 0;
  uint32_t key_size = 0;
  Bytes key() const { return {reinterpret_cast<const char*>(this + 1), key_size}; }
};

class WatchTable final : public keyspace::EffectListener {
 public:
  WatchTable() = default;
  ~WatchTable();
  void Init(keyspace::Keyspace* keyspace);

  // False when there is no memory. A key that the transaction watches already is not added again.
  bool Add(Transaction* transaction, keyspace::Db& db, Bytes key);
  // Ends everything that the transaction watches.
  void RemoveAll(Transaction* transaction);

  // Whether a key has expired since it was watched (expiry alone emits nothing until somebody looks).
  bool AnyExpired(const Transaction& transaction);

  size_t keys() const { return keys_; }

  void OnEffect(const keyspace::Effect& effect) override;

 private:
  WatchedKey** BucketOf(int db, Bytes key);
  WatchedKey* Find(int db, Bytes key);
  bool Grow();
  void MarkDirty(WatchedKey& key);

  keyspace::Keyspace* keyspace_ = nullptr;
  WatchedKey** buckets_ = nullptr;
  size_t bucket_count_ = 0;
  size_t keys_ = 0;
};

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_WATCH_H_
