#include "lib/ops/elements.h"

#include <cstring>

#include "lib/base/numbers.h"
#include "lib/keyspace/errors.h"
#include "lib/ops/lists.h"
#include "lib/ops/set_value.h"

namespace larder::inline v0::ops {
namespace {

constexpr size_t kPlace = 1 + base::kIntChars;

}  // namespace

Error Elements::Open(const keyspace::Entry* entry) {
  if (entry == nullptr) return kOk;
  switch (entry->type()) {
    case keyspace::Type::kList: collection_ = keyspace::Collection(entry, lists::kElements); return kOk;
    case keyspace::Type::kZset: collection_ = keyspace::Collection(entry, keyspace::kScoredMembers); return kOk;
    case keyspace::Type::kSet: break;
    default: return errors::kWrongType;
  }
  const sets::Set set(entry);
  collection_ = set.records();
  ordered_ = false;
  numbers_ = set.has_numbers();
  return numbers_ ? WriteNumbers() : Error(kOk);
}

Error Elements::WriteNumbers() {
  if (digits_.Extend(collection_.size() * kPlace) == nullptr) return errors::kAllocationFailed;
  char* to = const_cast<char*>(digits_.view().data());
  const sets::Set set(collection_);
  collection_.ForEach([&](const char* record) {
    char digits[base::kIntChars];
    const Bytes text = base::FormatInt64(set.NumberAt(record), digits);
    to[0] = static_cast<char>(text.size());
    std::memcpy(to + 1, text.data(), text.size());
    to += kPlace;
    return true;
  });
  return kOk;
}

void Elements::ForRange(size_t first, size_t count, bool backwards,
                        absl::FunctionRef<bool(Bytes element)> visit) const {
  if (numbers_) {
    for (size_t i = 0; i < count; ++i) {
      const char* const at = digits_.view().data() + (backwards ? first - i : first + i) * kPlace;
      if (!visit({at + 1, static_cast<size_t>(at[0])})) return;
    }
    return;
  }
  collection_.ForRange(first, count, backwards,
                       [&](const char* record) { return visit(collection_.Part(record, 0)); });
}

}  // namespace larder::inline v0::ops
