// Where the user's code and the engine meet. Part of the public headers' machinery, not of the API.
//
// The library is built without exceptions, the user's program usually with them. Everything here is inline, compiled with
// the user's flags, and lives in a namespace named after them, so that a program may mix both kinds of objects.
#ifndef LARDER_INTERNAL_USER_CODE_H_
#define LARDER_INTERNAL_USER_CODE_H_

#include <exception>
#include <utility>

#include <larder/internal/refusal.h>

namespace larder::inline v0::internal {

inline namespace LARDER_INTERNAL_FLAVOR {

// Runs user code in a place where it may not throw through, and rethrows later.
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
