// Consumer groups: changing.
#include "lib/ops/stream_groups.h"

#include <algorithm>
#include <cstring>

#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"
#include "lib/ops/stream_edit.h"

namespace larder::inline v0::ops::streams {
namespace {

using keyspace::Change;
using keyspace::Db;
using keyspace::EventClass;
using keyspace::Place;

ds::SortedProbe NameProbe(uint64_t owner, Bytes name) {
  return {.first = owner, .second = 0, .part = name, .numbers = {}};
}
ds::SortedProbe SpaceProbe(uint32_t number) { return ds::ProbeOf({0, number, 0}); }

Change GroupChange(Bytes event, std::span<const Bytes> command) {
  return {.event_class = EventClass::kStream, .event = event, .command = command, .more = {}, .watched = false};
}
// What no event tells of, unless a consumer was made by the way.
Change QuietChange(Bytes name, bool made_consumer, std::span<const Bytes> command) {
  Change change = GroupChange(made_consumer ? Bytes("xgroup-createconsumer") : name, command);
  if (!made_consumer) change.event_class = EventClass::kSilent;
  return change;
}

bool AppendId(StreamId id, base::Buffer* to) {
  return to->Append(Bytes(reinterpret_cast<const char*>(&id), sizeof(id)));
}

// Changes to groups, upon those that StreamEdit knows.
class GroupEdit {
 public:
  GroupEdit(Db& db, Bytes key, const Place& place) LARDER_REQUIRES_HOLDER : edit_(db, key, place) {}

  Error Begin() LARDER_REQUIRES_HOLDER { return edit_.Begin(); }
  StreamRoot& root() { return edit_.root(); }
  Error Commit(const Change& change) LARDER_REQUIRES_HOLDER {
    edit_.root().dead += dead_;
    const Error error = edit_.Commit(change);
    if (!error.ok()) edit_.root().dead -= dead_;
    return error;
  }

  // Errors: kAllocationFailed, as of all that follow.
  Error MakeSpace(uint32_t owner, Bytes name, const SpaceInfo& info, Space* made) LARDER_REQUIRES_HOLDER {
    *made = {FreeNumber(), info};
    char payload[ds::kNumbersBytesMax + sizeof(SpaceInfo)];
    char* const end = ds::WriteNumbers(payload, {0, made->number, 0});
    std::memcpy(end, &info, sizeof(info));
    keyspace::RecordDraft record = edit_.Draft();
    if (!record.Part({payload, static_cast<size_t>(end - payload) + sizeof(info)}) || !record.Part(name)) {
      return errors::kAllocationFailed;
    }
    LARDER_RETURN_IF_ERROR(edit_.Insert(kSpaces, SpaceProbe(made->number), record));
    keyspace::RecordDraft named = edit_.Draft();
    named.Prefix(uint64_t{owner});
    if (!named.Part(name) ||
        !named.Part({reinterpret_cast<const char*>(&made->number), sizeof(made->number)})) {
      return errors::kAllocationFailed;
    }
    return edit_.Insert(kNames, NameProbe(owner, name), named);
  }
  // Writes what has changed of it.
  Error Save(const Space& space) LARDER_REQUIRES_HOLDER {
    char* const record = edit_.Change(kSpaces, SpaceProbe(space.number));
    if (record == nullptr) return errors::kAllocationFailed;
    SetPayload(record, space.info);
    return kOk;
  }
  // Nobody finds it any more; what it has left is swept.
  Error Bury(uint32_t owner, Bytes name, Space space) LARDER_REQUIRES_HOLDER {
    LARDER_RETURN_IF_ERROR(edit_.EraseLater(kNames, NameProbe(owner, name)));
    space.info.dead = true;
    LARDER_RETURN_IF_ERROR(Save(space));
    const uint64_t dead = space.info.kind == SpaceInfo::kGroup ? kDeadGroups : kDeadConsumers;
    char payload[ds::kNumbersBytesMax];
    const char* const end = ds::WriteNumbers(payload, {dead, space.number, 0});
    keyspace::RecordDraft marker = edit_.Draft();
    if (!marker.Part({payload, static_cast<size_t>(end - payload)}) || !marker.Part({})) {
      return errors::kAllocationFailed;
    }
    LARDER_RETURN_IF_ERROR(edit_.Insert(kSpaces, ds::ProbeOf({dead, space.number, 0}), marker));
    ++dead_;
    return kOk;
  }
  Error FindOrMakeConsumer(Space* group, Bytes name, Space* consumer, bool* made) LARDER_REQUIRES_HOLDER {
    *made = !FindConsumer(root(), *group, name, consumer);
    if (!*made) return kOk;
    SpaceInfo info;
    info.kind = SpaceInfo::kConsumer;
    info.group = group->number;
    ++group->info.consumers;
    return MakeSpace(group->number, name, info, consumer);
  }

  // Whether the group's list has a record of this ID, and what it says: also one whose consumer is dead.
  bool Listed(const Space& group, StreamId id, PendingInfo* info) {
    if (id.ms < root().base_ms) return false;
    const char* const record = edit_.Find(kPending, ds::ProbeOf(root().Coded(id, group.number)));
    if (record == nullptr) return false;
    *info = ReadPending(PayloadOf(record));
    return true;
  }
  // What is pending, as FindPending has it.
  bool Pending(const Space& group, StreamId id, PendingInfo* info) {
    if (id.ms < root().base_ms) return false;
    const char* const record = edit_.Find(kPending, ds::ProbeOf(root().Coded(id, group.number)));
    return record != nullptr && ReadLiving(root(), group, record, info);
  }
  // Makes an ID pending with a consumer, whoever has it now. Counts in `group` and `consumer`, whom Save is to follow;
  // other consumers are saved.
  Error Give(Space* group, Space* consumer, StreamId id, const PendingInfo& given) LARDER_REQUIRES_HOLDER {
    PendingInfo had;
    const ds::SortedProbe in_group = ds::ProbeOf(root().Coded(id, group->number));
    if (!Listed(*group, id, &had)) {
      LARDER_RETURN_IF_ERROR(InsertPending(in_group, &given));
    } else {
      PendingInfo living;
      const bool lives = Pending(*group, id, &living);
      LARDER_RETURN_IF_ERROR(SetListed(in_group, given));
      if (lives && had.consumer == given.consumer) return kOk;
      if (lives) {
        LARDER_RETURN_IF_ERROR(TakeFrom(had.consumer, id));
        --group->info.pending;
      } else {  // a sweep would have come to it
        LARDER_RETURN_IF_ERROR(edit_.EraseLater(kPending, ds::ProbeOf(root().Coded(id, had.consumer))));
        --group->info.dead_pending;
      }
    }
    ++group->info.pending;
    ++consumer->info.pending;
    return InsertPending(ds::ProbeOf(root().Coded(id, consumer->number)), nullptr);
  }
  // An ID is pending no more. It was, with a consumer that is saved, unless it is `self`.
  Error Forget(Space* group, StreamId id, const PendingInfo& info, Space* self) LARDER_REQUIRES_HOLDER {
    const ds::SortedProbe in_group = ds::ProbeOf(root().Coded(id, group->number));
    LARDER_RETURN_IF_ERROR(SetListed(in_group, {}));  // until Commit: so that the same ID is not found twice
    LARDER_RETURN_IF_ERROR(edit_.EraseLater(kPending, in_group));
    --group->info.pending;
    if (self == nullptr || self->number != info.consumer) return TakeFrom(info.consumer, id);
    --self->info.pending;
    return edit_.EraseLater(kPending, ds::ProbeOf(root().Coded(id, info.consumer)));
  }
  Error SetListed(const ds::SortedProbe& in_group, const PendingInfo& info) LARDER_REQUIRES_HOLDER {
    char* const record = edit_.Change(kPending, in_group);
    if (record == nullptr) return errors::kAllocationFailed;
    WritePending(const_cast<char*>(PayloadOf(record)), info);
    return kOk;
  }
  Error SetListed(const Space& group, StreamId id, const PendingInfo& info) LARDER_REQUIRES_HOLDER {
    return SetListed(ds::ProbeOf(root().Coded(id, group.number)), info);
  }

 private:
  // The least number from 1 on that nobody has, so that numbers stay small.
  uint32_t FreeNumber() {
    const ds::CountedTree& spaces = root().tree(kSpaces);
    size_t low = 0;
    size_t high = IndexOf(spaces, {kDeadConsumers, 0, 0});
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      if (ds::NumbersOf(spaces.At(middle).record()).major == middle + 1) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return static_cast<uint32_t>(low + 1);
  }
  Error InsertPending(const ds::SortedProbe& probe, const PendingInfo* info) LARDER_REQUIRES_HOLDER {
    char part[ds::kNumbersBytesMax + kPendingBytes];
    char* end = ds::WriteNumbers(part, probe.numbers);
    if (info != nullptr) {
      WritePending(end, *info);
      end += kPendingBytes;
    }
    char record[1 + sizeof(part)];
    const char* const record_end = ds::WritePart(record, {part, static_cast<size_t>(end - part)});
    return edit_.Insert(kPending, probe, Bytes(record, static_cast<size_t>(record_end - record)));
  }
  Error TakeFrom(uint32_t consumer, StreamId id) LARDER_REQUIRES_HOLDER {
    char* const record = edit_.Change(kSpaces, SpaceProbe(consumer));
    if (record == nullptr) return errors::kAllocationFailed;
    SpaceInfo info = PayloadAs<SpaceInfo>(record);
    --info.pending;
    SetPayload(record, info);
    return edit_.EraseLater(kPending, ds::ProbeOf(root().Coded(id, consumer)));
  }

  StreamEdit edit_;
  uint64_t dead_ = 0;
};

// The group at a key, for changing. Errors: kWrongType, kNoGroup.
Result<Place> LocateGroup(Db& db, Bytes key, Bytes name, Space* group) LARDER_REQUIRES_HOLDER {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateStream(db, key));
  if (place == nullptr || !FindGroup(StreamAt(place).root(), name, group)) return kNoGroup;
  return place;
}

}  // namespace

// ---- XGROUP ---------------------------------------------------------------------------------------------------------

Error CreateGroup(Db& db, Bytes key, Bytes name, const StreamId* id, int64_t entries_read,
                  std::span<const Bytes> command) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateStream(db, key));
  Space group;
  const bool is_new = place == nullptr;
  if (!is_new && FindGroup(StreamAt(place).root(), name, &group)) return kBusyGroup;
  GroupEdit edit(db, key, place);
  LARDER_RETURN_IF_ERROR(edit.Begin());
  SpaceInfo info;
  info.set_last(id != nullptr ? *id : edit.root().last_id);
  info.entries_read = entries_read;
  LARDER_RETURN_IF_ERROR(edit.MakeSpace(0, name, info, &group));
  Change change = GroupChange("xgroup-create", command);
  change.watched = is_new;  // a key has come to be
  return edit.Commit(change);
}

Error SetGroupId(Db& db, Bytes key, Bytes name, const StreamId* id, int64_t entries_read,
                 std::span<const Bytes> command) {
  Space group;
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateGroup(db, key, name, &group));
  GroupEdit edit(db, key, place);
  LARDER_RETURN_IF_ERROR(edit.Begin());
  group.info.set_last(id != nullptr ? *id : edit.root().last_id);
  group.info.entries_read = entries_read;
  LARDER_RETURN_IF_ERROR(edit.Save(group));
  return edit.Commit(GroupChange("xgroup-setid", command));
}

Result<bool> DestroyGroup(Db& db, Bytes key, Bytes name, std::span<const Bytes> command) {
  Space group;
  const Result<Place> place = LocateGroup(db, key, name, &group);
  if (place.error() == kNoGroup) return false;
  LARDER_RETURN_IF_ERROR(place.error());
  GroupEdit edit(db, key, *place);
  LARDER_RETURN_IF_ERROR(edit.Begin());
  LARDER_RETURN_IF_ERROR(edit.Bury(0, name, group));
  LARDER_RETURN_IF_ERROR(edit.Commit(GroupChange("xgroup-destroy", command)));
  return true;
}

Result<bool> CreateConsumer(Db& db, Bytes key, Bytes group_name, Bytes name, std::span<const Bytes> command) {
  Space group;
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateGroup(db, key, group_name, &group));
  Space consumer;
  if (FindConsumer(StreamAt(place).root(), group, name, &consumer)) return false;
  GroupEdit edit(db, key, place);
  LARDER_RETURN_IF_ERROR(edit.Begin());
  bool made = false;
  LARDER_RETURN_IF_ERROR(edit.FindOrMakeConsumer(&group, name, &consumer, &made));
  consumer.info.seen_ms = db.keyspace().now_ms();
  LARDER_RETURN_IF_ERROR(edit.Save(consumer));
  LARDER_RETURN_IF_ERROR(edit.Save(group));
  LARDER_RETURN_IF_ERROR(edit.Commit(GroupChange("xgroup-createconsumer", command)));
  return true;
}

Result<int64_t> DeleteConsumer(Db& db, Bytes key, Bytes group_name, Bytes name, std::span<const Bytes> command) {
  Space group;
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateGroup(db, key, group_name, &group));
  Space consumer;
  if (!FindConsumer(StreamAt(place).root(), group, name, &consumer)) return 0;
  GroupEdit edit(db, key, place);
  LARDER_RETURN_IF_ERROR(edit.Begin());
  LARDER_RETURN_IF_ERROR(edit.Bury(group.number, name, consumer));
  group.info.pending -= consumer.info.pending;
  group.info.dead_pending += consumer.info.pending;
  --group.info.consumers;
  LARDER_RETURN_IF_ERROR(edit.Save(group));
  LARDER_RETURN_IF_ERROR(edit.Commit(GroupChange("xgroup-delconsumer", command)));
  return static_cast<int64_t>(consumer.info.pending);
}

// ---- Acknowledging --------------------------------------------------------------------------------------------------

Result<int64_t> Acknowledge(Db& db, Bytes key, Bytes group_name, size_t count,
                            absl::FunctionRef<StreamId(size_t)> id_at, std::span<const Bytes> command) {
  Space group;
  const Result<Place> place = LocateGroup(db, key, group_name, &group);
  if (place.error() == kNoGroup) return 0;
  LARDER_RETURN_IF_ERROR(place.error());
  GroupEdit edit(db, key, *place);
  int64_t acknowledged = 0;
  for (size_t i = 0; i < count; ++i) {
    PendingInfo info;
    const StreamId id = id_at(i);
    if (!edit.Pending(group, id, &info)) continue;
    if (acknowledged++ == 0) LARDER_RETURN_IF_ERROR(edit.Begin());
    LARDER_RETURN_IF_ERROR(edit.Forget(&group, id, info, nullptr));
  }
  if (acknowledged == 0) return 0;
  LARDER_RETURN_IF_ERROR(edit.Save(group));
  LARDER_RETURN_IF_ERROR(edit.Commit(QuietChange("xack", false, command)));
  return acknowledged;
}

// ---- Delivering -----------------------------------------------------------------------------------------------------

namespace {

// The group has been given the entry.
void Advance(const StreamRoot& root, StreamId id, SpaceInfo* group) {
  if (id <= group->last()) return;
  if (group->entries_read != -1 && !HasDeleted(root, id)) {
    ++group->entries_read;
  } else if (root.entries_added != 0) {
    group->entries_read = EntriesUpTo(root, id);
  }
  group->set_last(id);
}

}  // namespace

Error DeliverNew(Db& db, Bytes key, const Reading& reading, size_t* first, size_t* given) {
  Space group;
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateGroup(db, key, reading.group, &group));
  const Stream stream = StreamAt(place);
  *first = stream.IndexBehind(group.info.last());
  *given = stream.length() - *first;
  if (reading.count != 0) *given = std::min(*given, reading.count);
  if (*given == 0) return kOk;
  GroupEdit edit(db, key, place);
  LARDER_RETURN_IF_ERROR(edit.Begin());
  Space consumer;
  bool made = false;
  LARDER_RETURN_IF_ERROR(edit.FindOrMakeConsumer(&group, reading.consumer, &consumer, &made));
  const int64_t now_ms = db.keyspace().now_ms();
  consumer.info.seen_ms = now_ms;
  LARDER_RETURN_IF_ERROR(edit.Save(consumer));
  const PendingInfo given_info{consumer.number, now_ms, 1};
  Error error = kOk;
  // The tree of entries is not changed meanwhile.
  edit.root().tree(kEntries).ForRange(*first, *given, false, [&](const char* record) {
    base::AssertHolder();
    const StreamId id = edit.root().Decoded(ds::NumbersOf(record));
    Advance(edit.root(), id, &group.info);
    if (!reading.no_ack) error = edit.Give(&group, &consumer, id, given_info);
    return error.ok();
  });
  LARDER_RETURN_IF_ERROR(error);
  LARDER_RETURN_IF_ERROR(edit.Save(consumer));
  LARDER_RETURN_IF_ERROR(edit.Save(group));
  char digits[base::kIntChars];
  const Bytes count = base::FormatUint64(*given, digits);
  Bytes command[10] = {"XREADGROUP", "GROUP", reading.group, reading.consumer, "COUNT", count};
  size_t words = 6;
  if (reading.no_ack) command[words++] = "NOACK";
  for (const Bytes word : {Bytes("STREAMS"), key, Bytes(">")}) command[words++] = word;
  return edit.Commit(QuietChange("xreadgroup", made, {command, words}));
}

Error DeliverAgain(Db& db, Bytes key, const Reading& reading, StreamId after, base::Buffer* ids) {
  Space group;
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateGroup(db, key, reading.group, &group));
  GroupEdit edit(db, key, place);
  LARDER_RETURN_IF_ERROR(edit.Begin());
  Space consumer;
  bool made = false;
  LARDER_RETURN_IF_ERROR(edit.FindOrMakeConsumer(&group, reading.consumer, &consumer, &made));
  const int64_t now_ms = db.keyspace().now_ms();
  consumer.info.seen_ms = now_ms;
  LARDER_RETURN_IF_ERROR(edit.Save(consumer));
  LARDER_RETURN_IF_ERROR(edit.Save(group));
  StreamId from = after;
  bool ok = true;
  size_t left = reading.count == 0 ? SIZE_MAX : reading.count;
  if (from.Increment()) {
    ForOwned(edit.root(), consumer, from, [&](StreamId id) { return left-- != 0 && (ok = AppendId(id, ids)); });
  }
  if (!ok) return errors::kAllocationFailed;
  for (size_t i = 0; i < IdCount(*ids); ++i) {
    const StreamId id = IdIn(*ids, i);
    PendingInfo info;
    if (!Stream(&edit.root()).Contains(id) || !edit.Pending(group, id, &info)) continue;
    info.delivered_ms = now_ms;
    ++info.deliveries;
    LARDER_RETURN_IF_ERROR(edit.SetListed(group, id, info));
  }
  char digits[base::kIntChars];
  IdText text;
  const Bytes command[] = {"XREADGROUP", "GROUP",   reading.group, reading.consumer, "COUNT",
                           base::FormatUint64(reading.count, digits), "STREAMS", key, FormatId(after, text)};
  return edit.Commit(QuietChange("xreadgroup", made, command));
}

// ---- Claiming -------------------------------------------------------------------------------------------------------

namespace {

// What XCLAIM and XAUTOCLAIM do with one ID after another.
class Claiming {
 public:
  Claiming(Db& db, Bytes key, const Place& place, const Claim& claim, const Space& group) LARDER_REQUIRES_HOLDER
      : edit_(db, key, place), claim_(claim), group_(group), now_ms_(db.keyspace().now_ms()) {}

  Error Begin() LARDER_REQUIRES_HOLDER {
    LARDER_RETURN_IF_ERROR(edit_.Begin());
    has_consumer_ = FindConsumer(edit_.root(), group_, claim_.consumer, &consumer_);
    if (has_consumer_) consumer_.info.seen_ms = now_ms_;
    return kOk;
  }
  const StreamRoot& root() { return edit_.root(); }
  Space& group() { return group_; }
  bool Pending(StreamId id, PendingInfo* info) { return edit_.Pending(group_, id, info); }
  bool IsIdle(const PendingInfo& info) const {
    return claim_.idle_min_ms == 0 || now_ms_ - info.delivered_ms >= claim_.idle_min_ms;
  }
  Error Forget(StreamId id, const PendingInfo& info) LARDER_REQUIRES_HOLDER {
    changed_ = true;
    return edit_.Forget(&group_, id, info, has_consumer_ ? &consumer_ : nullptr);
  }
  Error Take(StreamId id, const PendingInfo& had) LARDER_REQUIRES_HOLDER {
    changed_ = true;
    if (!has_consumer_) {
      LARDER_RETURN_IF_ERROR(edit_.FindOrMakeConsumer(&group_, claim_.consumer, &consumer_, &made_));
      has_consumer_ = true;
      consumer_.info.seen_ms = now_ms_;
    }
    PendingInfo info{consumer_.number, claim_.delivered_ms == -1 ? now_ms_ : claim_.delivered_ms, had.deliveries};
    if (claim_.deliveries >= 0) {
      info.deliveries = static_cast<uint64_t>(claim_.deliveries);
    } else if (!claim_.just_id) {
      ++info.deliveries;
    }
    return edit_.Give(&group_, &consumer_, id, info);
  }
  void SetChanged() { changed_ = true; }
  Error Commit(Bytes name, std::span<const Bytes> command) LARDER_REQUIRES_HOLDER {
    if (has_consumer_) LARDER_RETURN_IF_ERROR(edit_.Save(consumer_));
    LARDER_RETURN_IF_ERROR(edit_.Save(group_));
    Change change = QuietChange(name, made_, command);
    if (!changed_) change.event = {};  // but for the time at which the consumer was seen
    return edit_.Commit(change);
  }

 private:
  GroupEdit edit_;
  const Claim& claim_;
  Space group_;
  Space consumer_;
  bool has_consumer_ = false;
  bool made_ = false;
  bool changed_ = false;
  const int64_t now_ms_;
};

}  // namespace

Error ClaimSome(Db& db, Bytes key, const Claim& claim, size_t count, absl::FunctionRef<StreamId(size_t)> id_at,
                std::span<const Bytes> command, base::Buffer* claimed) {
  Space group;
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateGroup(db, key, claim.group, &group));
  Claiming claiming(db, key, place, claim, group);
  LARDER_RETURN_IF_ERROR(claiming.Begin());
  if (claim.last_id > group.info.last()) {
    claiming.group().info.set_last(claim.last_id);
    claiming.SetChanged();
  }
  for (size_t i = 0; i < count; ++i) {
    const StreamId id = id_at(i);
    PendingInfo info;
    const bool pending = claiming.Pending(id, &info);
    if (!Stream(&claiming.root()).Contains(id)) {
      if (pending) LARDER_RETURN_IF_ERROR(claiming.Forget(id, info));
      continue;
    }
    if (!pending && !claim.force) continue;
    if (pending && !claiming.IsIdle(info)) continue;
    LARDER_RETURN_IF_ERROR(claiming.Take(id, pending ? info : PendingInfo{0, 0, 1}));
    if (!AppendId(id, claimed)) return errors::kAllocationFailed;
  }
  return claiming.Commit("xclaim", command);
}

Error ClaimIdle(Db& db, Bytes key, const Claim& claim, StreamId from, size_t count, std::span<const Bytes> command,
                base::Buffer* claimed, base::Buffer* deleted, StreamId* next) {
  constexpr size_t kLooksPerClaim = 10;
  Space group;
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateGroup(db, key, claim.group, &group));
  Claiming claiming(db, key, place, claim, group);
  LARDER_RETURN_IF_ERROR(claiming.Begin());
  bool more = true;
  for (size_t looks = count * kLooksPerClaim; looks > 0 && count > 0 && more; --looks) {
    const PendingWalk walk(claiming.root(), claiming.group(), from);
    if (walk.done()) break;
    const StreamId id = walk.id();
    const PendingInfo info = walk.info();
    from = id;
    more = from.Increment();
    if (!Stream(&claiming.root()).Contains(id)) {
      LARDER_RETURN_IF_ERROR(claiming.Forget(id, info));
      if (!AppendId(id, deleted)) return errors::kAllocationFailed;
      --count;
      continue;
    }
    if (!claiming.IsIdle(info)) continue;
    LARDER_RETURN_IF_ERROR(claiming.Take(id, info));
    if (!AppendId(id, claimed)) return errors::kAllocationFailed;
    --count;
  }
  *next = kMinId;
  if (more) {
    const PendingWalk walk(claiming.root(), claiming.group(), from);
    if (!walk.done()) *next = walk.id();
  }
  return claiming.Commit("xautoclaim", command);
}

}  // namespace larder::inline v0::ops::streams
