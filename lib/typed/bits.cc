// The ops of the typed calls on bitmaps and HyperLogLogs. lib/typed/op.h tells how they are written.
#include "lib/ops/bits.h"

#include <algorithm>
#include <optional>
#include <span>

#include <larder/internal/string_ops.h>
#include "lib/engine/short.h"
#include "lib/keyspace/keyspace.h"
#include "lib/ops/hyperloglog.h"
#include "lib/ops/strings.h"
#include "lib/typed/op.h"

namespace larder::inline v0::typed {
namespace {

using keyspace::Growth;
using WordSpan = std::span<const Bytes>;

constexpr ErrorText kBadOffset{absl::StatusCode::kInvalidArgument, "the bit's offset is out of range"};

bool IsOffset(int64_t offset, uint64_t string_bytes_max) {
  return offset >= 0 && static_cast<uint64_t>(offset) / 8 < string_bytes_max;
}

Error BitGet(const OpAt& at, int64_t offset, bool* bit) {
  if (!IsOffset(offset, at.db().keyspace().config().string_bytes_max)) return kBadOffset;
  ops::strings::Digits digits;
  LARDER_ASSIGN_OR_RETURN(const ops::strings::Text text, ops::strings::Read(at.db(), at.key, digits));
  *bit = ops::bits::LoadBits(text.bytes, static_cast<uint64_t>(offset), 1) != 0;
  return kOk;
}

Error BitSet(const OpAt& at, int64_t offset, bool bit, bool* before) {
  if (!IsOffset(offset, at.db().keyspace().config().string_bytes_max)) return kBadOffset;
  LARDER_ASSIGN_OR_RETURN(*before, ops::bits::Set(at.db(), at.key, static_cast<uint64_t>(offset), bit));
  return kOk;
}
Growth GrowthOfBitSet(core::CacheCore& core, Bytes key, int64_t offset, bool, bool*) {
  const uint64_t bytes_max = core.limits().bulk_bytes_max.load(std::memory_order_relaxed);
  if (!IsOffset(offset, bytes_max)) return {};
  return ops::bits::GrowthOf(nullptr, key, static_cast<uint64_t>(offset) / 8 + 1, bytes_max);
}
bool BitSetIsShort(keyspace::Db& db, Bytes key, int64_t offset, bool, bool*) LARDER_REQUIRES_HOLDER {
  return offset < 0 || (static_cast<uint64_t>(offset) / 8 < engine::kShortBytes &&
                        db.BlockBytes(key) <= engine::kShortBytes);
}
void ShowBitSet(engine::Monitors& to, Bytes key, int64_t offset, bool bit, bool*) {
  to.Add(key);
  to.Add(offset);
  to.Add(bit ? "1" : "0");
}

Error BitCount(const OpAt& at, int64_t first, int64_t last, int64_t* count) {
  ops::strings::Digits digits;
  LARDER_ASSIGN_OR_RETURN(const ops::strings::Text text, ops::strings::Read(at.db(), at.key, digits));
  const auto bits = static_cast<int64_t>(text.bytes.size()) * 8;
  if (first < 0) first = std::max(first + bits, int64_t{0});
  last = std::min(last < 0 ? last + bits : last, bits - 1);
  *count = first > last ? 0
                        : static_cast<int64_t>(ops::bits::CountOnes(text.bytes, static_cast<uint64_t>(first),
                                                                    static_cast<uint64_t>(last)));
  return kOk;
}
bool BitCountIsShort(keyspace::Db& db, Bytes key, int64_t, int64_t, int64_t*) LARDER_REQUIRES_HOLDER {
  return db.BlockBytes(key) <= engine::kShortBytes;
}
void ShowBitCount(engine::Monitors& to, Bytes key, int64_t first, int64_t last, int64_t*) {
  to.Add(key);
  to.Add(first);
  to.Add(last);
  to.Add("BIT");
}

Error BitFind(const OpAt& at, bool bit, int64_t first, std::optional<int64_t>* position) {
  if (first < 0) return kBadOffset;
  ops::strings::Digits digits;
  LARDER_ASSIGN_OR_RETURN(const ops::strings::Text text, ops::strings::Read(at.db(), at.key, digits));
  const uint64_t bits = uint64_t{text.bytes.size()} * 8;
  const auto from = static_cast<uint64_t>(first);
  std::optional<uint64_t> found;
  if (from < bits) found = ops::bits::FindBit(text.bytes, bit, from, bits - 1);
  if (!found && !bit) found = std::max(from, bits);
  if (found) *position = static_cast<int64_t>(*found);
  return kOk;
}
bool BitFindIsShort(keyspace::Db& db, Bytes key, bool, int64_t, std::optional<int64_t>*) LARDER_REQUIRES_HOLDER {
  return db.BlockBytes(key) <= engine::kShortBytes;
}
void ShowBitFind(engine::Monitors& to, Bytes key, bool bit, int64_t first, std::optional<int64_t>*) {
  to.Add(key);
  to.Add(bit ? "1" : "0");
  if (first == 0) return;
  to.Add(first);
  to.Add("-1");
  to.Add("BIT");
}

Error HyperLogLogAdd(const OpAt& at, WordSpan elements, const WordSpan* command, core::CacheCore* core, bool* changed) {
  keyspace::Db& db = at.db();
  const size_t sparse_bytes_max = core->engine().options().hll_sparse_max_bytes;
  LARDER_ASSIGN_OR_RETURN(*changed, ops::hll::Add(db, at.key, elements, sparse_bytes_max, *command));
  return kOk;
}
Growth GrowthOfHyperLogLogAdd(core::CacheCore&, Bytes key, WordSpan, const WordSpan*, core::CacheCore*, bool*) {
  return ops::hll::GrowthOf(nullptr, key);
}
bool HyperLogLogAddIsShort(keyspace::Db&, Bytes, WordSpan elements, const WordSpan*, core::CacheCore*, bool*) {
  return elements.size() <= engine::kShortElements;
}

Error HyperLogLogCount(const OpAt& at, int64_t* count) {
  LARDER_ASSIGN_OR_RETURN(*count, ops::hll::Count(at.db(), at.key));
  return kOk;
}

}  // namespace
}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

using typed::By;
using typed::OpOf;

constexpr TypedOp<int64_t, bool*> kBitGet = OpOf<int64_t, bool*>(
    {.name = "GETBIT", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::BitGet>});
constexpr TypedOp<int64_t, bool, bool*> kBitSet = OpOf<int64_t, bool, bool*>(
    {.name = "SETBIT", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::BitSet>,
     .growth = By<typed::GrowthOfBitSet>, .is_short = By<typed::BitSetIsShort>, .show = By<typed::ShowBitSet>});

constexpr TypedOp<int64_t, int64_t, int64_t*> kBitCount = OpOf<int64_t, int64_t, int64_t*>(
    {.name = "BITCOUNT", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::BitCount>,
     .is_short = By<typed::BitCountIsShort>, .show = By<typed::ShowBitCount>});
constexpr TypedOp<bool, int64_t, std::optional<int64_t>*> kBitFind = OpOf<bool, int64_t, std::optional<int64_t>*>(
    {.name = "BITPOS", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::BitFind>,
     .is_short = By<typed::BitFindIsShort>, .show = By<typed::ShowBitFind>});

constexpr HyperLogLogAddOp kHyperLogLogAdd = OpOf<KeySpan, const KeySpan*, core::CacheCore*, bool*>(
    {.name = "PFADD", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::HyperLogLogAdd>,
     .growth = By<typed::GrowthOfHyperLogLogAdd>, .is_short = By<typed::HyperLogLogAddIsShort>});
constexpr TypedOp<int64_t*> kHyperLogLogCount = OpOf<int64_t*>(
    {.name = "PFCOUNT", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::HyperLogLogCount>});

}  // namespace larder::inline v0::internal
