// What the value of a set is, for reading and for changing. What the commands do with it is in ops/sets.h, and in
// ops/set_algebra.h.
//
// Forms. A set is called an "intset" as long as all of its members are integers in Redis's form ("7", "-7", but not
// "07") and they are at most set-max-intset-entries; then it is a "hashtable" for ever, even with two members.
//
//   label        records                                                       packed, and as a tree
//   intset       the integer alone: 2, 4 or 8 bytes, whatever the largest of   kSorted
//                them needs, with the sign bit turned over, so that they are
//                in order as unsigned words
//   hashtable    one part, the member's text                                   kPosition; kHashOfPart with a tag
//
// So integers answer in ascending order, as Redis's do, and take what they take there. How many bytes the integers of a
// packed set have follows from its size and its count.
//
// Threads: the executor's holder.
#ifndef LARDER_OPS_SET_VALUE_H_
#define LARDER_OPS_SET_VALUE_H_

#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/base/holder.h"
#include "lib/base/numbers.h"
#include "lib/keyspace/collection.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::ops::sets {

// Room for the digits of an integer; lives as long as the text that is made of them.
struct Digits {
  char room[base::kIntChars];
};

// A member, as text or as the integer that it is; each is made of the other when it is asked for.
class Member {
 public:
  explicit Member(Bytes text) : text_(text), has_text_(true) {}
  explicit Member(int64_t number) : number_(number), is_number_(true), parsed_(true) {}
  // A text points into the digits.
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  bool is_number() {
    if (!parsed_) {
      parsed_ = true;
      is_number_ = base::ParseInt64(text_, &number_);
    }
    return is_number_;
  }
  int64_t number() const { return number_; }
  Bytes text() {
    if (!has_text_) {
      has_text_ = true;
      text_ = base::FormatInt64(number_, digits_.room);
    }
    return text_;
  }
  // All sets of a keyspace have the same seed.
  uint64_t hash(const base::HashSeed& seed) {
    if (!has_hash_) {
      has_hash_ = true;
      hash_ = base::HashBytes(text(), seed);
    }
    return hash_;
  }

 private:
  Bytes text_;
  int64_t number_ = 0;
  uint64_t hash_ = 0;
  bool has_text_ = false;
  bool is_number_ = false;
  bool parsed_ = false;
  bool has_hash_ = false;
  Digits digits_;
};

// What an entry holds, for reading; of no use after the next change. Empty if it is of no entry.
class Set {
 public:
  Set() = default;
  // REQUIRES: the entry is a set's.
  explicit Set(const keyspace::Entry* entry);
  explicit Set(const keyspace::Collection& records) : records_(records) {}

  size_t size() const { return records_.size(); }
  bool empty() const { return records_.empty(); }
  // Whether its records are integers: an "intset".
  bool has_numbers() const { return records_.format().fixed_size(); }
  const keyspace::Collection& records() const { return records_; }
  // nullptr if it is not what an entry has now.
  const keyspace::Entry* entry() const { return entry_; }

  bool Has(Member& member) const;
  bool Has(Bytes text) const {
    Member member(text);
    return Has(member);
  }
  int64_t NumberAt(const char* record) const;
  // The member at a record; an integer's in `digits`.
  Bytes TextAt(const char* record, Digits& digits) const {
    return has_numbers() ? base::FormatInt64(NumberAt(record), digits.room) : records_.Part(record, 0);
  }
  // Calls `use` with the Member at a record.
  template <class Use>
  auto WithMember(const char* record, Use use) const {
    if (has_numbers()) {
      Member member(NumberAt(record));
      return use(member);
    }
    Member member(records_.Part(record, 0));
    return use(member);
  }

 private:
  const keyspace::Entry* entry_ = nullptr;
  keyspace::Collection records_;
};

// A set for changing: the one that is there, or a new one. See CollectionEdit for what comes into effect when.
class SetEdit {
 public:
  using Anew = keyspace::CollectionEdit::Anew;

  // `place` has just been found by Locate; what is there is a set. `several`: more than one change may come. Those of a
  // large set are made in place all the same: see in_place.
  SetEdit(keyspace::Db& db, Bytes key, const keyspace::Place& place, bool several) LARDER_REQUIRES_HOLDER;
  // One that takes the place of whatever is there.
  SetEdit(keyspace::Db& db, Bytes key, const keyspace::Place& place, Anew anew) LARDER_REQUIRES_HOLDER;

  size_t size() const { return edit_.size(); }
  // As it is at this moment.
  Set Read() const { return Set(edit_.Read()); }

  // Whether changes show at once: then one that fails leaves those before it, and who makes several takes back what he
  // has added, which cannot fail, and reserves what he erases.
  bool in_place() const { return edit_.in_place(); }
  // False if it is not there. If it is, and in place, its erasure cannot fail from now on.
  Result<bool> Reserve(Member& member) LARDER_REQUIRES_HOLDER;
  Error ReserveAt(size_t index) LARDER_REQUIRES_HOLDER;

  // False if it is there already, and nothing has changed.
  Result<bool> Add(Member& member) LARDER_REQUIRES_HOLDER;
  // False if it is not there.
  Result<bool> Erase(Member& member) LARDER_REQUIRES_HOLDER;
  Error EraseRange(size_t first, size_t count) LARDER_REQUIRES_HOLDER { return edit_.EraseRange(first, count); }
  Error EraseAt(size_t index) LARDER_REQUIRES_HOLDER;
  // A set that has been begun anew becomes a clone of this one, which is a tree.
  Error StartAs(const Set& set) LARDER_REQUIRES_HOLDER { return edit_.StartAs(*set.entry()); }
  // It is a hashtable from now on, whatever its members.
  Error BecomeTable() LARDER_REQUIRES_HOLDER;

  // Erase and Commit of one member that is there, in two parts: what may fail, and what cannot. See CollectionEdit.
  Error PrepareErase(Member& member) LARDER_REQUIRES_HOLDER;
  void CommitErase(const keyspace::Change& change) LARDER_REQUIRES_HOLDER;

  // `change` is followed by "del" if nothing is left of a set that was there.
  Error Commit(const keyspace::Change& change) LARDER_REQUIRES_HOLDER;
  // The same with another name for a set that is replaced by nothing.
  Error Commit(const keyspace::Change& change, const keyspace::Change& gone) LARDER_REQUIRES_HOLDER {
    return edit_.Commit(change, gone);
  }

 private:
  bool has_numbers() const { return edit_.format().fixed_size(); }
  Error Widen(size_t width) LARDER_REQUIRES_HOLDER;
  Result<bool> AddNumber(int64_t number) LARDER_REQUIRES_HOLDER;
  bool Find(Member& member);
  bool FindNumber(int64_t number);

  const keyspace::KeyspaceConfig& config_;
  keyspace::CollectionEdit edit_;
  keyspace::CollectionEdit::Spot spot_;
};

// The set at `key`, for reading. Errors: kWrongType.
Result<Set> Open(keyspace::Db& db, Bytes key, keyspace::Lookup how = keyspace::Lookup::kRead) LARDER_REQUIRES_HOLDER;
// Where the set is, or one would be, for changing. Errors: kWrongType.
Result<keyspace::Place> LocateSet(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops::sets

#endif  // LARDER_OPS_SET_VALUE_H_
