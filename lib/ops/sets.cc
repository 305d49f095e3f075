#include "lib/ops/sets.h"

#include <algorithm>
#include <cstring>

#include "lib/base/buffer.h"
#include "lib/base/check.h"
#include "lib/base/sample.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::ops::sets {
namespace {

using keyspace::Change;
using keyspace::Db;
using keyspace::Effects;
using keyspace::EventClass;
using keyspace::Lookup;
using keyspace::Place;

constexpr keyspace::Event kThenDel[] = {{EventClass::kGeneric, "del"}};

Change SetChange(Bytes event, std::span<const Bytes> command) { return {EventClass::kSet, event, command}; }

// What Redis counts as changes: members, where there was one effect.
void CountChanges(Db& db, int64_t members) LARDER_REQUIRES_HOLDER { db.keyspace().effects().AdjustDirty(members - 1); }

// SREM of the members at some indices, as a command, made only if somebody wants it.
class RemovalCommand {
 public:
  // False without memory.
  bool Make(Bytes key, const Set& set, std::span<const uint64_t> indices);
  std::span<const Bytes> words() const { return {reinterpret_cast<const Bytes*>(words_.data()), count_}; }

 private:
  base::Buffer texts_;
  base::Buffer words_;
  size_t count_ = 0;
};

bool RemovalCommand::Make(Bytes key, const Set& set, std::span<const uint64_t> indices) {
  Digits digits;
  for (const uint64_t index : indices) texts_.Append(set.TextAt(set.records().At(index), digits));
  char* const room = words_.Extend((2 + indices.size()) * sizeof(Bytes));
  if (texts_.failed() || room == nullptr) return false;
  Bytes* const words = reinterpret_cast<Bytes*>(room);
  words[count_++] = "SREM";
  words[count_++] = key;
  const char* text = texts_.data();
  for (const uint64_t index : indices) {
    const size_t size = set.TextAt(set.records().At(index), digits).size();
    words[count_++] = {text, size};
    text += size;
  }
  return true;
}

// Where Redis makes what remains anew, its label is that of a new set.
Error KeepOthers(Db& db, Bytes key, const Place& place, const Set& set, std::span<const uint64_t> indices,
                 const Change& change) LARDER_REQUIRES_HOLDER {
  SetEdit rest(db, key, place, SetEdit::Anew{place->expiry_ms()});
  uint64_t index = 0;
  Error error = kOk;
  set.records().ForEach([&](const char* record) {
    base::AssertHolder();
    if (!indices.empty() && indices.front() == index++) {
      indices = indices.subspan(1);
      return true;
    }
    error = set.WithMember(record, [&](Member& member) {
      base::AssertHolder();
      return rest.Add(member).error();
    });
    return error.ok();
  });
  return error.ok() ? rest.Commit(change) : error;
}

// Which of several members an op has added, so that it can take them back.
class AddedMarks {
 public:
  // False without memory.
  bool Init(size_t members) {
    const size_t bytes = (members + 7) / 8;
    if (bytes > sizeof(few_)) {
      marks_ = room_.Extend(bytes);
      if (marks_ == nullptr) return false;
    }
    std::memset(marks_, 0, bytes);
    return true;
  }
  void Mark(size_t i) { marks_[i / 8] = static_cast<char>(marks_[i / 8] | 1 << i % 8); }
  bool marked(size_t i) const { return (marks_[i / 8] >> i % 8 & 1) != 0; }

 private:
  char few_[32];
  char* marks_ = few_;
  base::Buffer room_;
};

// Adds all of them or, after an error, none that shows. How many are new.
Result<int64_t> AddAll(SetEdit& set, std::span<const Bytes> members) LARDER_REQUIRES_HOLDER {
  AddedMarks marks;
  if (set.in_place() && !marks.Init(members.size())) return errors::kAllocationFailed;
  const bool in_place = set.in_place();
  int64_t added = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    Member member(members[i]);
    const Result<bool> is_new = set.Add(member);
    if (is_new.ok()) {
      added += *is_new;
      if (in_place && *is_new) marks.Mark(i);
      continue;
    }
    while (in_place && i-- > 0) {
      if (!marks.marked(i)) continue;
      Member taken(members[i]);
      LARDER_CHECK(set.Erase(taken).ok());
    }
    return is_new.error();
  }
  return added;
}

// Erases all of them or, after an error, none that shows. How many there were.
Result<int64_t> EraseAll(SetEdit& set, std::span<const Bytes> members) LARDER_REQUIRES_HOLDER {
  if (set.in_place() && members.size() > 1) {
    for (const Bytes text : members) {
      Member member(text);
      LARDER_RETURN_IF_ERROR(set.Reserve(member).error());
    }
  }
  int64_t erased = 0;
  for (const Bytes text : members) {
    Member member(text);
    LARDER_ASSIGN_OR_RETURN(const bool was_there, set.Erase(member));
    erased += was_there;
  }
  return erased;
}

// From the end, so that those that follow keep their indices; neighbours together.
Error EraseThem(Db& db, Bytes key, const Place& place, std::span<const uint64_t> indices,
                const Change& change) LARDER_REQUIRES_HOLDER {
  SetEdit set(db, key, place, /*several=*/indices.size() > 1);
  if (indices.size() == 1) {
    LARDER_RETURN_IF_ERROR(set.EraseAt(indices[0]));
    return set.Commit(change);
  }
  if (set.in_place()) {
    for (const uint64_t index : indices) LARDER_RETURN_IF_ERROR(set.ReserveAt(index));
  }
  for (size_t end = indices.size(); end > 0;) {
    size_t begin = end - 1;
    while (begin > 0 && indices[begin - 1] + 1 == indices[begin]) --begin;
    LARDER_RETURN_IF_ERROR(set.EraseRange(indices[begin], end - begin));
    end = begin;
  }
  return set.Commit(change);
}

}  // namespace

Result<int64_t> Add(Db& db, Bytes key, std::span<const Bytes> members, std::span<const Bytes> command) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateSet(db, key));
  SetEdit set(db, key, place, /*several=*/members.size() > 1);
  LARDER_ASSIGN_OR_RETURN(const int64_t added, AddAll(set, members));
  if (added == 0) return 0;
  LARDER_RETURN_IF_ERROR(set.Commit(SetChange("sadd", command)));
  CountChanges(db, added);
  return added;
}

Result<int64_t> Remove(Db& db, Bytes key, std::span<const Bytes> members, std::span<const Bytes> command) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateSet(db, key));
  if (place == nullptr) return 0;
  SetEdit set(db, key, place, /*several=*/members.size() > 1);
  LARDER_ASSIGN_OR_RETURN(const int64_t removed, EraseAll(set, members));
  if (removed == 0) return 0;
  LARDER_RETURN_IF_ERROR(set.Commit(SetChange("srem", command)));
  CountChanges(db, removed);
  return removed;
}

Error Pop(Db& db, Bytes key, size_t count, absl::FunctionRef<void(size_t count)> begin,
          absl::FunctionRef<void(const Set& set, const char* record)> visit) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateSet(db, key));
  const Set set(place);
  count = std::min(count, set.size());
  begin(count);
  if (count == 0) return kOk;
  if (count == set.size()) {
    set.records().ForEach([&](const char* record) {
      visit(set, record);
      return true;
    });
    const Bytes command[] = {"DEL", key};
    Change change = SetChange("spop", command);
    change.more = kThenDel;
    db.Delete(place, change);
    CountChanges(db, static_cast<int64_t>(count));
    return kOk;
  }
  const uint64_t one = count == 1 ? db.keyspace().random().Below(set.size()) : 0;
  std::span<const uint64_t> indices(&one, 1);
  base::Buffer room;
  if (count > 1 && !base::SampleIndices(set.size(), count, db.keyspace().random(), room, &indices)) {
    return errors::kAllocationFailed;
  }
  for (const uint64_t index : indices) visit(set, set.records().At(index));
  RemovalCommand command;
  if (db.keyspace().effects().wants(Effects::kCommands) && !command.Make(key, set, indices)) {
    return errors::kAllocationFailed;
  }
  const Change change = SetChange("spop", command.words());
  constexpr size_t kFew = 5;
  const bool few_remain = (set.size() - count) * kFew <= count;
  LARDER_RETURN_IF_ERROR(few_remain ? KeepOthers(db, key, place, set, indices, change)
                                    : EraseThem(db, key, place, indices, change));
  CountChanges(db, static_cast<int64_t>(count));
  return kOk;
}

Result<bool> Move(Db& db, Bytes from, Bytes to, Bytes text) {
  LARDER_ASSIGN_OR_RETURN(Place source, LocateSet(db, from));
  if (source == nullptr) return false;
  LARDER_ASSIGN_OR_RETURN(const Place target, LocateSet(db, to));
  source = db.Locate(from, Lookup::kPeek);  // an expired target may just have gone
  Member member(text);
  if (!Set(source).Has(member)) return false;
  if (from == to) return true;
  const bool is_new = !Set(target).Has(member);
  const Bytes command[] = {"SMOVE", from, to, text};
  SetEdit out(db, from, source, /*several=*/false);
  LARDER_RETURN_IF_ERROR(out.PrepareErase(member));
  if (!is_new) {
    out.CommitErase(SetChange("srem", command));
    return true;
  }
  SetEdit in(db, to, target, /*several=*/false);
  LARDER_RETURN_IF_ERROR(in.Add(member).error());
  // One command says both changes; it goes with the first.
  const Effects::Group group(db.keyspace().effects());
  const auto take_out = [&] {
    base::AssertHolder();
    source = db.Locate(from, Lookup::kPeek);
    out.CommitErase(SetChange("srem", command));
  };
  const absl::FunctionRef<void()> first(take_out);
  Change added = SetChange("sadd", {});
  added.before_told = &first;
  const Error error = in.Commit(added);
  if (error.ok()) return true;
  source = db.Locate(from, Lookup::kPeek);  // the table may have grown before the rest failed
  return error;
}

}  // namespace larder::inline v0::ops::sets
