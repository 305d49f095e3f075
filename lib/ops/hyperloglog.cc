// The HyperLogLog ops.
//
// A dense string is edited where it is. A sparse one, up to some kilobytes, is edited in a copy, since it may become
// dense, or turn out to be corrupt, at any of several elements; one that no element changes is only read. Whatever is
// looked at for an edit is "raw" afterwards, as in Redis, which is not a change for anybody else.
#include "lib/ops/hyperloglog.h"

#include <algorithm>
#include <cstring>

#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::ops::hll {
namespace {

using keyspace::Change;
using keyspace::Db;
using keyspace::Encoding;
using keyspace::Entry;
using keyspace::EventClass;
using keyspace::Lookup;
using keyspace::Place;
using strings::Digits;
using strings::kRawString;

// The HyperLogLog of an entry.
Result<Bytes> HllOf(const Entry& entry, Digits& digits) {
  if (entry.type() != keyspace::Type::kString) return errors::kWrongType;
  const Bytes text = strings::TextOf(entry, digits).bytes;
  if (!IsHyperLogLog(text)) return errors::kNotHyperLogLog;
  return text;
}

Error ErrorOf(Outcome outcome) {
  if (outcome == Outcome::kCorrupt) return errors::kCorruptHyperLogLog;
  if (outcome == Outcome::kNoMemory) return errors::kAllocationFailed;
  return kOk;
}

Error MakeRaw(Db& db, Bytes key, const Place& place, size_t size) LARDER_REQUIRES_HOLDER {
  if (place->encoding() == Encoding::kRaw) return kOk;
  return db.EditBytes(key, place, kRawString, size, [](char*) {}, {}).error();
}

// Puts what was worked on in the place of what was there.
Error Store(Db& db, Bytes key, const Place& place, const Sketch& sketch, const Change& change) LARDER_REQUIRES_HOLDER {
  const Bytes text = sketch.text();
  if (place != nullptr && IsDense(text)) {  // which it was not, and grows no more: an edit would leave it room
    const keyspace::StringSource value{Entry::Storage::kBlock, Encoding::kRaw, 0, text, nullptr};
    return db.PutString(key, place, value, place->expiry_ms(), change).error();
  }
  auto edit = [&](char* bytes) { base::CopyBytes(bytes, text); };
  return db.EditBytes(key, place, kRawString, text.size(), edit, change).error();
}

// REQUIRES: some of them raises a register.
Error AddToDense(Db& db, Bytes key, const Place& place, std::span<const Bytes> elements, const Change& change)
    LARDER_REQUIRES_HOLDER {
  int64_t raised = 0;
  auto edit = [&](char* text) {
    for (const Bytes element : elements) raised += RaiseDense(text, ElementOf(element)) == Outcome::kRaised;
    MarkCountStale(text);
  };
  LARDER_RETURN_IF_ERROR(db.EditBytes(key, place, kRawString, kDenseBytes, edit, change).error());
  db.keyspace().effects().AdjustDirty(raised - 1);
  return kOk;
}

// Where the first element is that raises a register, or the number of elements.
Result<size_t> FirstThatRaises(Bytes text, std::span<const Bytes> elements) {
  for (size_t i = 0; i < elements.size(); ++i) {
    const Outcome outcome = WouldRaise(text, ElementOf(elements[i]));
    LARDER_RETURN_IF_ERROR(ErrorOf(outcome));
    if (outcome == Outcome::kRaised) return i;
  }
  return elements.size();
}

// The union of all that are there.
struct Union {
  Registers registers;
  bool dense = false;  // one of them is

  Error Add(Db& db, Bytes key) LARDER_REQUIRES_HOLDER {
    const Entry* const entry = db.Find(key, Lookup::kRead);
    if (entry == nullptr) return kOk;
    Digits digits;
    LARDER_ASSIGN_OR_RETURN(const Bytes text, HllOf(*entry, digits));
    dense |= IsDense(text);
    return registers.Merge(text) ? kOk : Error(errors::kCorruptHyperLogLog);
  }
};

}  // namespace

Result<bool> Add(Db& db, Bytes key, std::span<const Bytes> elements, size_t sparse_bytes_max,
                 std::span<const Bytes> command) {
  const Place place = db.Locate(key, Lookup::kWrite);
  const Change change{EventClass::kString, "pfadd", command};
  Sketch sketch;
  int64_t raised = 0;
  if (place == nullptr) {
    if (!sketch.MakeEmpty()) return errors::kAllocationFailed;
    ++raised;
  } else {
    Digits digits;
    LARDER_ASSIGN_OR_RETURN(const Bytes text, HllOf(*place, digits));
    LARDER_ASSIGN_OR_RETURN(const size_t first, FirstThatRaises(text, elements));
    if (first == elements.size()) {
      LARDER_RETURN_IF_ERROR(MakeRaw(db, key, place, text.size()));
      return false;
    }
    elements = elements.subspan(first);
    if (IsDense(text)) {
      LARDER_RETURN_IF_ERROR(AddToDense(db, key, place, elements, change));
      return true;
    }
    if (!sketch.Load(text)) return errors::kAllocationFailed;
  }
  for (const Bytes element : elements) {
    const Outcome outcome = sketch.Raise(ElementOf(element), sparse_bytes_max);
    LARDER_RETURN_IF_ERROR(ErrorOf(outcome));
    raised += outcome == Outcome::kRaised;
  }
  LARDER_RETURN_IF_ERROR(Store(db, key, place, sketch, change));
  db.keyspace().effects().AdjustDirty(raised - 1);
  return true;
}

Result<int64_t> Count(Db& db, Bytes key) {
  const Place place = db.Locate(key, Lookup::kRead);
  if (place == nullptr) return 0;
  Digits digits;
  LARDER_ASSIGN_OR_RETURN(const Bytes text, HllOf(*place, digits));
  const std::optional<int64_t> kept = KeptCount(text);
  if (kept.has_value()) {
    LARDER_RETURN_IF_ERROR(MakeRaw(db, key, place, text.size()));
    return *kept;
  }
  const std::optional<int64_t> count = Estimate(text);
  if (!count.has_value()) return errors::kCorruptHyperLogLog;
  const Bytes command[] = {"PFCOUNT", key};
  const Change change{EventClass::kSilent, "pfcount", command};
  auto edit = [&](char* bytes) { KeepCount(bytes, *count); };
  LARDER_RETURN_IF_ERROR(db.EditBytes(key, place, kRawString, text.size(), edit, change).error());
  return *count;
}

Result<int64_t> CountUnion(Db& db, std::span<const Bytes> keys) {
  Union all;
  for (const Bytes key : keys) LARDER_RETURN_IF_ERROR(all.Add(db, key));
  return all.registers.Estimate();
}

Error Merge(Db& db, std::span<const Bytes> keys, size_t sparse_bytes_max, std::span<const Bytes> command) {
  Union all;
  for (const Bytes key : keys) LARDER_RETURN_IF_ERROR(all.Add(db, key));
  const Bytes key = keys[0];
  const Place place = db.Locate(key, Lookup::kWrite);
  const Change change{EventClass::kString, "pfadd", command};
  Sketch sketch;
  if (place == nullptr) {
    if (!sketch.MakeEmpty()) return errors::kAllocationFailed;
  } else {
    Digits digits;
    LARDER_ASSIGN_OR_RETURN(const Bytes text, HllOf(*place, digits));
    if (IsDense(text)) {  // what is there is in the union
      auto edit = [&](char* bytes) {
        all.registers.WriteDense(bytes);
        MarkCountStale(bytes);
      };
      return db.EditBytes(key, place, kRawString, kDenseBytes, edit, change).error();
    }
    if (!sketch.Load(text)) return errors::kAllocationFailed;
  }
  if (all.dense) LARDER_RETURN_IF_ERROR(ErrorOf(sketch.MakeDense()));
  LARDER_RETURN_IF_ERROR(ErrorOf(sketch.RaiseAll(all.registers, sparse_bytes_max)));
  MarkCountStale(sketch.data());
  return Store(db, key, place, sketch, change);
}

Result<Bytes> ReadForDebug(Db& db, Bytes key, const Place& place) {
  Digits digits;
  LARDER_ASSIGN_OR_RETURN(const Bytes text, HllOf(*place, digits));  // too long for digits
  if (place->encoding() == Encoding::kRaw) return text;
  LARDER_RETURN_IF_ERROR(MakeRaw(db, key, place, text.size()));
  return HllOf(*db.Find(key, Lookup::kPeek), digits);
}

Result<bool> MakeDense(Db& db, Bytes key) {
  const Place place = db.Locate(key, Lookup::kPeek);
  LARDER_DCHECK(place != nullptr);
  Digits digits;
  LARDER_ASSIGN_OR_RETURN(const Bytes text, HllOf(*place, digits));
  if (IsDense(text)) return false;
  Sketch sketch;
  if (!sketch.Load(text)) return errors::kAllocationFailed;
  LARDER_RETURN_IF_ERROR(ErrorOf(sketch.MakeDense()));
  LARDER_RETURN_IF_ERROR(Store(db, key, place, sketch, {}));
  db.keyspace().effects().Count();
  return true;
}

keyspace::Growth GrowthOf(Db* db, Bytes key) {
  size_t bytes = kDenseBytes;
  if (db != nullptr) {
    base::AssertHolder();  // who gives a database has the executor
    if (db->BlockBytes(key) == kDenseBytes) bytes = db->BytesToEdit(key, kDenseBytes);
  }
  return {.bytes = key.size() + bytes, .value_bytes = kDenseBytes};
}

}  // namespace larder::inline v0::ops::hll
