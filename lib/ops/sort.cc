#include "lib/ops/sort.h"

#include <algorithm>
#include <limits>

#include "lib/base/numbers.h"
#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"
#include "lib/ops/hashes.h"
#include "lib/ops/lists.h"

namespace larder::inline v0::ops {
namespace {

using keyspace::Change;
using keyspace::CollectionEdit;
using keyspace::Db;
using keyspace::EventClass;
using keyspace::Lookup;
using keyspace::Place;
using keyspace::Type;

constexpr keyspace::Form kList{Type::kList, keyspace::Encoding::kQuicklist};

// As C reads a text.
Bytes UpToNul(Bytes text) { return text.substr(0, std::min(text.find('\0'), text.size())); }

// A number as strtod reads it: blanks before it, nothing behind it. No text at all is 0.
bool ReadNumber(Bytes text, double* number) {
  text = UpToNul(text);
  *number = 0;
  if (text.empty()) return true;
  while (!text.empty() && (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r'))) text.remove_prefix(1);
  return base::ParseDouble(text, number);
}

}  // namespace

Error Sorting::Get(Bytes pattern, Bytes element, strings::Text* text) {
  *text = {};
  if (pattern == "#") {
    *text = {true, element, nullptr};
    return kOk;
  }
  const size_t star = pattern.find('*');
  if (star == Bytes::npos) return kOk;
  Bytes field;
  const size_t arrow = pattern.find("->", star + 1);
  if (arrow != Bytes::npos && arrow + 2 < pattern.size()) {
    field = pattern.substr(arrow + 2);
    pattern = pattern.substr(0, arrow);
  }
  key_.Clear();
  key_.Append(pattern.substr(0, star));
  key_.Append(element);
  if (!key_.Append(pattern.substr(star + 1)) || key_.failed()) return errors::kAllocationFailed;
  const keyspace::Entry* const entry = db_.Find(key_.view(), Lookup::kRead);
  if (entry == nullptr) return kOk;
  if (!field.empty()) {
    if (entry->type() != Type::kHash) return kOk;
    text->found = hashes::Find(keyspace::Collection(entry, hashes::kPackedPairs), field, &text->bytes);
  } else if (entry->type() == Type::kString) {
    *text = strings::TextOf(*entry, digits_);
  }
  return kOk;
}

void Sorting::SetLimits(size_t all) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  const uint64_t start = static_cast<uint64_t>(std::max<int64_t>(options_.start, 0));
  const uint64_t count = options_.count < 0 ? kMost : static_cast<uint64_t>(options_.count);
  start_ = static_cast<size_t>(std::min<uint64_t>(start, all));
  end_ = static_cast<size_t>(std::min<uint64_t>(start + count, all));
}

// What an element is compared by.
Error Sorting::Weigh(Item* item) {
  strings::Text text = {true, item->element, nullptr};
  if (!options_.by.empty()) LARDER_RETURN_IF_ERROR(Get(options_.by, item->element, &text));
  item->found = text.found;
  if (!options_.alpha) {
    if (text.found && !ReadNumber(text.bytes, &item->number)) return errors::kNotSortable;
    return kOk;
  }
  // Redis compares as C does, unless it stores.
  item->text = options_.stores ? text.bytes : UpToNul(text.bytes);
  item->is_integer = text.found && text.bytes.data() >= digits_.room && text.bytes.data() < std::end(digits_.room);
  if (item->is_integer) LARDER_CHECK(base::ParseInt64(text.bytes, &item->integer));
  return kOk;
}

int Sorting::Compare(const Item& a, const Item& b) const {
  if (!options_.alpha) {
    if (a.number != b.number) return a.number < b.number ? -1 : 1;
    return a.element.compare(b.element);
  }
  if (!a.found || !b.found) return a.found - b.found;
  char a_room[base::kIntChars], b_room[base::kIntChars];
  const Bytes a_text = a.is_integer ? base::FormatInt64(a.integer, a_room) : a.text;
  const Bytes b_text = b.is_integer ? base::FormatInt64(b.integer, b_room) : b.text;
  return a_text.compare(b_text);
}

Error Sorting::Run(const keyspace::Entry* entry) {
  LARDER_RETURN_IF_ERROR(elements_.Open(entry));
  const Elements& elements = elements_;
  const size_t all = elements.size();
  SetLimits(all);
  if (all == 0) return kOk;
  if (options_.no_sort && options_.stores && !elements.ordered()) {  // so that what is stored is always the same
    options_.no_sort = false;
    options_.alpha = true;
    options_.by = {};
  }
  if (options_.no_sort && size() == 0) return kOk;
  const size_t count = options_.no_sort ? size() : all;
  if (room_.Extend(count * sizeof(Item)) == nullptr) return errors::kAllocationFailed;
  static_assert(alignof(Item) <= alignof(uint64_t));
  const bool backwards = options_.no_sort && options_.descending && elements.ordered();
  const size_t skipped = options_.no_sort ? start_ : 0;
  size_t made = 0;
  bool sortable = true;
  Error error = kOk;
  elements.ForRange(backwards ? all - 1 - skipped : skipped, count, backwards, [&](Bytes element) {
    base::AssertHolder();
    Item* const item = items() + made;
    *item = {.element = element, .text = {}, .number = 0, .integer = 0, .index = made, .found = true,
             .is_integer = false};
    ++made;
    if (options_.no_sort) return true;
    error = Weigh(item);
    if (error == errors::kNotSortable) {  // Redis looks at the others nevertheless, which counts as their use
      sortable = false;
      error = kOk;
    }
    return error.ok();
  });
  if (!error.ok()) return error;
  if (!sortable) return errors::kNotSortable;
  if (options_.no_sort) {
    end_ -= start_;
    start_ = 0;
    return kOk;
  }
  const auto before = [this](const Item& a, const Item& b) {
    const int order = options_.descending ? Compare(b, a) : Compare(a, b);
    return order != 0 ? order < 0 : a.index < b.index;
  };
  if (end_ < all / 4) {
    std::partial_sort(items(), items() + end_, items() + all, before);
  } else {
    std::sort(items(), items() + all, before);
  }
  return kOk;
}

Error StoreSorted(Db& db, Bytes key, size_t count, NextElement next, std::span<const Bytes> command) {
  const Change change{EventClass::kList, "sortstore", command};
  if (count == 0) {
    const Bytes deletes[] = {"DEL", key};
    db.DeleteAny(key, {EventClass::kGeneric, "del", deletes});
    return kOk;
  }
  const Place place = db.Locate(key, Lookup::kWrite);
  CollectionEdit list(db, key, place, kList, lists::kElements, lists::kElements, CollectionEdit::Anew{});
  for (size_t i = 0; i < count; ++i) {
    Bytes element;
    LARDER_RETURN_IF_ERROR(next(i, &element));
    CollectionEdit::Spot spot;
    list.At(list.size(), &spot);
    keyspace::RecordDraft draft = list.Draft();
    if (!draft.Part(element)) return errors::kAllocationFailed;
    LARDER_RETURN_IF_ERROR(list.Insert(spot, draft));
  }
  LARDER_RETURN_IF_ERROR(list.Commit(change, change));
  db.keyspace().effects().AdjustDirty(static_cast<int64_t>(count) - 1);
  return kOk;
}

}  // namespace larder::inline v0::ops
