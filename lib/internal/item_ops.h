// The op of the typed walk through keys with their values. Part of the public headers' machinery, not of the API. See
// typed.h.
#ifndef LARDER_INTERNAL_ITEM_OPS_H_
#define LARDER_INTERNAL_ITEM_OPS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <larder/export.h>
#include <larder/internal/error_text.h>
#include <larder/internal/fetched.h>
#include <larder/internal/typed.h>

namespace larder::inline v0::internal {

struct ItemQuery {
  std::string_view match;  // a glob; empty: all
  int type = -1;           // a larder::KeyType; -1: all
  size_t batch = 64;
};
// What is fetched of an item besides its key and value.
struct ItemFacts {
  int64_t ttl_ms = 0;  // -1: no expiry
  int64_t type = 0;
};
// Three of the list make an item: key, value (missing unless it is a string), and facts.
inline constexpr size_t kItemParts = 3;
extern LARDER_API const TypedOp<uint64_t*, const ItemQuery*, FetchedList*> kItems;

inline ItemFacts FetchedFacts(std::string_view bytes) {
  ItemFacts facts;
  std::memcpy(&facts, bytes.data(), sizeof(facts));
  return facts;
}

inline constexpr ErrorText kItemsWereMoved{absl::StatusCode::kFailedPrecondition,
                                           "the ItemRange was moved from: its items are in the other one"};

}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_ITEM_OPS_H_
