// Makes the results of typed calls. Part of the public headers' machinery, not of the API.
#ifndef LARDER_INTERNAL_RESULTS_H_
#define LARDER_INTERNAL_RESULTS_H_

#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/utility/utility.h"
#include <larder/internal/fetched.h>
#include <larder/internal/error_text.h>

namespace larder::inline v0::internal {

inline namespace LARDER_INTERNAL_FLAVOR {

// A value that may be missing. It is made in the place of the return value: to move a StatusOr of a string costs a
// tenth of a GET.
inline absl::StatusOr<std::optional<std::string>> OptionalStringOf(const ErrorText* error, const Fetched& fetched) {
  using Result = absl::StatusOr<std::optional<std::string>>;
  if (error != nullptr) [[unlikely]] return StatusOf(*error);
  if (!fetched.found()) return Result(absl::in_place);
#if defined(__cpp_exceptions)
  try {
    return Result(absl::in_place, std::in_place, fetched.view());
  } catch (const std::bad_alloc&) {
    return StatusOf(kNoMemoryForResult);
  }
#else
  return Result(absl::in_place, std::in_place, fetched.view());
#endif
}

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_RESULTS_H_
