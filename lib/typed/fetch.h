// Fetches strings from the cache, and has other functions that several files of ops need.
#ifndef LARDER_TYPED_FETCH_H_
#define LARDER_TYPED_FETCH_H_

#include <larder/internal/fetched.h>
#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/error.h"
#include "lib/keyspace/entry.h"
#include "lib/keyspace/room.h"
#include "lib/ops/strings.h"

namespace larder::inline v0::typed {

// Fetches a part of a string's bytes: copies them if they are few, else pins them.
inline void FetchPart(const ops::strings::Text& text, Bytes part, internal::Fetched* to) {
  if (char* place = to->Place(part.size()); place != nullptr) [[likely]] {
    base::CopyBytes(place, part);
    return;
  }
  LARDER_CHECK(text.block != nullptr);
  text.block->Ref();
  to->SetPinned(text.block, part);
}

// Fetches an entry's string. Errors: kWrongType.
Error FetchString(const keyspace::Entry& entry, internal::Fetched* to);

// The memory that a write adds besides values: an entry.
inline keyspace::Growth GrowthOfEntry(Bytes key) { return {.bytes = key.size() + 64}; }

}  // namespace larder::inline v0::typed

#endif  // LARDER_TYPED_FETCH_H_
