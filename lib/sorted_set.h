// SortedSet: a handle on a sorted set, Redis's set of strings in order of a score each: a leaderboard, a priority queue,
// an index by time.
//
//   larder::SortedSet board(cache, "board");
//   absl::StatusOr<bool> is_new = board.Add("ada", 120);
//   absl::StatusOr<double> score = board.Increment("ada", 5);
//   absl::StatusOr<std::vector<larder::ScoredMember>> top = board.Range(0, 9, {.reverse = true});
//   absl::StatusOr<std::optional<int64_t>> place = board.ReverseRank("ada");
//
// The order is by score and, among members of one score, by their bytes. Ranks count from 0 at the lowest, and from -1
// at the highest.
//
// A handle is made from a Cache, a Database or a Transaction, and is valid as long as that; from a Transaction, its
// calls are the Transaction's. It keeps a copy of the key. There need be nothing at the key: a sorted set begins with
// its first member and ends with its last.
//
// Threads, errors, ownership: as cache.h says of every call. FAILED_PRECONDITION if another type is at a key,
// INVALID_ARGUMENT for a score that is not a number.
// Costs: O(log N) for a member, a rank or the beginning of a range. Long results make others wait; Scan does not.
//
// The Blocking calls wait until there is a member, as list.h tells ("Waiting"):
//
//   absl::StatusOr<std::optional<larder::ScoredMember>> next = board.BlockingPopMin(absl::Seconds(5));
#ifndef LARDER_SORTED_SET_H_
#define LARDER_SORTED_SET_H_

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include <larder/cache.h>
#include <larder/collection_range.h>
#include <larder/internal/commanded.h>
#include <larder/internal/handle.h>
#include <larder/internal/sorted_set_ops.h>
#include <larder/internal/waiting.h>

namespace larder::inline v0 {

// Scores from `min` to `max`, both included unless said otherwise.
struct ScoreRange {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool without_min = false;
  bool without_max = false;
};

// Members from `min` to `max` by their bytes, both included unless said otherwise; nullopt: there is no such bound. Of
// use where all members have the same score.
struct MemberRange {
  std::optional<std::string_view> min = std::nullopt;
  std::optional<std::string_view> max = std::nullopt;
  bool without_min = false;
  bool without_max = false;
};

struct RangeOptions {
  bool reverse = false;  // from the highest down
  int64_t offset = 0;    // LIMIT: how many are skipped. A range of ranks takes no account of it, nor of `count`.
  int64_t count = -1;    // and how many are returned at most; -1: all
};

class SortedSet : public internal::KeyHandle {
  using Words = std::span<const std::string_view>;
  using Listed = std::initializer_list<std::string_view>;
  using Pair = std::pair<std::string_view, double>;
  using Members = absl::StatusOr<std::vector<ScoredMember>>;

 public:
  // Which members Add changes.
  struct AddOptions {
    SetOptions::If condition = SetOptions::If::kAlways;  // NX: only new ones; XX: only those that are there
    bool only_greater = false;  // GT: those that are there only if their score becomes greater
    bool only_less = false;     // LT: or less; not both, and not with NX
  };
  struct AddResult {
    int64_t added = 0;
    int64_t changed = 0;  // whose scores have changed
  };

  SortedSet(const Database& database, std::string_view key) : KeyHandle(database, key) {}

  // ZADD: whether the member is new; how many are, and how many scores changed. All are done, or none. INVALID_ARGUMENT
  // for options that contradict each other.
  absl::StatusOr<bool> Add(std::string_view member, double score) const { return Add(member, score, AddOptions()); }
  absl::StatusOr<bool> Add(std::string_view member, double score, const AddOptions& options) const;
  absl::StatusOr<AddResult> Add(std::span<const Pair> members) const { return Add(members, AddOptions()); }
  absl::StatusOr<AddResult> Add(std::span<const Pair> members, const AddOptions& options) const;
  absl::StatusOr<AddResult> Add(std::initializer_list<Pair> members) const { return Add(members, AddOptions()); }
  absl::StatusOr<AddResult> Add(std::initializer_list<Pair> members, const AddOptions& options) const {
    return Add(std::span(members.begin(), members.size()), options);
  }
  // ZINCRBY: the new score. A missing member has 0. OUT_OF_RANGE if the sum is not a number (inf - inf).
  absl::StatusOr<double> Increment(std::string_view member, double by = 1) const;
  // ZREM: whether it was there; how many were.
  absl::StatusOr<bool> Remove(std::string_view member) const;
  absl::StatusOr<int64_t> Remove(Words members) const;
  absl::StatusOr<int64_t> Remove(Listed members) const { return Remove(Words(members)); }

  // ZSCORE, ZRANK, ZREVRANK: nullopt if there is no such member. ZCARD.
  absl::StatusOr<std::optional<double>> Score(std::string_view member) const;
  absl::StatusOr<std::optional<int64_t>> Rank(std::string_view member) const;
  absl::StatusOr<std::optional<int64_t>> ReverseRank(std::string_view member) const;
  absl::StatusOr<int64_t> Size() const;

  // ZRANGE: members by rank, `first` to `last`, both included, by score, or by their bytes.
  Members Range(int64_t first, int64_t last) const { return Range(first, last, RangeOptions()); }
  Members Range(int64_t first, int64_t last, const RangeOptions& options) const;
  Members Range(const ScoreRange& scores, const RangeOptions& options = {}) const;
  Members Range(const MemberRange& members, const RangeOptions& options = {}) const;
  // ZCOUNT, ZLEXCOUNT.
  absl::StatusOr<int64_t> Count(const ScoreRange& scores) const;
  absl::StatusOr<int64_t> Count(const MemberRange& members) const;
  // ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX: how many there were.
  absl::StatusOr<int64_t> RemoveRange(int64_t first, int64_t last) const;
  absl::StatusOr<int64_t> RemoveRange(const ScoreRange& scores) const;
  absl::StatusOr<int64_t> RemoveRange(const MemberRange& members) const;
  // ZPOPMIN, ZPOPMAX: takes out up to `count`. OUT_OF_RANGE for a negative count; DATA_LOSS if they were taken out, and
  // there is no memory to return them.
  Members PopMin(int64_t count = 1) const;
  Members PopMax(int64_t count = 1) const;
  // BZPOPMIN, BZPOPMAX: one, waiting for it if there is none; nullopt when the time is over.
  absl::StatusOr<std::optional<ScoredMember>> BlockingPopMin(absl::Duration timeout,
                                                             const std::stop_token& stop = {}) const;
  absl::StatusOr<std::optional<ScoredMember>> BlockingPopMax(absl::Duration timeout,
                                                             const std::stop_token& stop = {}) const;
  // ZRANDMEMBER: up to `count` different members, each of equal chance, which stay. OUT_OF_RANGE for a negative count.
  Members Random(int64_t count) const;

  // ZUNIONSTORE, ZINTERSTORE, ZDIFFSTORE: this key becomes that of the sorted sets (or sets) at `sources`, whatever it was;
  // its size. The scores of a member are added up; ZDIFFSTORE keeps the first's. INVALID_ARGUMENT without sources.
  absl::StatusOr<int64_t> StoreUnion(Words sources) const { return Store("ZUNIONSTORE", sources); }
  absl::StatusOr<int64_t> StoreUnion(Listed sources) const { return StoreUnion(Words(sources)); }
  absl::StatusOr<int64_t> StoreIntersection(Words sources) const { return Store("ZINTERSTORE", sources); }
  absl::StatusOr<int64_t> StoreIntersection(Listed sources) const { return StoreIntersection(Words(sources)); }
  absl::StatusOr<int64_t> StoreDifference(Words sources) const { return Store("ZDIFFSTORE", sources); }
  absl::StatusOr<int64_t> StoreDifference(Listed sources) const { return StoreDifference(Words(sources)); }

  CollectionRange<ScoredMember> Scan() const { return {target_, internal::kPinSortedSet, key_}; }

 private:
  using PopOp = internal::TypedOp<int64_t, internal::FetchedList*>;
  static uint8_t RuleOf(const AddOptions& options);
  static internal::SortedRange RangeOf(const ScoreRange& scores);
  static internal::SortedRange RangeOf(const MemberRange& members);
  static void Limit(const RangeOptions& options, internal::SortedRange* range);
  static Members MembersOf(const internal::ErrorText* error, const internal::FetchedList& fetched);
  Members Fetch(const internal::SortedRange& range) const;
  absl::StatusOr<int64_t> Counted(const internal::RangeOp& op, const internal::SortedRange& range) const;
  Members Popped(const PopOp& op, int64_t count) const;
  absl::StatusOr<int64_t> Store(std::string_view name, Words sources) const;
};

// What was taken out of one of several sorted sets.
struct PoppedMember {
  std::string key;  // the sorted set's
  ScoredMember member;

  friend bool operator==(const PoppedMember&, const PoppedMember&) = default;
};
struct PoppedMembers {
  std::string key;
  std::vector<ScoredMember> members;  // in the order in which they went

  friend bool operator==(const PoppedMembers&, const PoppedMembers&) = default;
};

// BZPOPMIN, BZPOPMAX: a member of the first of these sorted sets that has one. INVALID_ARGUMENT without keys.
absl::StatusOr<std::optional<PoppedMember>> BlockingPopMin(const Database& database, KeyList keys,
                                                           absl::Duration timeout, const std::stop_token& stop = {});
absl::StatusOr<std::optional<PoppedMember>> BlockingPopMax(const Database& database, KeyList keys,
                                                           absl::Duration timeout, const std::stop_token& stop = {});
// BZMPOP: up to `count` members of the first that has any. INVALID_ARGUMENT also for a count below 1.
absl::StatusOr<std::optional<PoppedMembers>> BlockingPopMin(const Database& database, KeyList keys, int64_t count,
                                                            absl::Duration timeout, const std::stop_token& stop = {});
absl::StatusOr<std::optional<PoppedMembers>> BlockingPopMax(const Database& database, KeyList keys, int64_t count,
                                                            absl::Duration timeout, const std::stop_token& stop = {});

// ---- Inline ---------------------------------------------------------------------------------------------------------

inline uint8_t SortedSet::RuleOf(const AddOptions& options) {
  uint8_t rule = internal::kAddAll;
  if (options.condition == SetOptions::If::kMissing) rule |= internal::kOnlyNew;
  if (options.condition == SetOptions::If::kPresent) rule |= internal::kOnlyOld;
  if (options.only_greater) rule |= internal::kOnlyGreater;
  if (options.only_less) rule |= internal::kOnlyLess;
  return rule;
}
inline absl::StatusOr<bool> SortedSet::Add(std::string_view member, double score, const AddOptions& options) const {
  internal::AddCounts counts;
  const internal::ErrorText* const error = Run(internal::kSortedSetAdd, score, member, RuleOf(options), &counts);
  return internal::ResultOf(error, counts.added != 0);
}
inline absl::StatusOr<SortedSet::AddResult> SortedSet::Add(std::span<const Pair> members,
                                                           const AddOptions& options) const {
  internal::AddCounts counts;
  const internal::ErrorText* const error = Run(internal::kSortedSetAddSeveral, members, RuleOf(options), &counts);
  return internal::ResultOf(error, AddResult{counts.added, counts.changed});
}
inline absl::StatusOr<double> SortedSet::Increment(std::string_view member, double by) const {
  double score = 0;
  return internal::ResultOf(Run(internal::kSortedSetIncrement, by, member, &score), score);
}
inline absl::StatusOr<bool> SortedSet::Remove(std::string_view member) const {
  bool removed = false;
  return internal::ResultOf(Run(internal::kSortedSetRemove, member, &removed), removed);
}
inline absl::StatusOr<int64_t> SortedSet::Remove(Words members) const {
  internal::Words words("ZREM", key_);
  words.AddAll(members);
  return RunWords(internal::kSortedSetRemoveSeveral, words);
}

inline absl::StatusOr<std::optional<double>> SortedSet::Score(std::string_view member) const {
  std::optional<double> score;
  return internal::ResultOf(Run(internal::kSortedSetScore, member, &score), score);
}
inline absl::StatusOr<std::optional<int64_t>> SortedSet::Rank(std::string_view member) const {
  std::optional<int64_t> rank;
  return internal::ResultOf(Run(internal::kSortedSetRank, member, &rank), rank);
}
inline absl::StatusOr<std::optional<int64_t>> SortedSet::ReverseRank(std::string_view member) const {
  std::optional<int64_t> rank;
  return internal::ResultOf(Run(internal::kSortedSetReverseRank, member, &rank), rank);
}
inline absl::StatusOr<int64_t> SortedSet::Size() const {
  int64_t size = 0;
  return internal::ResultOf(Run(internal::kSortedSetSize, &size), size);
}

inline internal::SortedRange SortedSet::RangeOf(const ScoreRange& scores) {
  return {.by = internal::SortedRange::By::kScore, .min = scores.min, .max = scores.max,
          .without_min = scores.without_min, .without_max = scores.without_max};
}
inline internal::SortedRange SortedSet::RangeOf(const MemberRange& members) {
  return {.by = internal::SortedRange::By::kMember, .without_min = members.without_min,
          .without_max = members.without_max, .min_member = members.min, .max_member = members.max};
}
inline void SortedSet::Limit(const RangeOptions& options, internal::SortedRange* range) {
  range->reverse = options.reverse;
  range->offset = options.offset;
  range->count = options.count;
}
inline SortedSet::Members SortedSet::MembersOf(const internal::ErrorText* error,
                                               const internal::FetchedList& fetched) {
  if (error != nullptr) [[unlikely]] return internal::StatusOf(*error);
  std::vector<ScoredMember> result;
  absl::Status filled = internal::FillResult([&] {
    result.reserve(fetched.size() / 2);
    for (size_t i = 0; i + 1 < fetched.size(); i += 2) {
      result.push_back({std::string(fetched.view(i)), internal::FetchedScore(fetched.view(i + 1))});
    }
  });
  if (!filled.ok()) return filled;
  return result;
}
inline SortedSet::Members SortedSet::Fetch(const internal::SortedRange& range) const {
  internal::FetchedList fetched;
  return MembersOf(Run(internal::kSortedSetRange, &range, &fetched), fetched);
}
inline absl::StatusOr<int64_t> SortedSet::Counted(const internal::RangeOp& op,
                                                  const internal::SortedRange& range) const {
  int64_t count = 0;
  return internal::ResultOf(Run(op, &range, &count), count);
}

inline SortedSet::Members SortedSet::Range(int64_t first, int64_t last, const RangeOptions& options) const {
  internal::SortedRange range = {.first = first, .last = last};
  Limit(options, &range);
  return Fetch(range);
}
inline SortedSet::Members SortedSet::Range(const ScoreRange& scores, const RangeOptions& options) const {
  internal::SortedRange range = RangeOf(scores);
  Limit(options, &range);
  return Fetch(range);
}
inline SortedSet::Members SortedSet::Range(const MemberRange& members, const RangeOptions& options) const {
  internal::SortedRange range = RangeOf(members);
  Limit(options, &range);
  return Fetch(range);
}
inline absl::StatusOr<int64_t> SortedSet::Count(const ScoreRange& scores) const {
  return Counted(internal::kSortedSetCountScores, RangeOf(scores));
}
inline absl::StatusOr<int64_t> SortedSet::Count(const MemberRange& members) const {
  return Counted(internal::kSortedSetCountMembers, RangeOf(members));
}
inline absl::StatusOr<int64_t> SortedSet::RemoveRange(int64_t first, int64_t last) const {
  return Counted(internal::kSortedSetRemoveRanks, {.first = first, .last = last});
}
inline absl::StatusOr<int64_t> SortedSet::RemoveRange(const ScoreRange& scores) const {
  return Counted(internal::kSortedSetRemoveScores, RangeOf(scores));
}
inline absl::StatusOr<int64_t> SortedSet::RemoveRange(const MemberRange& members) const {
  return Counted(internal::kSortedSetRemoveMembers, RangeOf(members));
}

inline SortedSet::Members SortedSet::Random(int64_t count) const {
  internal::FetchedList fetched;
  return MembersOf(Run(internal::kSortedSetRandom, count, &fetched), fetched);
}
inline SortedSet::Members SortedSet::Popped(const PopOp& op, int64_t count) const {
  internal::FetchedList fetched;
  const internal::ErrorText* const error = Run(op, count, &fetched);
  return internal::TakenOut(error == nullptr, MembersOf(error, fetched));
}
inline SortedSet::Members SortedSet::PopMin(int64_t count) const { return Popped(internal::kSortedSetPopMin, count); }
inline SortedSet::Members SortedSet::PopMax(int64_t count) const { return Popped(internal::kSortedSetPopMax, count); }

inline absl::StatusOr<int64_t> SortedSet::Store(std::string_view name, Words sources) const {
  const internal::Digits count(static_cast<int64_t>(sources.size()));
  internal::Words words(name, key_);
  words.Add(count.view());
  words.AddAll(sources);
  return internal::IntegerOf(internal::Execute(target_, words));
}

namespace internal {

inline namespace LARDER_INTERNAL_FLAVOR {

inline absl::StatusOr<std::optional<PoppedMember>> BlockingPopMember(std::string_view name, const Target& target,
                                                                     KeyList keys, absl::Duration timeout,
                                                                     const std::stop_token& stop) {
  return TakenOutOf<PoppedMember>(ExecuteWaitingFor(name, target, keys, timeout, stop), [](const Reply& popped) {
    return PoppedMember{std::string(popped[0].string_view()),
                        {std::string(popped[1].string_view()), popped[2].number()}};
  });
}
inline absl::StatusOr<std::optional<ScoredMember>> BlockingPopOwn(std::string_view name, const Target& target,
                                                                  std::string_view key, absl::Duration timeout,
                                                                  const std::stop_token& stop) {
  return TakenOutOf<ScoredMember>(
      ExecuteWaitingFor(name, target, KeyList(&key, 1), timeout, stop), [](const Reply& popped) {
        return ScoredMember{std::string(popped[1].string_view()), popped[2].number()};
      });
}
inline absl::StatusOr<std::optional<PoppedMembers>> BlockingPopMembers(std::string_view from, const Database& database,
                                                                       KeyList keys, int64_t count,
                                                                       absl::Duration timeout,
                                                                       const std::stop_token& stop) {
  const absl::StatusOr<Reply> reply =
      ExecuteWaitingFor("BZMPOP", from, TargetOf(database), keys, count, timeout, stop);
  return TakenOutOf<PoppedMembers>(reply, [](const Reply& popped) {
    PoppedMembers result{std::string(popped[0].string_view()), {}};
    result.members.reserve(popped[1].size());
    for (const ReplyView each : popped[1]) {
      result.members.push_back({std::string(each[0].string_view()), each[1].number()});
    }
    return result;
  });
}

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace internal

inline absl::StatusOr<std::optional<ScoredMember>> SortedSet::BlockingPopMin(absl::Duration timeout,
                                                                            const std::stop_token& stop) const {
  return internal::BlockingPopOwn("BZPOPMIN", target_, key_, timeout, stop);
}
inline absl::StatusOr<std::optional<ScoredMember>> SortedSet::BlockingPopMax(absl::Duration timeout,
                                                                            const std::stop_token& stop) const {
  return internal::BlockingPopOwn("BZPOPMAX", target_, key_, timeout, stop);
}
inline absl::StatusOr<std::optional<PoppedMember>> BlockingPopMin(const Database& database, KeyList keys,
                                                                  absl::Duration timeout, const std::stop_token& stop) {
  return internal::BlockingPopMember("BZPOPMIN", internal::TargetOf(database), keys, timeout, stop);
}
inline absl::StatusOr<std::optional<PoppedMember>> BlockingPopMax(const Database& database, KeyList keys,
                                                                  absl::Duration timeout, const std::stop_token& stop) {
  return internal::BlockingPopMember("BZPOPMAX", internal::TargetOf(database), keys, timeout, stop);
}
inline absl::StatusOr<std::optional<PoppedMembers>> BlockingPopMin(const Database& database, KeyList keys,
                                                                   int64_t count, absl::Duration timeout,
                                                                   const std::stop_token& stop) {
  return internal::BlockingPopMembers("MIN", database, keys, count, timeout, stop);
}
inline absl::StatusOr<std::optional<PoppedMembers>> BlockingPopMax(const Database& database, KeyList keys,
                                                                   int64_t count, absl::Duration timeout,
                                                                   const std::stop_token& stop) {
  return internal::BlockingPopMembers("MAX", database, keys, count, timeout, stop);
}

}  // namespace larder::inline v0

#endif  // LARDER_SORTED_SET_H_
