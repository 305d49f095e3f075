#include "lib/ops/hashes.h"

#include <cmath>

#include "lib/base/numbers.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::ops::hashes {
namespace {

using keyspace::Change;
using keyspace::Collection;
using keyspace::CollectionEdit;
using keyspace::Db;
using keyspace::Encoding;
using keyspace::EventClass;
using keyspace::Lookup;
using keyspace::Place;
using keyspace::Type;

constexpr ds::RecordFormat kHashedPairs{1, 2, ds::RecordFormat::Order::kHashOfPart};
constexpr keyspace::Form kSmall{Type::kHash, Encoding::kListpack};
constexpr keyspace::Form kLarge{Type::kHash, Encoding::kHashtable};
constexpr keyspace::Event kThenDel[] = {{EventClass::kGeneric, "del"}};

Change HashChange(Bytes event, std::span<const Bytes> command) { return {EventClass::kHash, event, command}; }

// A hash that is there, or a new one, for changing.
class HashEdit {
 public:
  HashEdit(Db& db, Bytes key, const Place& place, bool several) LARDER_REQUIRES_HOLDER
      : config_(db.keyspace().config()),
        edit_(db, key, place, kSmall, kPackedPairs,
              place != nullptr && place->encoding() == Encoding::kHashtable ? kHashedPairs : kPackedPairs, several) {}

  bool Find(Bytes field, Bytes* value) {
    if (!edit_.Find(field, &spot_)) return false;
    *value = ds::PartOf(spot_.record, edit_.format(), 1);
    return true;
  }
  // True if the field is new.
  Result<bool> Set(Bytes field, Bytes value) LARDER_REQUIRES_HOLDER {
    bool is_new = !edit_.Find(field, &spot_);
    // Before anything is changed, since it may fail.
    if (field.size() > config_.hash_packed_value_max || value.size() > config_.hash_packed_value_max ||
        edit_.size() + is_new > config_.hash_packed_entries_max) {
      LARDER_RETURN_IF_ERROR(Enlarge());
      is_new = !edit_.Find(field, &spot_);
    }
    keyspace::RecordDraft draft = edit_.Draft();
    if (!draft.Part(field) || !draft.Part(value)) return errors::kAllocationFailed;
    LARDER_RETURN_IF_ERROR(is_new ? edit_.Insert(spot_, draft) : edit_.Replace(spot_, draft));
    return is_new;
  }
  Result<int64_t> EraseAll(std::span<const Bytes> fields) LARDER_REQUIRES_HOLDER { return edit_.EraseAll(fields); }
  Error Commit(const Change& change) LARDER_REQUIRES_HOLDER {
    Change gone = change;
    gone.more = kThenDel;
    return edit_.Commit(change, gone);
  }

 private:
  Error Enlarge() LARDER_REQUIRES_HOLDER {
    if (edit_.form().encoding == Encoding::kHashtable) return kOk;
    edit_.set_form(kLarge);
    return edit_.SetLarge(kHashedPairs);
  }

  const keyspace::KeyspaceConfig& config_;
  CollectionEdit edit_;
  CollectionEdit::Spot spot_;
};

Result<Place> LocateHash(Db& db, Bytes key) LARDER_REQUIRES_HOLDER {
  const Place place = db.Locate(key, Lookup::kWrite);
  if (place != nullptr && place->type() != Type::kHash) return errors::kWrongType;
  return place;
}

}  // namespace

Result<Collection> Open(Db& db, Bytes key, Lookup how) {
  const keyspace::Entry* const entry = db.Find(key, how);
  if (entry != nullptr && entry->type() != Type::kHash) return errors::kWrongType;
  return Collection(entry, kPackedPairs);
}

bool Find(const Collection& hash, Bytes field, Bytes* value) {
  const char* const record = hash.Find(field);
  if (record == nullptr) return false;
  *value = ValueOf(hash, record);
  return true;
}

Result<int64_t> Set(Db& db, Bytes key, std::span<const Bytes> fields_and_values, std::span<const Bytes> command) {
  LARDER_DCHECK(!fields_and_values.empty() && fields_and_values.size() % 2 == 0);
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateHash(db, key));
  HashEdit hash(db, key, place, fields_and_values.size() > 2);
  int64_t added = 0;
  for (size_t i = 0; i < fields_and_values.size(); i += 2) {
    LARDER_ASSIGN_OR_RETURN(const bool is_new, hash.Set(fields_and_values[i], fields_and_values[i + 1]));
    added += is_new;
  }
  LARDER_RETURN_IF_ERROR(hash.Commit(HashChange("hset", command)));
  return added;
}

Result<bool> SetIfMissing(Db& db, Bytes key, Bytes field, Bytes value) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateHash(db, key));
  HashEdit hash(db, key, place, false);
  Bytes old;
  if (hash.Find(field, &old)) return false;
  LARDER_RETURN_IF_ERROR(hash.Set(field, value).error());
  const Bytes command[] = {"HSET", key, field, value};
  LARDER_RETURN_IF_ERROR(hash.Commit(HashChange("hset", command)));
  return true;
}

Result<int64_t> Delete(Db& db, Bytes key, std::span<const Bytes> fields, std::span<const Bytes> command) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateHash(db, key));
  if (place == nullptr) return 0;
  HashEdit hash(db, key, place, fields.size() > 1);
  LARDER_ASSIGN_OR_RETURN(const int64_t deleted, hash.EraseAll(fields));
  if (deleted == 0) return 0;
  LARDER_RETURN_IF_ERROR(hash.Commit(HashChange("hdel", command)));
  return deleted;
}

Result<int64_t> IncrementBy(Db& db, Bytes key, Bytes field, int64_t by) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateHash(db, key));
  HashEdit hash(db, key, place, false);
  int64_t value = 0;
  Bytes text;
  if (hash.Find(field, &text) && !base::ParseInt64(text, &value)) return errors::kHashNotInteger;
  if (__builtin_add_overflow(value, by, &value)) return errors::kOverflow;
  strings::Digits digits, by_digits;
  LARDER_RETURN_IF_ERROR(hash.Set(field, base::FormatInt64(value, digits.room)).error());
  const Bytes command[] = {"HINCRBY", key, field, base::FormatInt64(by, by_digits.room)};
  LARDER_RETURN_IF_ERROR(hash.Commit(HashChange("hincrby", command)));
  return value;
}

Result<Bytes> IncrementByFloat(Db& db, Bytes key, Bytes field, long double by, strings::FloatDigits& digits) {
  LARDER_ASSIGN_OR_RETURN(const Place place, LocateHash(db, key));
  HashEdit hash(db, key, place, false);
  long double value = 0;
  Bytes text;
  if (hash.Find(field, &text) && !base::ParseLongDouble(text, &value)) return errors::kHashNotFloat;
  value += by;
  if (!std::isfinite(value)) return errors::kNanOrInfinity;
  const Bytes sum = base::FormatLongDoubleHuman(value, digits.room);
  LARDER_RETURN_IF_ERROR(hash.Set(field, sum).error());
  const Bytes command[] = {"HSET", key, field, sum};
  LARDER_RETURN_IF_ERROR(hash.Commit(HashChange("hincrbyfloat", command)));
  return sum;
}

}  // namespace larder::inline v0::ops::hashes
