// A score as the word by which sorted records are ordered: words compare, as unsigned integers, as the scores do.
//
//   score   -inf                   -1                     -0                     0                      1
//   word    000fffff ffffffff      400fffff ffffffff      7fffffff ffffffff      80000000 00000000      bff00000 00000000
//
// Redis takes -0 and 0 for equal, and orders what has them by its members; but it prints "-0" where it was given one. So
// both words are stored, and whoever compares them (FirstWord, in packed.h) takes the first for the second.
#ifndef LARDER_DS_SCORE_WORD_H_
#define LARDER_DS_SCORE_WORD_H_

#include <bit>
#include <cstdint>

namespace larder::inline v0::ds {

inline constexpr uint64_t kScoreSign = uint64_t{1} << 63;
inline constexpr uint64_t kMinusZeroWord = kScoreSign - 1;

// REQUIRES: no NaN.
constexpr uint64_t ScoreWord(double score) {
  const uint64_t bits = std::bit_cast<uint64_t>(score);
  return (bits & kScoreSign) != 0 ? ~bits : bits | kScoreSign;
}

constexpr double ScoreOfWord(uint64_t word) {
  return std::bit_cast<double>((word & kScoreSign) != 0 ? word ^ kScoreSign : ~word);
}

// The word that a score is compared by.
constexpr uint64_t ComparedWord(uint64_t word) { return word + (word == kMinusZeroWord); }

static_assert(ScoreWord(-0.0) == kMinusZeroWord && ComparedWord(ScoreWord(-0.0)) == ScoreWord(0.0));
static_assert(ScoreWord(-1) < ScoreWord(-0.5) && ScoreWord(-0.5) < ScoreWord(0) && ScoreWord(0) < ScoreWord(0.5));

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_SCORE_WORD_H_
