// What differs between Larder and Redis and is meant to: command, field, reason. Everything that is not here, and not
// one of the tolerances of compare.h (order, time, chance), has to be equal byte for byte.
//
// A '*' at the end of a field stands for any rest.
#ifndef LARDER_TESTS_DIFFERENTIAL_MUST_DIFFER_H_
#define LARDER_TESTS_DIFFERENTIAL_MUST_DIFFER_H_

#include <cstddef>
#include <string_view>

namespace differential {

inline constexpr std::string_view kAnyCommand = "(any command)";

struct Difference {
  std::string_view command;  // or kAnyCommand
  std::string_view field;
  std::string_view reason;
};

// The row for a field, or nullptr.
const Difference* FindDifference(std::string_view command, std::string_view field);

size_t DifferenceCount();
const Difference& DifferenceAt(size_t i);

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_MUST_DIFFER_H_
