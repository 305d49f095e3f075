#include "lib/ops/set_value.h"

#include "lib/base/check.h"
#include "lib/keyspace/errors.h"

namespace larder::inline v0::ops::sets {
namespace {

using ds::RecordFormat;
using keyspace::Change;
using keyspace::Db;
using keyspace::Encoding;
using keyspace::Entry;
using keyspace::EventClass;
using keyspace::Lookup;
using keyspace::Place;
using keyspace::Type;

constexpr RecordFormat kTexts{0, 1, RecordFormat::Order::kPosition};
constexpr RecordFormat kHashedTexts{1, 1, RecordFormat::Order::kHashOfPart};
constexpr keyspace::Form kNumbersForm{Type::kSet, Encoding::kIntset};
constexpr keyspace::Form kTableForm{Type::kSet, Encoding::kHashtable};
constexpr size_t kLeastWidth = sizeof(int16_t);

// ---- Integers as records --------------------------------------------------------------------------------------------

constexpr RecordFormat NumbersOf(size_t width) {
  return {static_cast<uint8_t>(width), 0, RecordFormat::Order::kSorted};
}

size_t WidthFor(int64_t number) {
  if (number >= INT16_MIN && number <= INT16_MAX) return sizeof(int16_t);
  return number >= INT32_MIN && number <= INT32_MAX ? sizeof(int32_t) : sizeof(int64_t);
}

// What is added to an integer of so many bytes to make it unsigned, in the same order.
uint64_t BiasOf(size_t width) { return uint64_t{1} << (8 * width - 1); }
uint64_t WordOf(int64_t number, size_t width) { return static_cast<uint64_t>(number) + BiasOf(width); }
int64_t NumberOf(uint64_t word, size_t width) { return static_cast<int64_t>(word - BiasOf(width)); }

template <class T>
Bytes Write(T word, char* to) {
  std::memcpy(to, &word, sizeof(T));
  return {to, sizeof(T)};
}

Bytes WriteNumber(int64_t number, size_t width, char* to) {
  const uint64_t word = WordOf(number, width);
  switch (width) {
    case sizeof(uint16_t):
      return Write(static_cast<uint16_t>(word), to);
    case sizeof(uint32_t):
      return Write(static_cast<uint32_t>(word), to);
    default:
      return Write(word, to);
  }
}

// ---- Of entries -----------------------------------------------------------------------------------------------------

// How the records of a set are made up where they are packed.
RecordFormat PackedFormatOf(const Entry& entry) {
  LARDER_DCHECK(entry.type() == Type::kSet);
  if (entry.encoding() == Encoding::kHashtable) return kTexts;
  if (entry.storage() == Entry::Storage::kStructure) return NumbersOf(kLeastWidth);  // of no meaning
  const Bytes value = entry.storage() == Entry::Storage::kInline ? entry.inline_value() : entry.block()->view();
  uint16_t count;
  static_assert(sizeof(count) == keyspace::kPackedCountBytes);
  std::memcpy(&count, value.data(), sizeof(count));
  return NumbersOf((value.size() - sizeof(count)) / count);
}

RecordFormat PackedFormatOf(const Place& place) {
  return place != nullptr ? PackedFormatOf(*place.element) : NumbersOf(kLeastWidth);
}

RecordFormat LargeFormatOf(const Place& place) {
  const RecordFormat packed = PackedFormatOf(place);
  return packed.fixed_size() ? packed : kHashedTexts;
}

// The same for a set of which nothing is left.
Change ThenDel(Change change) {
  static constexpr keyspace::Event kDel[] = {{EventClass::kGeneric, "del"}};
  change.more = kDel;
  return change;
}

}  // namespace

// ---- Set ------------------------------------------------------------------------------------------------------------

Set::Set(const Entry* entry) : entry_(entry) {
  if (entry != nullptr) records_ = keyspace::Collection(entry, PackedFormatOf(*entry));
}

int64_t Set::NumberAt(const char* record) const {
  return NumberOf(ds::FirstWord(record, records_.format()), records_.format().prefix);
}

bool Set::Has(Member& member) const {
  if (empty()) return false;
  if (has_numbers()) {
    const size_t width = records_.format().prefix;
    if (!member.is_number() || WidthFor(member.number()) > width) return false;
    const ds::SortedProbe probe{.first = WordOf(member.number(), width)};
    if (records_.tree() != nullptr) {
      ds::CountedTree::Cursor cursor;
      return records_.tree()->FindSorted(probe, &cursor);
    }
    const char* record = nullptr;
    size_t index = 0;
    return ds::FindSorted(records_.packed(), records_.format(), probe, &record, &index);
  }
  if (records_.tree() == nullptr) return records_.Find(member.text()) != nullptr;
  ds::CountedTree::Cursor cursor;
  return records_.tree()->FindHashed(member.hash(*records_.tree()->seed()), member.text(), &cursor);
}

Result<Set> Open(Db& db, Bytes key, Lookup how) {
  const Entry* const entry = db.Find(key, how);
  if (entry != nullptr && entry->type() != Type::kSet) return errors::kWrongType;
  return Set(entry);
}

Result<Place> LocateSet(Db& db, Bytes key) {
  const Place place = db.Locate(key, Lookup::kWrite);
  if (place != nullptr && place->type() != Type::kSet) return errors::kWrongType;
  return place;
}

// ---- SetEdit --------------------------------------------------------------------------------------------------------

SetEdit::SetEdit(Db& db, Bytes key, const Place& place, bool several)
    : config_(db.keyspace().config()),
      edit_(db, key, place, kNumbersForm, PackedFormatOf(place), LargeFormatOf(place),
            several && LargeFormatOf(place).fixed_size()) {}  // which are few, and may have to become texts

SetEdit::SetEdit(Db& db, Bytes key, const Place& place, Anew anew)
    : config_(db.keyspace().config()),
      edit_(db, key, place, kNumbersForm, NumbersOf(kLeastWidth), NumbersOf(kLeastWidth), anew) {}

Error SetEdit::Widen(size_t width) {
  const size_t before = edit_.format().prefix;
  const RecordFormat old = edit_.format();
  return edit_.Reformat(NumbersOf(width), NumbersOf(width), [&](const char* record, char* room) {
    return WriteNumber(NumberOf(ds::FirstWord(record, old), before), width, room);
  });
}

Error SetEdit::BecomeTable() {
  if (!has_numbers()) return kOk;
  const RecordFormat old = edit_.format();
  edit_.set_form(kTableForm);
  return edit_.Reformat(kTexts, kHashedTexts, [&](const char* record, char* room) {
    Digits digits;
    const int64_t number = NumberOf(ds::FirstWord(record, old), old.prefix);
    const char* const end = ds::WritePart(room, base::FormatInt64(number, digits.room));
    return Bytes(room, static_cast<size_t>(end - room));
  });
}

bool SetEdit::FindNumber(int64_t number) {
  const size_t width = edit_.format().prefix;
  return WidthFor(number) <= width && edit_.FindSorted({.first = WordOf(number, width)}, &spot_);
}

// Of a set that has numbers, and stays so.
Result<bool> SetEdit::AddNumber(int64_t number) {
  const size_t width = edit_.format().prefix;
  if (WidthFor(number) > width) {
    LARDER_RETURN_IF_ERROR(Widen(WidthFor(number)));
    FindNumber(number);
  }
  keyspace::RecordDraft draft = edit_.Draft();
  switch (edit_.format().prefix) {
    case sizeof(uint16_t):
      draft.Prefix(static_cast<uint16_t>(WordOf(number, sizeof(uint16_t))));
      break;
    case sizeof(uint32_t):
      draft.Prefix(static_cast<uint32_t>(WordOf(number, sizeof(uint32_t))));
      break;
    default:
      draft.Prefix(WordOf(number, sizeof(uint64_t)));
  }
  LARDER_RETURN_IF_ERROR(edit_.Insert(spot_, draft));
  return true;
}

Result<bool> SetEdit::Add(Member& member) {
  if (has_numbers()) {
    if (member.is_number()) {
      if (FindNumber(member.number())) return false;
      if (edit_.size() < config_.intset_entries_max) return AddNumber(member.number());
    }
    LARDER_RETURN_IF_ERROR(BecomeTable());
  }
  if (edit_.Find(member.text(), &spot_)) return false;
  keyspace::RecordDraft draft = edit_.Draft();
  if (!draft.Part(member.text())) return errors::kAllocationFailed;
  LARDER_RETURN_IF_ERROR(edit_.Insert(spot_, draft));
  return true;
}

bool SetEdit::Find(Member& member) {
  if (has_numbers()) return member.is_number() && FindNumber(member.number());
  return edit_.Find(member.text(), &spot_);
}

Result<bool> SetEdit::Erase(Member& member) {
  if (!Find(member)) return false;
  LARDER_RETURN_IF_ERROR(edit_.Erase(spot_));
  return true;
}

Result<bool> SetEdit::Reserve(Member& member) {
  if (!Find(member)) return false;
  LARDER_RETURN_IF_ERROR(edit_.Reserve(spot_));
  return true;
}

Error SetEdit::ReserveAt(size_t index) {
  edit_.At(index, &spot_);
  return edit_.Reserve(spot_);
}

Error SetEdit::EraseAt(size_t index) {
  edit_.At(index, &spot_);
  return edit_.Erase(spot_);
}

Error SetEdit::PrepareErase(Member& member) {
  const bool found = Find(member);
  LARDER_CHECK(found);
  return edit_.PrepareErase(spot_);
}

void SetEdit::CommitErase(const Change& change) { edit_.CommitErase(spot_, change, ThenDel(change)); }

Error SetEdit::Commit(const Change& change) { return edit_.Commit(change, ThenDel(change)); }

}  // namespace larder::inline v0::ops::sets
