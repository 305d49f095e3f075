#include "lib/base/glob.h"

#include <cstddef>
#include <utility>

namespace larder::inline v0::base {
namespace {

// The byte with which an element of a pattern other than '*' is compared, case folded if asked.
class Subject {
 public:
  Subject(char c, bool ignore_case) : exact_(c), ignore_case_(ignore_case), c_(Fold(c)) {}
  bool Is(char c) const { return Fold(c) == c_; }
  bool IsExactly(char c) const { return c == exact_; }
  bool IsBetween(char first, char last) const {
    signed char low = Fold(first);
    signed char high = Fold(last);
    if (low > high) std::swap(low, high);
    return c_ >= low && c_ <= high;
  }

 private:
  signed char Fold(char c) const { return static_cast<signed char>(ignore_case_ ? LowerAscii(c) : c); }

  char exact_;
  bool ignore_case_;
  signed char c_;
};

// Matches the bracket expression that starts after the '[' at pattern[i - 1]; *end is where it ends.
bool MatchBrackets(Bytes pattern, size_t i, Subject subject, size_t* end) {
  const bool negated = i < pattern.size() && pattern[i] == '^';
  if (negated) ++i;
  bool found = false;
  while (i < pattern.size() && pattern[i] != ']') {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      found |= subject.IsExactly(pattern[i + 1]);  // this one is never folded
      i += 2;
    } else if (i + 2 < pattern.size() && pattern[i + 1] == '-') {
      found |= subject.IsBetween(pattern[i], pattern[i + 2]);
      i += 3;
    } else {
      found |= subject.Is(pattern[i]);
      ++i;
    }
  }
  *end = i < pattern.size() ? i + 1 : i;
  return found != negated;
}

// Whether the element at pattern[i] matches the subject; *end is where the element ends.
bool MatchElement(Bytes pattern, size_t i, Subject subject, size_t* end) {
  switch (pattern[i]) {
    case '?':
      *end = i + 1;
      return true;
    case '[':
      return MatchBrackets(pattern, i + 1, subject, end);
    case '\\':
      if (i + 1 < pattern.size()) ++i;
      [[fallthrough]];
    default:
      *end = i + 1;
      return subject.Is(pattern[i]);
  }
}

}  // namespace

bool GlobMatch(Bytes pattern, Bytes text, bool ignore_case) {
  if (text.empty()) return pattern.empty() || pattern == "*";
  size_t p = 0;
  size_t t = 0;
  size_t retry_p = Bytes::npos;  // after the last '*' passed
  size_t retry_t = 0;            // the place in the text that is tried next for it
  while (t < text.size()) {
    size_t end;
    if (p < pattern.size() && pattern[p] == '*') {
      retry_p = ++p;
      retry_t = t;
    } else if (p < pattern.size() && MatchElement(pattern, p, Subject(text[t], ignore_case), &end)) {
      p = end;
      ++t;
    } else if (retry_p != Bytes::npos) {
      if (retry_p == pattern.size()) return true;
      p = retry_p;
      t = ++retry_t;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Bytes GlobShortened(Bytes pattern, Buffer& room) {
  if (pattern.find("***") == Bytes::npos || !room.Reserve(pattern.size())) return pattern;
  room.Clear();
  size_t run = 0;
  for (size_t i = 0; i < pattern.size();) {
    size_t end = i + 1;
    if (pattern[i] != '*') MatchElement(pattern, i, Subject('*', false), &end);
    run = pattern[i] == '*' ? run + 1 : 0;
    if (run <= 2) room.Append(pattern.substr(i, end - i));
    i = end;
  }
  return room.view();
}

bool GlobMatchesAll(Bytes pattern) { return pattern == "*"; }

}  // namespace larder::inline v0::base
