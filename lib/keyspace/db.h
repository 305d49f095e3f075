// Db: one numbered database: keys, what they hold, when they end.
//
// Everything that changes a key goes through here, and emits the Effect that the caller describes with a Change, once,
// after the change and before the old entry is freed. So an op never emits, and never forgets to.
//
// A key whose expiry has come reads as missing; finding one deletes it first, with its own "expired" effect.
//
// Entries may move: any call that takes an Entry* and returns one has made the old pointer invalid. A call that returns
// an error has changed nothing.
//
// Threads: the executor's holder. No allocation here throws; the ones that fail come back as kAllocationFailed.
#ifndef LARDER_KEYSPACE_DB_H_
#define LARDER_KEYSPACE_DB_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/ds/hash_table.h"
#include "lib/keyspace/effects.h"
#include "lib/keyspace/entry.h"
#include "lib/keyspace/expiry.h"
#include "lib/memory/block.h"

namespace larder::inline v0::keyspace {

class Keyspace;

// What a lookup is for.
enum class Lookup : uint8_t {
  kRead,   // marks the key as used; counts in keyspace_hits or keyspace_misses
  kWrite,  // marks the key as used
  kInspect,  // counts as a read does, but leaves the key as idle as it was: TYPE, TTL, OBJECT, EXISTS
  kPeek,   // neither
};

// What a change is called for those who listen.
struct Change {
  EventClass event_class = EventClass::kGeneric;
  Bytes event = {};                     // empty: the op emits its own effect, or the change is not one
  std::span<const Bytes> command = {};  // composed only if effects().wants(Effects::kCommands)
};

// What a string is to become. Refers to bytes; owns nothing but what `block` is told to give.
struct StringSource {
  Entry::Storage storage;
  Encoding encoding;
  int64_t integer = 0;                 // kInteger
  Bytes bytes;                         // otherwise
  memory::BlockRef* block = nullptr;   // kBlock, optional: a block that holds exactly `bytes`, taken over on success

  // As SET stores text: an integer's exact text as an integer, short text as "embstr", the rest "raw".
  static StringSource Of(Bytes bytes);
  static StringSource Of(int64_t integer) { return {Entry::Storage::kInteger, Encoding::kInt, integer, {}, nullptr}; }
  // The same as Of(block->view()), which takes the block over instead of copying if it is large.
  static StringSource Of(memory::BlockRef* block);
  // Text as it is, never an integer.
  static StringSource Text(Bytes bytes);
};

class Db {
 public:
  Db(Keyspace& keyspace, int index);
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;
  ~Db();

  Keyspace& keyspace() { return keyspace_; }
  int index() const { return index_; }

  Entry* Find(Bytes key, Lookup how);
  // Whether an entry is there, expired or not; changes nothing.
  bool Contains(Bytes key) const { return table_.Find(key, Hash(key)) != nullptr; }

  // Makes `key` hold a string. `existing` is what Find gave for it just now, or nullptr. `expiry_ms` is the key's new
  // expiry (kNoExpiry: none; pass existing->expiry_ms() to keep it). `key` may not point into `existing`.
  Result<Entry*> PutString(Bytes key, Entry* existing, const StringSource& value, int64_t expiry_ms,
                           const Change& change);

  // Makes the string at `key` `new_size` bytes of raw text, keeps its beginning and its expiry, sets new bytes to zero,
  // and lets `edit` write into it. `existing` (a string) may be nullptr: an empty one is made.
  Result<Entry*> EditString(Bytes key, Entry* existing, size_t new_size, absl::FunctionRef<void(char* bytes)> edit,
                            const Change& change);

  // Makes `key` hold a copy of what `from` holds (of any type; `from` may live in another database).
  Result<Entry*> PutCopy(Bytes key, Entry* existing, const Entry& from, int64_t expiry_ms, const Change& change);

  // Makes `key` hold what `from` holds, value and expiry, and removes `from`, which may live in another database but may
  // not be `existing`. Emits `gone` for from's key, then `change` for `key`, both after both changes.
  Result<Entry*> PutMoved(Bytes key, Entry* existing, Db& from_db, Entry* from, const Change& gone,
                          const Change& change);

  // Expiry in ms since the epoch, any value >= 0; one that has passed already is the caller's to turn into a Delete.
  Result<Entry*> SetExpiry(Entry* entry, int64_t expiry_ms, const Change& change);
  Result<Entry*> ClearExpiry(Entry* entry, const Change& change);

  void Delete(Entry* entry, const Change& change);

  // Empties the database. Returns how many keys it had.
  size_t Flush();

  // Visits entries from `cursor` on, in hash order, whole positions at a time, until `want` have been visited or
  // want * 10 buckets seen; returns the cursor to go on from, 0 at the end. Expired ones are not visited. `visit` must
  // not change the database.
  uint64_t Scan(uint64_t cursor, size_t want, absl::FunctionRef<void(Entry&)> visit);
  // Visits every entry that has not expired. `visit` must not change the database.
  void ForEach(absl::FunctionRef<void(Entry&)> visit);

  // A random entry that has not expired, or nullptr.
  Entry* RandomEntry();

  // Deletes up to `max` keys whose expiry has come; returns how many.
  size_t ExpireDue(size_t max);
  // Keys to evict: any at random, one with an expiry at random, the one that expires soonest. nullptr if there is none.
  Entry* RandomForEviction();
  Entry* RandomVolatile();
  Entry* SoonestVolatile() { return expiries_.soonest(); }

  size_t size() const { return table_.size(); }
  size_t expiring() const { return expiries_.size(); }
  // Mean time to live of (a sample of) the keys that have an expiry, in ms, 0 if there is none.
  int64_t MeanTtlMs();

 private:
  friend class Keyspace;

  struct Policy {
    using Element = Entry*;
    uint64_t seed;
    static Entry*& Next(Entry* entry) { return entry->next(); }
    uint64_t Hash(const Entry* entry) const { return base::HashBytes(entry->key(), seed); }
    static bool Matches(const Entry* entry, Bytes key) { return entry->key() == key; }
  };

  uint64_t Hash(Bytes key) const { return base::HashBytes(key, table_.policy().seed); }
  bool Expired(const Entry& entry);
  // An entry that ends when another takes its place under another key.
  struct Leaving {
    Db* db;
    Entry* entry;
    const Change* change;
  };
  // Puts `made` in the place of `existing` (or in a place of its own), deletes what leaves, emits, frees `existing`.
  Result<Entry*> Install(Entry* existing, Entry* made, const Change& change, const Leaving* leaving = nullptr);
  // A new entry with the value of `from`, not yet in any table, or nullptr.
  Entry* CopyOf(Bytes key, const Entry& from, int64_t expiry_ms);
  Result<Entry*> Rebuild(Entry* entry, int64_t expiry_ms, const Change& change);
  void Emit(Bytes key, const Entry* old_value, const Change& change);
  memory::Arena& arena();

  Keyspace& keyspace_;
  int index_;
  ds::HashTable<Policy> table_;
  ExpiryHeap expiries_;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_DB_H_
