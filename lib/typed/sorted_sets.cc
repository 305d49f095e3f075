// The ops of the typed sorted set calls. lib/typed/op.h tells how they are written.
#include "lib/ops/zsets.h"

#include <algorithm>
#include <cmath>

#include <larder/internal/sorted_set_ops.h>
#include "lib/base/buffer.h"
#include "lib/base/numbers.h"
#include "lib/keyspace/errors.h"
#include "lib/ops/sampling.h"
#include "lib/ops/zset_ranges.h"
#include "lib/typed/collections.h"
#include "lib/typed/op.h"

namespace larder::inline v0::typed {
namespace {

using internal::AddCounts;
using internal::ScoredSpan;
using internal::SortedRange;
using keyspace::Collection;
using keyspace::Growth;
using keyspace::Lookup;
namespace zsets = ops::zsets;

constexpr ErrorText kBadScore{absl::StatusCode::kInvalidArgument, "the score is not a number"};

}  // namespace

// A member and its score.
bool AddScoredMember(const Collection& zset, const char* record, FetchedList* to) {
  return AddRecordPart(zset, record, 0, to) && AddScore(zsets::ScoreOf(zset, record), to);
}

namespace {

Error PinSortedSet(const OpAt& at, core::CacheCore* core, internal::CollectionPin* pin, size_t* size,
                   FetchedList* to) {
  const keyspace::Entry* const entry = at.db().Find(at.key, Lookup::kRead);
  if (entry != nullptr && entry->type() != keyspace::Type::kZset) return errors::kWrongType;
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(at.db(), at.key));
  return PinCollection(at, entry, zset, AddScoredMember, core, pin, size, to);
}
void ShowPinScores(engine::Monitors& to, Bytes key, core::CacheCore*, internal::CollectionPin*, size_t*,
                   FetchedList*) {
  to.Add(key);
  to.Add("0");
  to.Add("-1");
  to.Add("WITHSCORES");
}

// ---- Adding ---------------------------------------------------------------------------------------------------------

Result<zsets::AddRule> RuleOf(uint8_t bits) {
  const zsets::AddRule rule = {.only_new = (bits & internal::kOnlyNew) != 0,
                               .only_old = (bits & internal::kOnlyOld) != 0,
                               .only_more = (bits & internal::kOnlyGreater) != 0,
                               .only_less = (bits & internal::kOnlyLess) != 0};
  if (rule.only_new && rule.only_old) return errors::kXxAndNx;
  if (rule.only_new + rule.only_more + rule.only_less > 1) return errors::kGtLtAndNx;
  return rule;
}

// A rule's words.
template <class Use>
void ForRuleWords(uint8_t bits, Use use) {
  if ((bits & internal::kOnlyNew) != 0) use("NX");
  if ((bits & internal::kOnlyOld) != 0) use("XX");
  if ((bits & internal::kOnlyGreater) != 0) use("GT");
  if ((bits & internal::kOnlyLess) != 0) use("LT");
}

Error SortedSetAdd(const OpAt& at, double score, Bytes member, uint8_t bits, AddCounts* counts) {
  if (std::isnan(score)) return kBadScore;
  LARDER_ASSIGN_OR_RETURN(const zsets::AddRule rule, RuleOf(bits));
  char digits[base::kDoubleChars];
  Bytes command[6] = {"ZADD", at.key};
  size_t words = 2;
  ForRuleWords(bits, [&](Bytes word) { command[words++] = word; });
  command[words++] = base::FormatDouble(score, digits);
  command[words++] = member;
  const zsets::Scored scored[] = {{score, member}};
  LARDER_ASSIGN_OR_RETURN(const zsets::Added added,
                          zsets::Add(at.db(), at.key, scored, rule, std::span(command).first(words)));
  *counts = {added.added, added.changed};
  return kOk;
}
Growth GrowthOfSortedSetAdd(core::CacheCore&, Bytes key, double, Bytes member, uint8_t, AddCounts*) {
  return GrowthOfElement(key, member, member);
}
bool SortedSetAddIsShort(keyspace::Db&, Bytes, double, Bytes member, uint8_t, AddCounts*) {
  return member.size() <= engine::kShortBytes;
}
void ShowSortedSetAdd(engine::Monitors& to, Bytes key, double score, Bytes member, uint8_t bits, AddCounts*) {
  to.Add(key);
  ForRuleWords(bits, [&](Bytes word) { to.Add(word); });
  to.Add(score);
  to.Add(member);
}

// What ZADD is given, and it as a command.
struct AddedMembers {
  base::Buffer members;
  base::Buffer words;
  base::Buffer digits;
};

Error SortedSetAddSeveral(const OpAt& at, ScoredSpan members, uint8_t bits, AddCounts* counts) {
  *counts = {};
  LARDER_ASSIGN_OR_RETURN(const zsets::AddRule rule, RuleOf(bits));
  if (members.empty()) return kOk;
  AddedMembers made;
  const auto add_word = [&](Bytes word) { made.words.Append({reinterpret_cast<const char*>(&word), sizeof(word)}); };
  made.digits.Reserve(members.size() * base::kDoubleChars);
  add_word("ZADD");
  add_word(at.key);
  ForRuleWords(bits, add_word);
  for (const auto& [member, score] : members) {
    if (std::isnan(score)) return kBadScore;
    const zsets::Scored scored{score, member};
    made.members.Append({reinterpret_cast<const char*>(&scored), sizeof(scored)});
    char room[base::kDoubleChars];
    const Bytes text = base::FormatDouble(score, room);
    const size_t before = made.digits.size();
    made.digits.Append(text);
    if (made.digits.failed()) break;
    add_word(made.digits.view().substr(before, text.size()));
    add_word(member);
  }
  if (made.members.failed() || made.words.failed() || made.digits.failed()) return errors::kAllocationFailed;
  const std::span scored(reinterpret_cast<const zsets::Scored*>(made.members.view().data()), members.size());
  const std::span command(reinterpret_cast<const Bytes*>(made.words.view().data()),
                          made.words.size() / sizeof(Bytes));
  LARDER_ASSIGN_OR_RETURN(const zsets::Added added, zsets::Add(at.db(), at.key, scored, rule, command));
  *counts = {added.added, added.changed};
  return kOk;
}
Growth GrowthOfSortedSetAddSeveral(core::CacheCore&, Bytes key, ScoredSpan members, uint8_t, AddCounts*) {
  Growth growth = {.bytes = key.size() + 64};
  for (const auto& [member, score] : members) {
    growth.bytes += 2 * member.size() + 48;
    growth.value_bytes = std::max(growth.value_bytes, member.size());
  }
  return growth;
}
bool SortedSetAddSeveralIsShort(keyspace::Db&, Bytes, ScoredSpan members, uint8_t, AddCounts*) {
  return members.size() <= engine::kShortElements;
}
void ShowSortedSetAddSeveral(engine::Monitors& to, Bytes key, ScoredSpan members, uint8_t bits, AddCounts*) {
  to.Add(key);
  ForRuleWords(bits, [&](Bytes word) { to.Add(word); });
  for (const auto& [member, score] : members) {
    to.Add(score);
    to.Add(member);
  }
}

Error SortedSetIncrement(const OpAt& at, double by, Bytes member, double* score) {
  if (std::isnan(by)) return kBadScore;
  char digits[base::kDoubleChars];
  const Bytes command[] = {"ZINCRBY", at.key, base::FormatDouble(by, digits), member};
  LARDER_ASSIGN_OR_RETURN(const std::optional<double> now,
                          zsets::Increment(at.db(), at.key, member, by, {}, command));
  *score = *now;
  return kOk;
}
Growth GrowthOfSortedSetIncrement(core::CacheCore&, Bytes key, double, Bytes member, double*) {
  return GrowthOfElement(key, member, member);
}

// ---- Removing -------------------------------------------------------------------------------------------------------

Error SortedSetRemove(const OpAt& at, Bytes member, bool* removed) {
  const Bytes command[] = {"ZREM", at.key, member};
  LARDER_ASSIGN_OR_RETURN(const int64_t count, zsets::Remove(at.db(), at.key, std::span(command).subspan(2), command));
  *removed = count != 0;
  return kOk;
}

Error SortedSetRemoveSeveral(const OpAt& at, WordSpan members, const WordSpan* command, int64_t* removed) {
  LARDER_ASSIGN_OR_RETURN(*removed, zsets::Remove(at.db(), at.key, members, *command));
  return kOk;
}

// ---- Reads ----------------------------------------------------------------------------------------------------------

Error SortedSetScore(const OpAt& at, Bytes member, std::optional<double>* score) {
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(at.db(), at.key));
  double found = 0;
  if (!zset.empty() && zsets::Score(zset, member, &found)) *score = found;
  return kOk;
}

template <bool kReverse>
Error SortedSetRank(const OpAt& at, Bytes member, std::optional<int64_t>* rank) {
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(at.db(), at.key));
  size_t found = 0;
  if (zset.empty() || !zsets::Rank(zset, member, &found)) return kOk;
  *rank = static_cast<int64_t>(kReverse ? zset.size() - 1 - found : found);
  return kOk;
}

Error SortedSetSize(const OpAt& at, int64_t* size) {
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(at.db(), at.key));
  *size = static_cast<int64_t>(zset.size());
  return kOk;
}

// ---- Ranges ---------------------------------------------------------------------------------------------------------

zsets::LexBound BoundOf(const std::optional<std::string_view>& member, bool without, zsets::LexBound::Kind open) {
  if (!member) return {.kind = open, .exclusive = false, .member = {}};
  return {.kind = zsets::LexBound::kMember, .exclusive = without, .member = *member};
}

Result<zsets::Range> RangeOf(const SortedRange& range) {
  if (std::isnan(range.min) || std::isnan(range.max)) return kBadScore;
  zsets::Range result;
  switch (range.by) {
    case SortedRange::By::kRank: result.by = zsets::Range::kRank; break;
    case SortedRange::By::kScore: result.by = zsets::Range::kScore; break;
    case SortedRange::By::kMember: result.by = zsets::Range::kMember; break;
  }
  result.start = range.first;
  result.stop = range.last;
  result.scores = {{range.min, range.without_min}, {range.max, range.without_max}};
  result.members = {BoundOf(range.min_member, range.without_min, zsets::LexBound::kMin),
                    BoundOf(range.max_member, range.without_max, zsets::LexBound::kMax)};
  result.reverse = range.reverse;
  result.limit = {range.offset, range.count};
  return result;
}

bool AddPicked(const Collection& zset, const zsets::Picked& picked, FetchedList* to) {
  bool filled = true;
  zset.ForRange(picked.first, picked.count, picked.backwards,
                [&](const char* record) { return filled = AddScoredMember(zset, record, to); });
  return filled;
}

Error SortedSetRange(const OpAt& at, const SortedRange* asked, FetchedList* to) {
  LARDER_ASSIGN_OR_RETURN(const zsets::Range range, RangeOf(*asked));
  LARDER_ASSIGN_OR_RETURN(const zsets::Opened opened, zsets::OpenLabelled(at.db(), at.key, Lookup::kRead));
  return FilledError(AddPicked(opened.zset, zsets::Pick(opened, range), to));
}
bool SortedSetRangeIsShort(keyspace::Db& db, Bytes key, const SortedRange* asked, FetchedList*)
    LARDER_REQUIRES_HOLDER {
  if (CollectionIsShort(db, key)) return true;
  constexpr auto kFew = static_cast<int64_t>(engine::kShortElements);
  if (asked->by != SortedRange::By::kRank) return asked->count >= 0 && asked->count <= kFew;
  if ((asked->first < 0) != (asked->last < 0)) return false;  // of how many, its size decides
  return asked->last - asked->first < kFew;
}

Error SortedSetCount(const OpAt& at, const SortedRange* asked, int64_t* count) {
  LARDER_ASSIGN_OR_RETURN(const zsets::Range range, RangeOf(*asked));
  LARDER_ASSIGN_OR_RETURN(const zsets::Opened opened, zsets::OpenLabelled(at.db(), at.key, Lookup::kRead));
  *count = static_cast<int64_t>(zsets::Pick(opened, range).count);
  return kOk;
}

// A range as the two words of ZCOUNT and its like.
class RangeWords {
 public:
  explicit RangeWords(const SortedRange& range) {
    switch (range.by) {
      case SortedRange::By::kRank:
        Number(0, range.first);
        Number(1, range.last);
        break;
      case SortedRange::By::kScore:
        Score(0, range.min, range.without_min);
        Score(1, range.max, range.without_max);
        break;
      case SortedRange::By::kMember:
        Member(0, range.min_member, range.without_min, "-");
        Member(1, range.max_member, range.without_max, "+");
        break;
    }
  }
  bool failed() const { return buffers_[0].failed() || buffers_[1].failed(); }
  Bytes first() const { return buffers_[0].view(); }
  Bytes second() const { return buffers_[1].view(); }

 private:
  void Number(int i, int64_t number) {
    char digits[base::kIntChars];
    buffers_[i].Append(base::FormatInt64(number, digits));
  }
  void Score(int i, double score, bool without) {
    if (without) buffers_[i].Append('(');
    char digits[base::kDoubleChars];
    buffers_[i].Append(base::FormatDouble(score, digits));
  }
  void Member(int i, const std::optional<std::string_view>& member, bool without, Bytes open) {
    if (!member) {
      buffers_[i].Append(open);
      return;
    }
    buffers_[i].Append(without ? '(' : '[');
    buffers_[i].Append(*member);
  }
  base::Buffer buffers_[2];
};

void ShowRange(engine::Monitors& to, Bytes key, const SortedRange* range, FetchedList*) {
  const RangeWords words(*range);
  to.Add(key);
  to.Add(range->reverse && range->by != SortedRange::By::kRank ? words.second() : words.first());
  to.Add(range->reverse && range->by != SortedRange::By::kRank ? words.first() : words.second());
  if (range->by == SortedRange::By::kScore) to.Add("BYSCORE");
  if (range->by == SortedRange::By::kMember) to.Add("BYLEX");
  if (range->reverse) to.Add("REV");
  if (range->by != SortedRange::By::kRank && (range->offset != 0 || range->count >= 0)) {
    to.Add("LIMIT");
    to.Add(range->offset);
    to.Add(range->count);
  }
  to.Add("WITHSCORES");
}
void ShowCount(engine::Monitors& to, Bytes key, const SortedRange* range, int64_t*) {
  const RangeWords words(*range);
  to.Add(key);
  to.Add(words.first());
  to.Add(words.second());
}

Error SortedSetRemoveRange(const OpAt& at, const SortedRange* asked, int64_t* count) {
  *count = 0;
  LARDER_ASSIGN_OR_RETURN(const zsets::Range range, RangeOf(*asked));
  LARDER_ASSIGN_OR_RETURN(const zsets::Opened opened, zsets::OpenLabelled(at.db(), at.key, Lookup::kWrite));
  const zsets::Picked picked = zsets::Pick(opened, range);
  if (picked.count == 0) return kOk;
  static constexpr Bytes kNames[] = {"ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREMRANGEBYLEX"};
  static constexpr Bytes kEvents[] = {"zremrangebyrank", "zremrangebyscore", "zremrangebylex"};
  const auto by = static_cast<size_t>(asked->by);
  const RangeWords words(*asked);
  if (words.failed()) return errors::kAllocationFailed;
  const Bytes command[] = {kNames[by], at.key, words.first(), words.second()};
  LARDER_RETURN_IF_ERROR(
      zsets::RemoveRange(at.db(), at.key, picked.least(), picked.count, kEvents[by], command));
  *count = static_cast<int64_t>(picked.count);
  return kOk;
}
bool SortedSetRemoveRangeIsShort(keyspace::Db& db, Bytes key, const SortedRange*, int64_t*) LARDER_REQUIRES_HOLDER {
  return CollectionIsShort(db, key);
}

template <bool kMax>
Error SortedSetPop(const OpAt& at, int64_t count, FetchedList* to) {
  if (count < 0) return errors::kNotPositive;
  LARDER_ASSIGN_OR_RETURN(const zsets::Opened opened, zsets::OpenLabelled(at.db(), at.key, Lookup::kWrite));
  const size_t size = opened.zset.size();
  if (size == 0 || count == 0) return kOk;
  const zsets::Picked picked{kMax ? size - 1 : 0, std::min(static_cast<size_t>(count), size), kMax};
  if (!AddPicked(opened.zset, picked, to)) return internal::kNoMemoryForResult;
  char digits[base::kIntChars];
  const Bytes command[] = {kMax ? "ZPOPMAX" : "ZPOPMIN", at.key, base::FormatInt64(count, digits)};
  return zsets::RemoveRange(at.db(), at.key, picked.least(), picked.count, kMax ? "zpopmax" : "zpopmin", command);
}
bool SortedSetPopIsShort(keyspace::Db& db, Bytes key, int64_t count, FetchedList*) LARDER_REQUIRES_HOLDER {
  return CountIsShort(count) || CollectionIsShort(db, key);
}

Error SortedSetRandom(const OpAt& at, int64_t count, FetchedList* to) {
  if (count < 0) return errors::kNotPositive;
  LARDER_ASSIGN_OR_RETURN(const Collection zset, zsets::Open(at.db(), at.key));
  const size_t most = std::min(static_cast<size_t>(count), zset.size());
  bool filled = true;
  const bool sampled = ops::SampleRecords(zset, most, at.db().keyspace().random(), [&](const char* record) {
    filled = filled && AddScoredMember(zset, record, to);
  });
  return FilledError(sampled && filled);
}

constexpr internal::RangeOp CountRow(Bytes name) {
  return OpOf<const SortedRange*, int64_t*>({.name = name, .access = Access::kReads, .keys = KeyCount::kOne,
                                             .run = By<SortedSetCount>, .show = By<ShowCount>});
}
constexpr internal::RangeOp RemoveRangeRow(Bytes name) {
  return OpOf<const SortedRange*, int64_t*>({.name = name, .access = Access::kWrites, .keys = KeyCount::kOne,
                                             .run = By<SortedSetRemoveRange>,
                                             .is_short = By<SortedSetRemoveRangeIsShort>, .show = By<ShowCount>});
}

}  // namespace
}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

using typed::By;
using typed::OpOf;

constexpr TypedOp<double, Bytes, uint8_t, AddCounts*> kSortedSetAdd = OpOf<double, Bytes, uint8_t, AddCounts*>(
    {.name = "ZADD", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::SortedSetAdd>,
     .growth = By<typed::GrowthOfSortedSetAdd>, .is_short = By<typed::SortedSetAddIsShort>,
     .show = By<typed::ShowSortedSetAdd>});
constexpr TypedOp<ScoredSpan, uint8_t, AddCounts*> kSortedSetAddSeveral = OpOf<ScoredSpan, uint8_t, AddCounts*>(
    {.name = "ZADD", .access = Access::kWrites, .keys = KeyCount::kOne, .makes_room_ahead = true,
     .run = By<typed::SortedSetAddSeveral>, .growth = By<typed::GrowthOfSortedSetAddSeveral>,
     .is_short = By<typed::SortedSetAddSeveralIsShort>, .show = By<typed::ShowSortedSetAddSeveral>});
constexpr TypedOp<double, Bytes, double*> kSortedSetIncrement = OpOf<double, Bytes, double*>(
    {.name = "ZINCRBY", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::SortedSetIncrement>,
     .growth = By<typed::GrowthOfSortedSetIncrement>});
constexpr TypedOp<Bytes, bool*> kSortedSetRemove = OpOf<Bytes, bool*>(
    {.name = "ZREM", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::SortedSetRemove>});
constexpr TypedOp<WordSpan, const WordSpan*, int64_t*> kSortedSetRemoveSeveral =
    OpOf<WordSpan, const WordSpan*, int64_t*>({.name = "ZREM", .access = Access::kWrites, .keys = KeyCount::kOne,
                                               .run = By<typed::SortedSetRemoveSeveral>,
                                               .is_short = By<typed::WordsAreShort>});

constexpr TypedOp<Bytes, std::optional<double>*> kSortedSetScore = OpOf<Bytes, std::optional<double>*>(
    {.name = "ZSCORE", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::SortedSetScore>});
constexpr TypedOp<Bytes, std::optional<int64_t>*> kSortedSetRank = OpOf<Bytes, std::optional<int64_t>*>(
    {.name = "ZRANK", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::SortedSetRank<false>>});
constexpr TypedOp<Bytes, std::optional<int64_t>*> kSortedSetReverseRank = OpOf<Bytes, std::optional<int64_t>*>(
    {.name = "ZREVRANK", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::SortedSetRank<true>>});
constexpr TypedOp<int64_t*> kSortedSetSize = OpOf<int64_t*>(
    {.name = "ZCARD", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::SortedSetSize>});

constexpr TypedOp<const SortedRange*, FetchedList*> kSortedSetRange = OpOf<const SortedRange*, FetchedList*>(
    {.name = "ZRANGE", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::SortedSetRange>,
     .is_short = By<typed::SortedSetRangeIsShort>, .show = By<typed::ShowRange>});
constexpr RangeOp kSortedSetCountScores = typed::CountRow("ZCOUNT");
constexpr RangeOp kSortedSetCountMembers = typed::CountRow("ZLEXCOUNT");
constexpr RangeOp kSortedSetRemoveRanks = typed::RemoveRangeRow("ZREMRANGEBYRANK");
constexpr RangeOp kSortedSetRemoveScores = typed::RemoveRangeRow("ZREMRANGEBYSCORE");
constexpr RangeOp kSortedSetRemoveMembers = typed::RemoveRangeRow("ZREMRANGEBYLEX");

constexpr TypedOp<int64_t, FetchedList*> kSortedSetPopMin = OpOf<int64_t, FetchedList*>(
    {.name = "ZPOPMIN", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::SortedSetPop<false>>,
     .is_short = By<typed::SortedSetPopIsShort>});
constexpr TypedOp<int64_t, FetchedList*> kSortedSetPopMax = OpOf<int64_t, FetchedList*>(
    {.name = "ZPOPMAX", .access = Access::kWrites, .keys = KeyCount::kOne, .run = By<typed::SortedSetPop<true>>,
     .is_short = By<typed::SortedSetPopIsShort>});
constexpr TypedOp<int64_t, FetchedList*> kSortedSetRandom = OpOf<int64_t, FetchedList*>(
    {.name = "ZRANDMEMBER", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::SortedSetRandom>,
     .is_short = By<typed::SortedSetPopIsShort>});

constexpr PinOp kPinSortedSet = OpOf<core::CacheCore*, CollectionPin*, size_t*, FetchedList*>(
    {.name = "ZRANGE", .access = Access::kReads, .keys = KeyCount::kOne, .run = By<typed::PinSortedSet>,
     .show = By<typed::ShowPinScores>});

}  // namespace larder::inline v0::internal
