#include "lib/ops/elements.h"

#include "lib/keyspace/errors.h"
#include "lib/ops/lists.h"

namespace larder::inline v0::ops {

Result<Elements> Elements::Of(const keyspace::Entry* entry) {
  Elements elements;
  if (entry == nullptr) return elements;
  if (entry->type() != keyspace::Type::kList) return errors::kWrongType;
  elements.collection_ = keyspace::Collection(entry, lists::kElements);
  return elements;
}

void Elements::ForRange(size_t first, size_t count, bool backwards,
                        absl::FunctionRef<bool(Bytes element)> visit) const {
  collection_.ForRange(first, count, backwards,
                       [&](const char* record) { return visit(collection_.Part(record, 0)); });
}

}  // namespace larder::inline v0::ops
