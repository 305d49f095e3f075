// The bitmap ops.
//
// Encodings as in Redis: whatever SETBIT or BITFIELD has been about to write into is "raw" afterwards, even if all bits
// are as they were, which is not a change for anybody else. BITOP's result is always "raw".
#include "lib/ops/bits.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>

#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"
#include "lib/ops/strings.h"

namespace larder::inline v0::ops::bits {
namespace {

using keyspace::Change;
using keyspace::Db;
using keyspace::Effects;
using keyspace::Encoding;
using keyspace::Entry;
using keyspace::EventClass;
using keyspace::Lookup;
using keyspace::Place;
using strings::Digits;
using strings::kRawString;

// As in Redis a field may begin at any bit within the limit of a string's length, and so end behind it.
constexpr size_t kBytesBeyondLimit = 8;

Change BitChange(std::span<const Bytes> command) { return {EventClass::kString, "setbit", command}; }

// The string at a place where one is or may be.
Result<Bytes> TextAt(const Place& place, Digits& digits) {
  if (place == nullptr) return Bytes();
  if (place->type() != keyspace::Type::kString) return errors::kWrongType;
  return strings::TextOf(*place, digits).bytes;
}

bool IsRaw(const Place& place) { return place != nullptr && place->encoding() == Encoding::kRaw; }

}  // namespace

Result<bool> Set(Db& db, Bytes key, uint64_t offset, bool bit) {
  const Place place = db.Locate(key, Lookup::kWrite);
  Digits digits;
  LARDER_ASSIGN_OR_RETURN(const Bytes text, TextAt(place, digits));
  const size_t size = std::max<size_t>(text.size(), offset / 8 + 1);
  const bool grows = size > text.size();
  const bool before = LoadBits(text, offset, 1) != 0;
  const bool changes = grows || before != bit;
  if (!changes && IsRaw(place)) return before;
  if (grows) LARDER_RETURN_IF_ERROR(strings::CheckLength(db, size));

  Digits offset_digits;
  const bool wanted = db.keyspace().effects().wants(Effects::kCommands);
  const Bytes command[] = {"SETBIT", key, wanted ? base::FormatUint64(offset, offset_digits.room) : Bytes(),
                           bit ? "1" : "0"};
  auto edit = [&](char* bytes) { StoreBits(bytes, offset, 1, bit); };
  const Change change = changes ? BitChange(command) : Change{};
  LARDER_RETURN_IF_ERROR(db.EditBytes(key, place, kRawString, size, edit, change).error());
  return before;
}

// ---- BITOP ----------------------------------------------------------------------------------------------------------

namespace {

struct Source {
  Bytes bytes;
  Digits digits;
};

// All sources, in place: few of them on the stack.
class Sources {
 public:
  // kWrongType: none is looked at beyond the first that is no string.
  Error Read(Db& db, std::span<const Bytes> keys) LARDER_REQUIRES_HOLDER {
    Source* all = few_;
    if (keys.size() > std::size(few_)) {
      many_.reset(new (std::nothrow) Source[keys.size()]);
      all = many_.get();
      if (all == nullptr) return errors::kAllocationFailed;
    }
    sources_ = {all, keys.size()};
    for (size_t i = 0; i < keys.size(); ++i) {
      // Finding one may delete another that has expired, but moves none.
      LARDER_ASSIGN_OR_RETURN(const strings::Text text, strings::Read(db, keys[i], all[i].digits));
      all[i].bytes = text.bytes;
      size_ = std::max(size_, text.bytes.size());
    }
    return kOk;
  }
  // Of the longest.
  size_t size() const { return size_; }
  std::span<const Source> all() const { return sources_; }

 private:
  Source few_[8];
  std::unique_ptr<Source[]> many_;
  std::span<const Source> sources_;
  size_t size_ = 0;
};

// Writes the bytes from `at` on, `size` of them, of the result. What a source lacks is 0.
void CombinePart(Operation operation, std::span<const Source> sources, size_t at, size_t size, char* to) {
  auto part_of = [&](const Source& source) { return source.bytes.substr(std::min(at, source.bytes.size()), size); };
  const Bytes first = part_of(sources[0]);
  if (operation == Operation::kNot) return InvertInto(to, first);
  base::CopyBytes(to, first);
  if (first.size() < size) std::memset(to + first.size(), 0, size - first.size());
  for (const Source& source : sources.subspan(1)) {
    const Bytes part = part_of(source);
    CombineInto(to, operation, part);
    if (operation == Operation::kAnd && part.size() < size) std::memset(to + part.size(), 0, size - part.size());
  }
}

// In parts that stay in the processor's first cache while one source after another is combined with them.
void CombineAll(Operation operation, const Sources& sources, char* to) {
  constexpr size_t kPartBytes = 8 * 1024;
  for (size_t at = 0; at < sources.size(); at += kPartBytes) {
    CombinePart(operation, sources.all(), at, std::min(kPartBytes, sources.size() - at), to + at);
  }
}

}  // namespace

Result<int64_t> Combine(Db& db, Operation operation, Bytes destination, std::span<const Bytes> keys,
                        std::span<const Bytes> command) {
  LARDER_DCHECK(!keys.empty() && (operation != Operation::kNot || keys.size() == 1));
  Sources sources;
  LARDER_RETURN_IF_ERROR(sources.Read(db, keys));
  const size_t size = sources.size();
  if (size == 0) {
    const Bytes deletion[] = {"DEL", destination};
    db.DeleteAny(destination, {EventClass::kGeneric, "del", deletion});
    return 0;
  }
  const Change change{EventClass::kString, "set", command};
  char room[memory::kInlineValueMax];
  memory::BlockRef block;
  keyspace::StringSource value{Entry::Storage::kInline, Encoding::kRaw, 0, {room, size}, nullptr};
  if (size > memory::kInlineValueMax) {
    block = memory::BlockRef::Adopt(db.keyspace().blocks().New(size, size));
    if (!block) return errors::kAllocationFailed;
    value = {Entry::Storage::kBlock, Encoding::kRaw, 0, block->view(), &block};
  }
  CombineAll(operation, sources, block ? block->data() : room);
  // Only now, as this may delete what has expired: a source may be the destination.
  const Place place = db.Locate(destination, Lookup::kWrite);
  LARDER_RETURN_IF_ERROR(db.PutString(destination, place, value, keyspace::kNoExpiry, change).error());
  return static_cast<int64_t>(size);
}

// ---- BITFIELD -------------------------------------------------------------------------------------------------------

namespace {

using Kind = FieldStep::Kind;
using Overflow = FieldStep::Overflow;

// What numbers of a step's type there are.
int64_t LeastOf(const FieldStep& step) { return step.is_signed ? INT64_MIN >> (64 - step.width) : 0; }
int64_t MostOf(const FieldStep& step) {
  const uint64_t all = ~uint64_t{0} >> (64 - step.width);
  return static_cast<int64_t>(step.is_signed ? all >> 1 : all);
}

// The number that the lowest bits are, in the step's type.
int64_t NumberOf(const FieldStep& step, uint64_t bits) {
  const unsigned unused = 64u - step.width;
  return step.is_signed ? static_cast<int64_t>(bits << unused) >> unused
                        : static_cast<int64_t>(bits << unused >> unused);
}

int64_t Load(const FieldStep& step, Bytes text) { return NumberOf(step, LoadBits(text, step.offset, step.width)); }

// What a step makes of `old`, or nullopt if it fails.
std::optional<int64_t> ValueAfter(const FieldStep& step, int64_t old) {
  int64_t value = step.value;
  bool below = false, above = false;
  if (step.kind == Kind::kSet) {
    above = !step.is_signed && value < 0;  // it is taken without its sign
  } else if (__builtin_add_overflow(old, step.value, &value)) {  // which leaves the sum's lowest bits
    (step.value < 0 ? below : above) = true;
  }
  if (!below && !above) {
    below = value < LeastOf(step);
    above = value > MostOf(step);
    if (!below && !above) return value;
  }
  switch (step.overflow) {
    case Overflow::kWrap: return NumberOf(step, static_cast<uint64_t>(value));
    case Overflow::kSaturate: return below ? LeastOf(step) : MostOf(step);
    case Overflow::kFail: break;
  }
  return std::nullopt;
}

}  // namespace

Error RunFields(Db& db, Bytes key, std::span<const FieldStep> steps, std::span<const Bytes> command,
                FieldResult result) {
  uint64_t needed = 0;
  for (const FieldStep& step : steps) needed = std::max(needed, step.bytes_needed());
  Digits digits;
  if (needed == 0) {
    LARDER_ASSIGN_OR_RETURN(const strings::Text text, strings::Read(db, key, digits));
    for (const FieldStep& step : steps) result(Load(step, text.bytes));
    return kOk;
  }
  const Place place = db.Locate(key, Lookup::kWrite);
  LARDER_ASSIGN_OR_RETURN(const Bytes text, TextAt(place, digits));
  const size_t size = std::max<size_t>(text.size(), needed);
  const bool grows = size > text.size();
  if (grows) LARDER_RETURN_IF_ERROR(strings::CheckLength(db, size - std::min(size, kBytesBeyondLimit)));

  uint64_t changes = 0;
  Change change;  // looked at after the edit, which is what finds out whether it is one
  auto edit = [&](char* bytes) {
    for (const FieldStep& step : steps) {
      const int64_t old = Load(step, {bytes, size});
      if (step.kind == Kind::kGet) {
        result(old);
        continue;
      }
      const std::optional<int64_t> value = ValueAfter(step, old);
      result(step.kind == Kind::kSet && value.has_value() ? old : value);
      if (!value.has_value()) continue;
      StoreBits(bytes, step.offset, step.width, static_cast<uint64_t>(*value));
      changes += grows || *value != old;
    }
    if (changes != 0) change = BitChange(command);
  };
  LARDER_RETURN_IF_ERROR(db.EditBytes(key, place, kRawString, size, edit, change).error());
  Effects& effects = db.keyspace().effects();
  if (changes == 0 && grows) effects.Count();  // told to nobody, and yet something was done
  if (changes != 0 || grows) effects.AdjustDirty(static_cast<int64_t>(changes) - 1);
  return kOk;
}

keyspace::Growth GrowthOf(Db* db, Bytes key, uint64_t end, uint64_t string_bytes_max) {
  const uint64_t end_max = string_bytes_max + kBytesBeyondLimit;
  if (end == 0 || end > end_max) return {.bytes = key.size()};
  if (db == nullptr) return strings::GrowthOfSetRange(key, static_cast<int64_t>(end) - 1, "0", end_max);
  base::AssertHolder();  // who gives a database has the executor
  if (db->Look(key) == Db::Presence::kThere) end = std::max<uint64_t>(end, db->BlockBytes(key));
  return {.bytes = key.size() + db->BytesToEdit(key, end), .value_bytes = end};
}

}  // namespace larder::inline v0::ops::bits
