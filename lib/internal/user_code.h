// The border between user code and the engine. Part of the public headers' machinery, not of the API.
//
// The library expects no exceptions and may be built without them; the user's program usually has them. Everything here
// is inline, compiled with the user's flags, and lives in a namespace named after them, so that a program may mix both
// kinds of objects.
#ifndef LARDER_INTERNAL_USER_CODE_H_
#define LARDER_INTERNAL_USER_CODE_H_

#include <exception>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/internal/error_text.h>

namespace larder::inline v0::internal {

inline namespace LARDER_INTERNAL_FLAVOR {

// Whether a function of the user's that returns R can also say that it did not run.
template <class R>
inline constexpr bool kCarriesErrors = std::is_void_v<R> || std::is_same_v<R, absl::Status>;
template <class T>
inline constexpr bool kCarriesErrors<absl::StatusOr<T>> = true;

// The result of a call that ran such a function.
template <class R>
using UserResult = std::conditional_t<std::is_void_v<R>, absl::Status, R>;

// Runs user code in a place that no exception may pass through, and rethrows later.
class Caught {
 public:
  template <class F>
  void Run(F&& fn) noexcept {
#if defined(__cpp_exceptions)
    try {
      fn();
    } catch (...) {
      exception_ = std::current_exception();
    }
#else
    fn();
#endif
  }
  bool any() const { return exception_ != nullptr; }
  void Rethrow() const {
#if defined(__cpp_exceptions)
    if (exception_ != nullptr) std::rethrow_exception(exception_);
#endif
  }

 private:
  std::exception_ptr exception_;
};

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_USER_CODE_H_
