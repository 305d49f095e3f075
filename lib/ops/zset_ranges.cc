#include "lib/ops/zset_ranges.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/base/numbers.h"
#include "lib/keyspace/errors.h"

namespace larder::inline v0::ops::zsets {
namespace {

using keyspace::Collection;
using keyspace::ScoredProbe;

// How many members are below a bound: those that are less, and, if it is the end of what is picked unless it is
// exclusive, or the beginning if it is, those that are equal.
size_t CountBelow(const Collection& zset, ScoreBound bound, bool equal_too) {
  ds::SortedProbe probe = ScoredProbe(ds::ScoreWord(bound.score), {});
  if (equal_too) ++probe.first;
  return zset.CountLess(probe);
}

bool IsAtLeast(Bytes member, const LexBound& min) {
  if (min.kind != LexBound::kMember) return min.kind == LexBound::kMin;
  const int order = member.compare(min.member);
  return min.exclusive ? order > 0 : order >= 0;
}

bool IsAtMost(Bytes member, const LexBound& max) {
  if (max.kind != LexBound::kMember) return max.kind == LexBound::kMax;
  const int order = member.compare(max.member);
  return max.exclusive ? order < 0 : order <= 0;
}

// The first index at which `is_beyond` holds, which it does from there on.
template <class F>
size_t Partition(const Collection& zset, F is_beyond) {
  size_t low = 0;
  for (size_t left = zset.size(); left > 0;) {
    const size_t half = left / 2;
    const bool beyond = is_beyond(MemberOf(zset, zset.At(low + half)));
    low += beyond ? 0 : half + 1;
    left = beyond ? half : left - half - 1;
  }
  return low;
}

// The same by one search, where all have one score.
size_t CountBelow(const Collection& zset, uint64_t word, const LexBound& bound, bool equal_too) {
  if (bound.kind != LexBound::kMember) return bound.kind == LexBound::kMin ? 0 : zset.size();
  const size_t less = zset.CountLess(ScoredProbe(word, bound.member));
  const bool equal = equal_too && less < zset.size() && MemberOf(zset, zset.At(less)) == bound.member;
  return less + equal;
}

Picked Between(size_t from, size_t to, bool reverse, Limit limit) {
  Picked picked{.first = 0, .count = 0, .backwards = reverse};
  if (from >= to || limit.offset < 0) return picked;
  const size_t offset = static_cast<size_t>(limit.offset);
  if (offset >= to - from) return picked;
  picked.count = to - from - offset;
  if (limit.count >= 0) picked.count = std::min(picked.count, static_cast<size_t>(limit.count));
  picked.first = reverse ? to - 1 - offset : from + offset;
  return picked;
}

Picked PickRanks(size_t size, const Range& range) {
  const int64_t length = static_cast<int64_t>(size);
  int64_t start = range.start < 0 ? range.start + length : range.start;
  int64_t stop = range.stop < 0 ? range.stop + length : range.stop;
  start = std::max<int64_t>(start, 0);
  stop = std::min(stop, length - 1);
  Picked picked{.first = 0, .count = 0, .backwards = range.reverse};
  if (start > stop || start >= length) return picked;
  picked.first = static_cast<size_t>(range.reverse ? length - 1 - start : start);
  picked.count = static_cast<size_t>(stop - start + 1);
  return picked;
}

Picked PickScores(const Collection& zset, const Range& range) {
  const size_t from = CountBelow(zset, range.scores.min, range.scores.min.exclusive);
  const size_t to = CountBelow(zset, range.scores.max, !range.scores.max.exclusive);
  return Between(from, to, range.reverse, range.limit);
}

// As Redis goes through a listpack: from the first member that is in the range on, LIMIT's offset counting whatever
// comes, until one is not. Nothing if the first or last of all is beyond it. Redis's order is by score; only where all
// scores are equal it is that of the members, and this the range.
Picked WalkMembers(const Collection& zset, const Range& range) {
  const size_t size = zset.size();
  const bool reverse = range.reverse;
  const LexBound& near = reverse ? range.members.max : range.members.min;
  const LexBound& far = reverse ? range.members.min : range.members.max;
  const auto reaches = [&](Bytes member) { return reverse ? IsAtMost(member, near) : IsAtLeast(member, near); };
  const auto holds = [&](Bytes member) { return reverse ? IsAtLeast(member, far) : IsAtMost(member, far); };
  Picked picked{.first = 0, .count = 0, .backwards = reverse};
  if (size == 0 || range.limit.offset < 0) return picked;
  if (!IsAtLeast(MemberOf(zset, zset.At(size - 1)), range.members.min) ||
      !IsAtMost(MemberOf(zset, zset.At(0)), range.members.max)) {
    return picked;
  }
  size_t seen = 0;
  size_t begin = size;  // in the order of the walk
  zset.ForRange(reverse ? size - 1 : 0, size, reverse, [&](const char* record) {
    const Bytes member = MemberOf(zset, record);
    if (begin == size) {
      if (reaches(member)) {
        if (!holds(member)) return false;
        begin = static_cast<uint64_t>(range.limit.offset) < size - seen ? seen + static_cast<size_t>(range.limit.offset)
                                                                        : size;
        if (begin == size) return false;
      }
    }
    if (begin != size && seen >= begin) {
      if (range.limit.count >= 0 && picked.count == static_cast<uint64_t>(range.limit.count)) return false;
      if (!holds(member)) return false;
      ++picked.count;
    }
    ++seen;
    return true;
  });
  if (picked.count != 0) picked.first = reverse ? size - 1 - begin : begin;
  return picked;
}

Picked PickMembers(const Opened& opened, const Range& range) {
  const Collection& zset = opened.zset;
  if (opened.is_listpack) return WalkMembers(zset, range);
  if (zset.empty()) return {};
  const LexBound& min = range.members.min;
  const LexBound& max = range.members.max;
  const uint64_t word = ds::FirstWord(zset.At(0), zset.format());
  size_t from;
  size_t to;
  if (word == ds::FirstWord(zset.At(zset.size() - 1), zset.format())) {
    from = CountBelow(zset, word, min, min.exclusive);
    to = CountBelow(zset, word, max, !max.exclusive);
  } else {
    from = Partition(zset, [&](Bytes member) { return IsAtLeast(member, min); });
    to = Partition(zset, [&](Bytes member) { return !IsAtMost(member, max); });
  }
  return Between(from, to, range.reverse, range.limit);
}

// A number whose exponent is beyond those of long doubles: infinite or 0, with its sign.
bool ParseHuge(Bytes text, double* value) {
  const bool hex = text.find_first_of("xX") != Bytes::npos;
  const size_t at = text.find_first_of(hex ? Bytes("pP") : Bytes("eE"));
  if (at == Bytes::npos) return false;
  Bytes exponent = text.substr(at + 1);
  const bool small = !exponent.empty() && exponent[0] == '-';
  if (small || (!exponent.empty() && exponent[0] == '+')) exponent.remove_prefix(1);
  if (exponent.empty() || exponent.find_first_not_of("0123456789") != Bytes::npos) return false;
  double mantissa = 0;
  if (!base::ParseDouble(text.substr(0, at), &mantissa) || !std::isfinite(mantissa)) return false;
  const double size = small || mantissa == 0 ? 0 : std::numeric_limits<double>::infinity();
  *value = std::copysign(size, mantissa);
  return true;
}

// As strtod: up to a NUL, without leading blanks, which alone are no number; too large is infinite, too small is 0.
bool ParseLenient(Bytes text, double* value) {
  text = text.substr(0, text.find('\0'));
  if (text.empty()) {
    *value = 0;
    return true;
  }
  while (!text.empty() && (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r'))) text.remove_prefix(1);
  if (base::ParseDouble(text, value)) return true;
  long double wide = 0;  // whose exponent has more room
  if (base::ParseLongDouble(text, &wide)) {
    *value = static_cast<double>(wide);
    return true;
  }
  return ParseHuge(text, value);
}

bool ParseScoreBound(Bytes text, ScoreBound* bound) {
  bound->exclusive = !text.empty() && text[0] == '(';
  if (bound->exclusive) text.remove_prefix(1);
  return ParseLenient(text, &bound->score);
}

bool ParseLexBound(Bytes text, LexBound* bound) {
  if (text.empty()) return false;
  switch (text[0]) {
    case '-':
    case '+':
      bound->kind = text[0] == '-' ? LexBound::kMin : LexBound::kMax;
      return text.size() == 1;
    case '[':
    case '(':
      bound->kind = LexBound::kMember;
      bound->exclusive = text[0] == '(';
      bound->member = text.substr(1);
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<ScoreRange> ParseScoreRange(Bytes min, Bytes max) {
  ScoreRange range;
  if (!ParseScoreBound(min, &range.min) || !ParseScoreBound(max, &range.max)) return errors::kRangeNotFloat;
  return range;
}

Result<LexRange> ParseLexRange(Bytes min, Bytes max) {
  LexRange range;
  if (!ParseLexBound(min, &range.min) || !ParseLexBound(max, &range.max)) return errors::kRangeNotLex;
  return range;
}

Picked Pick(const Opened& opened, const Range& range) {
  switch (range.by) {
    case Range::kRank: return PickRanks(opened.zset.size(), range);
    case Range::kScore: return PickScores(opened.zset, range);
    case Range::kMember: return PickMembers(opened, range);
  }
  return {};
}

}  // namespace larder::inline v0::ops::zsets
