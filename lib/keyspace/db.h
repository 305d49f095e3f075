// Db: one numbered database: keys, what they hold, when they end.
//
// Everything that changes a key goes through here, and emits the Effect that the caller describes with a Change, once,
// after the change and before the old entry is freed. So an op never emits, and never forgets to.
//
// A key whose expiry has come reads as missing; finding one deletes it first, with its own "expired" effect. While
// expiry is held (Keyspace::HoldExpiry) only a lookup that a write may follow deletes it; the others leave it where it
// is.
//
// A write begins with Locate, which says where the key is or would be; that Place is handed on to the call that changes
// it, so that nothing is hashed or looked up a second time. Within the call every store happens in the edit of the
// key's home bucket (lib/keyspace/edit.h).
//
// Entries may move: any call that takes a Place or an Entry* has made that invalid. A call that returns an error has
// changed nothing.
//
// No allocation here throws; the ones that fail come back as kAllocationFailed.
#ifndef LARDER_KEYSPACE_DB_H_
#define LARDER_KEYSPACE_DB_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/base/holder.h"
#include "lib/ds/hash_table.h"
#include "lib/keyspace/edit.h"
#include "lib/keyspace/effects.h"
#include "lib/keyspace/entry.h"
#include "lib/keyspace/string_value.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::keyspace {

class Keyspace;

// What a lookup is for, in bits: 1 marks the key as used, 2 counts in keyspace_hits or keyspace_misses, 4 may be
// followed by a write of this key, 8 tells nobody that the key is not there. An op that finds nothing by one without the last bit must not put an entry there.
enum class Lookup : uint8_t {
  kPeek = 0,
  kInspect = 2,  // as idle as it was: TYPE, TTL, EXISTS
  kInspectQuietly = 10,  // the same without event "keymiss": OBJECT
  kRead = 3,
  kRemove = 4,
  kWrite = 5,
  kUpdate = 7,   // a read and a write in one: GETSET
};
constexpr bool Touches(Lookup how) { return (static_cast<uint8_t>(how) & 1) != 0; }
constexpr bool Counts(Lookup how) { return (static_cast<uint8_t>(how) & 2) != 0; }
constexpr bool TellsOfMiss(Lookup how) { return (static_cast<uint8_t>(how) & 8) == 0; }
constexpr bool Writes(Lookup how) { return (static_cast<uint8_t>(how) & 4) != 0; }

// What a change is called for those who listen.
struct Change {
  EventClass event_class = EventClass::kGeneric;
  Bytes event = {};                     // empty: the op emits its own effect, or the change is not one
  std::span<const Bytes> command = {};  // composed only if effects().wants(Effects::kCommands)
  std::span<const Event> more = {};     // the events after the first
  // For two changes of one op: called when this one has been made and nothing can fail any more, before it is told. It
  // makes the other change, which cannot fail (CollectionEdit::CommitErase), so that that one is told first.
  const absl::FunctionRef<void()>* before_told = nullptr;
  bool watched = true;                  // Effect::watched
};

// How the table of a database sees entries.
struct EntryPolicy {
  using Element = Entry*;
  static constexpr bool kExpires = true;
  base::HashSeed seed;
  uint64_t Hash(const Entry* entry) const { return base::HashBytes(entry->key(), seed); }
  [[gnu::always_inline]] static bool Matches(const Entry* entry, Bytes key) { return entry->KeyIs(key); }
  // The table's INT64_MAX is "never"; an entry may have that very time.
  static int64_t ExpiryMs(const Entry* entry) {
    if (!entry->has_expiry()) return INT64_MAX;
    return entry->expiry_ms() < INT64_MAX ? entry->expiry_ms() : INT64_MAX - 1;
  }
};

// What Locate has found: the entry, as which it can be used, or where one would be.
struct Place : ds::HashTable<EntryPolicy>::Place {
  Place() = default;
  explicit Place(const ds::HashTable<EntryPolicy>::Place& place) : ds::HashTable<EntryPolicy>::Place(place) {}
  operator Entry*() const { return element; }
  Entry* operator->() const { return element; }
};

class Db {
 public:
  using Policy = EntryPolicy;
  using Table = ds::HashTable<EntryPolicy>;

  // `made`: how many there were before it.
  Db(Keyspace& keyspace, int index, int made);
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;
  ~Db();

  Keyspace& keyspace() { return keyspace_; }
  int index() const { return index_; }
  // Its place among those that have been made.
  int made_index() const { return made_index_; }

  Entry* Find(Bytes key, Lookup how) LARDER_REQUIRES_HOLDER { return FindHashed(key, Hash(key), how); }
  Entry* FindHashed(Bytes key, uint64_t hash, Lookup how) LARDER_REQUIRES_HOLDER;
  // The same for who may change what is there, or put something there.
  Place Locate(Bytes key, Lookup how) LARDER_REQUIRES_HOLDER { return LocateHashed(key, Hash(key), how); }
  Place LocateHashed(Bytes key, uint64_t hash, Lookup how) LARDER_REQUIRES_HOLDER;
  Entry* FindInline(Bytes key, uint64_t hash, Lookup how) LARDER_REQUIRES_HOLDER;  // in keyspace.h
  // The same in all databases of a cache and for ever: any thread may call it.
  uint64_t Hash(Bytes key) const { return base::HashBytes(key, seed_); }
  // Whether an entry is there, expired or not; changes nothing.
  enum class Presence : uint8_t { kMissing, kExpired, kThere };
  Presence Look(Bytes key) LARDER_REQUIRES_HOLDER;
  // What is there, expired or not, or nullptr. Changes nothing.
  const Entry* FindUnchanged(Bytes key) const LARDER_REQUIRES_HOLDER { return table_.Find(key, Hash(key)); }
  // Size of the block that the value at `key` stands in, 0 if it stands in none; expired or not. Changes nothing.
  size_t BlockBytes(Bytes key) const LARDER_REQUIRES_HOLDER;
  // Size of the block that EditBytes would make to give the string at `key` this size, 0 if it needs none. Likewise.
  size_t BytesToEdit(Bytes key, size_t new_size) const LARDER_REQUIRES_HOLDER;
  // Fetches what a Find will look at, in three stages (0, 1, 2) that each need what the one before has fetched. For
  // several keys at once: stage 0 of all, then stage 1 of all... KeyWindow does it.
  void Prefetch(Bytes key, int stage) const LARDER_REQUIRES_HOLDER { table_.Prefetch(Hash(key), stage); }
  void PrefetchHashed(uint64_t hash, int stage) const LARDER_REQUIRES_HOLDER { table_.Prefetch(hash, stage); }

  // Makes `key` hold a string. `place` is what Locate gave for it just now. `expiry_ms` is the key's new expiry
  // (kNoExpiry: none; pass place->expiry_ms() to keep it). `key` may not point into the entry.
  Result<Entry*> PutString(Bytes key, const Place& place, const StringSource& value, int64_t expiry_ms,
                           const Change& change) LARDER_REQUIRES_HOLDER;

  // Makes the key of each of `count` pairs hold its value, as SET would, without expiry; or, when there is no memory,
  // changes nothing. A key that comes twice gets the later value. Each pair is a change of its own, called `event`,
  // whose command is "SET key value".
  using PairAt = absl::FunctionRef<std::pair<Bytes, Bytes>(size_t i)>;
  Error PutStrings(size_t count, PairAt at, Bytes event) LARDER_REQUIRES_HOLDER;

  // Makes the value at `key` `new_size` bytes of this form, keeps its beginning (an integer's digits) and its expiry,
  // sets new bytes to zero, and lets `edit` write into it. Where nothing is an empty value is made first.
  Result<Entry*> EditBytes(Bytes key, const Place& place, Form form, size_t new_size,
                           absl::FunctionRef<void(char* bytes)> edit, const Change& change) LARDER_REQUIRES_HOLDER;

  // Makes `key` hold a structure, which it takes over unless there is an error.
  Result<Entry*> PutStructure(Bytes key, const Place& place, Form form, Structure* root, int64_t expiry_ms,
                              const Change& change) LARDER_REQUIRES_HOLDER;
  // A structure has been changed where it is, and is not empty: `before` is Keyspace::BytesOf at the time. Not if
  // effects().wants(kOldValues): then a clone is changed and put there.
  void StructureChanged(const Place& place, Form form, size_t before) LARDER_REQUIRES_HOLDER;
  // Tells of it.
  void EmitChanged(const Place& place, const Change& change) LARDER_REQUIRES_HOLDER {
    Emit(place->key(), nullptr, false, change);
  }
  // Tells of a change that has left all as it was, of which Redis tells too.
  void EmitUnchanged(const Place& place, const Change& change) LARDER_REQUIRES_HOLDER {
    Emit(place->key(), place, false, change);
  }
  // Makes `key` hold a packed collection, in bytes that are not the entry's, with the expiry that it had.
  Result<Entry*> PutPacked(Bytes key, const Place& place, Form form, Bytes packed, const Change& change)
      LARDER_REQUIRES_HOLDER;
  // The same with another expiry.
  Result<Entry*> PutPackedAnew(Bytes key, const Place& place, Form form, Bytes packed, int64_t expiry_ms,
                               const Change& change) LARDER_REQUIRES_HOLDER;

  // The same in two parts, for who changes two keys: what would be put there, in no table yet (nullptr without memory),
  // and putting it, which cannot fail if something is in its place now.
  Entry* MakePacked(Bytes key, const Place& place, Form form, Bytes packed) LARDER_REQUIRES_HOLDER;
  Entry* MakeStructure(Bytes key, Form form, Structure* root, int64_t expiry_ms) LARDER_REQUIRES_HOLDER;
  Result<Entry*> PutMade(const Place& place, Entry* made, const Change& change) LARDER_REQUIRES_HOLDER;
  // It is not put anywhere; a structure stays the caller's.
  void DropMade(Entry* made) LARDER_REQUIRES_HOLDER;

  // Makes `key` hold a copy of what `from` holds (of any type; `from` may live in another database). Its history of use
  // begins, whatever was there.
  Result<Entry*> PutCopy(Bytes key, const Place& place, const Entry& from, int64_t expiry_ms, const Change& change)
      LARDER_REQUIRES_HOLDER;

  // Makes `key` hold what `from` holds, value (which moves: nothing outside of the entry is copied), expiry and history
  // of use, and removes `from`, which may live in another database but may not be at `place`. Emits `gone` for from's
  // key, then `change` for `key`, both after both changes.
  Result<Entry*> PutMoved(Bytes key, const Place& place, Db& from_db, const Place& from, const Change& gone,
                          const Change& change) LARDER_REQUIRES_HOLDER;

  // Expiry in ms since the epoch, any value >= 0; one that has passed already is the caller's to turn into a Delete.
  // The value moves, where the entry has to be another.
  Result<Entry*> SetExpiry(const Place& place, int64_t expiry_ms, const Change& change) LARDER_REQUIRES_HOLDER;
  Result<Entry*> ClearExpiry(const Place& place, const Change& change) LARDER_REQUIRES_HOLDER;

  void Delete(const Place& place, const Change& change) LARDER_REQUIRES_HOLDER;
  // For who has an entry in hand by another way than its key.
  void Delete(Entry* entry, const Change& change) LARDER_REQUIRES_HOLDER { Delete(PlaceOf(entry), change); }
  // Deletes what is at `key`, if there is something, whether it has expired or not: what Redis does where a command that
  // stores its result has none to store.
  void DeleteAny(Bytes key, const Change& change) LARDER_REQUIRES_HOLDER;
  // `key` was to be deleted, renamed or moved away, and Find has just said that it is not there.
  void NoteAbsence(Bytes key) LARDER_REQUIRES_HOLDER;

  // Empties the database. Returns how many keys it had. The keyspace frees them in steps.
  size_t Flush() LARDER_REQUIRES_HOLDER;

  // Visits entries from `cursor` on, in hash order, whole positions at a time, until `want` have been visited or
  // want * 10 buckets seen; returns the cursor to go on from, 0 at the end. Expired ones are not visited. `visit` must
  // not change the database.
  uint64_t Scan(uint64_t cursor, size_t want, absl::FunctionRef<void(Entry&)> visit) LARDER_REQUIRES_HOLDER;
  // Visits every entry that has not expired. `visit` must not change the database.
  void ForEach(absl::FunctionRef<void(Entry&)> visit) LARDER_REQUIRES_HOLDER;

  // A random entry that has not expired, or nullptr without one. Expired ones that it meets are deleted; kUnfinished
  // after a step of that: call it again. While expiry is held it only looks at many, and may miss the few that have not
  // expired among thousands that have.
  Result<Entry*> RandomEntry() LARDER_REQUIRES_HOLDER;

  // Deletes keys whose expiry has come, looking at `max` entries at most (or one bucket). True if more may be due.
  bool ExpireDue(size_t max) LARDER_REQUIRES_HOLDER;
  // The soonest expiry of any key, or a little earlier; INT64_MAX without one.
  int64_t SoonestExpiryMs() const LARDER_REQUIRES_HOLDER { return table_.SoonestMs(); }

  // For the evictor.
  Table& table() LARDER_REQUIRES_HOLDER { return table_; }

  size_t size() const LARDER_REQUIRES_HOLDER { return table_.size(); }
  // What its entries take, values included, as the limit counts them.
  size_t bytes() const LARDER_REQUIRES_HOLDER { return bytes_; }
  size_t expiring() const LARDER_REQUIRES_HOLDER { return table_.expiring(); }
  // Mean time to live of (a sample of) the keys that have an expiry, in ms, 0 if there is none.
  int64_t MeanTtlMs() LARDER_REQUIRES_HOLDER;

 private:
  friend class Keyspace;

  bool Expired(const Entry& entry) LARDER_REQUIRES_HOLDER;
  Entry* DropExpired(Entry* entry) LARDER_REQUIRES_HOLDER;
  Entry* FoundExpired(Entry* entry, Lookup how) LARDER_REQUIRES_HOLDER;
  Entry* NextUnexpired() LARDER_REQUIRES_HOLDER;
  // An entry that ends when another takes its place under another key.
  struct Leaving {
    Db* db;
    const Place* place;
    const Change* change;
  };
  // Whose history of use a new entry goes on with. What is put where nothing was begins one, unless it is moved there.
  enum class History : uint8_t {
    kOfKey,    // that of the entry whose place it takes
    kOfMoved,  // that of the entry that leaves
    kNew,
  };
  // Whose a new entry's value is if it is not installed after all.
  enum class Value : uint8_t {
    kOwn,      // it ends with the entry
    kTaken,    // that of an entry that ends now, if all goes well
    kOffered,  // the caller's
  };
  // Puts `made` in the place of what is there (or in a place of its own), deletes what leaves, emits, frees what was
  // there. kTaken: the value was that of `leaving`, or without one of what was there; whose it is again on an error.
  Result<Entry*> Install(const Place& place, Entry* made, const Change& change, History history = History::kOfKey,
                         Value value = Value::kOwn, const Leaving* leaving = nullptr) LARDER_REQUIRES_HOLDER;
  void Remove(const Place& place, const Change& change, Value value) LARDER_REQUIRES_HOLDER;
  void Free(Entry* entry, Value value) LARDER_REQUIRES_HOLDER;
  Place PlaceOf(Entry* entry) const LARDER_REQUIRES_HOLDER { return Place(table_.PlaceOf(entry, Hash(entry->key()))); }
  // The scope of changing the entry at a place where it is.
  EntryEdit Edit(const Place& place) LARDER_REQUIRES_HOLDER {
    return EntryEdit(table_.HomeBucket(place), place.element);
  }
  // PutStrings in two passes: what can fail, then what cannot.
  bool PreparePair(Bytes key, uint64_t hash, Bytes value, Entry** made) LARDER_REQUIRES_HOLDER;
  void TakeBack(Bytes key, Entry* made) LARDER_REQUIRES_HOLDER;
  void CommitPair(Bytes key, Bytes value, Entry* made, const Change& change) LARDER_REQUIRES_HOLDER;
  // A new entry that holds `value`, or none without memory.
  EntryDraft NewString(Bytes key, const StringSource& value, int64_t expiry_ms) LARDER_REQUIRES_HOLDER;
  // Writes the value that the entry's storage has room for; `block` is for kBlock.
  static void WriteValue(EntryWriter& writer, const StringSource& value, memory::Block* block);
  // A new entry with the value of `from`, or none without memory: a clone of it; or the value itself, of which `from`
  // is then no more than a view, to be ended by FreeShell.
  EntryDraft CloneOf(Bytes key, const Entry& from, int64_t expiry_ms) LARDER_REQUIRES_HOLDER;
  EntryDraft TakeValue(Bytes key, const Entry& from, int64_t expiry_ms) LARDER_REQUIRES_HOLDER;
  // What both do: all but what is outside of the entry.
  EntryDraft DraftLike(Bytes key, const Entry& from, int64_t expiry_ms) LARDER_REQUIRES_HOLDER;
  // After a change of an entry's value where it is: `before` is Keyspace::BytesOf at the time.
  void Resized(const Entry& entry, size_t before) LARDER_REQUIRES_HOLDER;
  Result<Entry*> Rebuild(const Place& place, int64_t expiry_ms, const Change& change) LARDER_REQUIRES_HOLDER;
  void Emit(Bytes key, const Entry* old_value, bool is_new, const Change& change) LARDER_REQUIRES_HOLDER;
  memory::Arena& arena() LARDER_REQUIRES_HOLDER;

  Keyspace& keyspace_;
  const int index_;
  const int made_index_;
  // The table's own, once more: what the table holds changes places with another's in FLUSHDB and SWAPDB, and Hash is
  // called without the executor.
  const base::HashSeed seed_;
  Table table_ LARDER_GUARDED_BY_HOLDER;
  size_t bytes_ LARDER_GUARDED_BY_HOLDER = 0;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_DB_H_
