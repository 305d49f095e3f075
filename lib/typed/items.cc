// The op of the walk through keys with their values. See internal/item_ops.h.
#include <larder/internal/item_ops.h>

#include <algorithm>

#include <larder/items.h>
#include "lib/base/glob.h"
#include "lib/keyspace/keyspace.h"
#include "lib/ops/strings.h"
#include "lib/typed/collections.h"
#include "lib/typed/op.h"

namespace larder::inline v0::typed {
namespace {

using internal::ItemFacts;
using internal::ItemQuery;
using keyspace::Type;

static_assert(static_cast<int>(KeyType::kString) == static_cast<int>(Type::kString) &&
              static_cast<int>(KeyType::kList) == static_cast<int>(Type::kList) &&
              static_cast<int>(KeyType::kSet) == static_cast<int>(Type::kSet) &&
              static_cast<int>(KeyType::kSortedSet) == static_cast<int>(Type::kZset) &&
              static_cast<int>(KeyType::kHash) == static_cast<int>(Type::kHash) &&
              static_cast<int>(KeyType::kStream) == static_cast<int>(Type::kStream));

size_t BatchOf(const ItemQuery& query) { return std::max<size_t>(query.batch, 1); }

bool IsWanted(const keyspace::Entry& entry, const ItemQuery& query) {
  if (query.type >= 0 && static_cast<int>(entry.type()) != query.type) return false;
  return query.match.empty() || base::GlobMatch(query.match, entry.key());
}

bool AddValue(const keyspace::Entry& entry, FetchedList* to) {
  if (entry.type() != Type::kString) return to->AddMissing();
  ops::strings::Digits digits;
  const ops::strings::Text text = ops::strings::TextOf(entry, digits);
  return AddCopiedOrPinned(text.bytes, text.block, to);
}

Error Items(const OpAt& at, uint64_t* cursor, const ItemQuery* query, FetchedList* to) {
  const int64_t now_ms = at.db().keyspace().now_ms();
  bool filled = true;
  *cursor = at.db().Scan(*cursor, BatchOf(*query), [&](keyspace::Entry& entry) {
    if (!filled || !IsWanted(entry, *query)) return;
    const ItemFacts facts{entry.has_expiry() ? std::max<int64_t>(entry.expiry_ms() - now_ms, 0) : -1,
                          static_cast<int64_t>(entry.type())};
    filled = to->Add(entry.key()) && AddValue(entry, to) &&
             to->Add({reinterpret_cast<const char*>(&facts), sizeof(facts)});
  });
  return FilledError(filled);
}
// A batch copies up to 8 KB for each item.
bool ItemsAreShort(keyspace::Db&, Bytes, uint64_t*, const ItemQuery* query, FetchedList*) {
  return BatchOf(*query) <= engine::kShortElements;
}
void ShowItems(engine::Monitors& to, Bytes, uint64_t* cursor, const ItemQuery* query, FetchedList*) {
  constexpr Bytes kNames[] = {"string", "list", "set", "zset", "hash", "stream"};
  to.Add(static_cast<int64_t>(*cursor));
  if (!query->match.empty()) {
    to.Add("MATCH");
    to.Add(query->match);
  }
  to.Add("COUNT");
  to.Add(static_cast<int64_t>(BatchOf(*query)));
  if (query->type >= 0) {
    to.Add("TYPE");
    to.Add(kNames[query->type]);
  }
}

}  // namespace
}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

constexpr TypedOp<uint64_t*, const ItemQuery*, FetchedList*> kItems =
    typed::OpOf<uint64_t*, const ItemQuery*, FetchedList*>(
        {.name = "SCAN", .access = Access::kReads, .keys = KeyCount::kNone, .run = typed::By<typed::Items>,
         .is_short = typed::By<typed::ItemsAreShort>, .show = typed::By<typed::ShowItems>});

}  // namespace larder::inline v0::internal
