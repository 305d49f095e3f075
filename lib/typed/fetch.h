// Strings on their way out of the cache, and what several files of ops need besides.
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

// A part of a string's bytes: copied if they are few, else pinned.
inline void FetchPart(const ops::strings::Text& text, Bytes part, internal::Fetched* to) {
  if (char* place = to->Place(part.size()); place != nullptr) [[likely]] {
    base::CopyBytes(place, part);
    return;
  }
  LARDER_CHECK(text.block != nullptr);
  text.block->Ref();
  to->SetPinned(text.block, part);
}

// What an entry holds, if it is a string. Errors: kWrongType.
Error FetchString(const keyspace::Entry& entry, internal::Fetched* to);

// What a write adds besides values: an entry.
inline keyspace::Growth GrowthOfEntry(Bytes key) { return {.bytes = key.size() + 64}; }

}  // namespace larder::inline v0::typed

#endif  // LARDER_TYPED_FETCH_H_
