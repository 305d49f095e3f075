// Where the user's code and the engine meet. Part of the public headers' machinery, not of the API.
//
// The library is built without exceptions, the user's program usually with them. Everything here is inline, compiled with
// the user's flags, and lives in a namespace named after them, so that a program may mix both kinds of objects.
#ifndef LARDER_INTERNAL_USER_CODE_H_
#define LARDER_INTERNAL_USER_CODE_H_

#include <condition_variable>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/export.h>
#include <larder/internal/refusal.h>

namespace larder::inline v0::internal {

// GetOrLoad's callers that wait for one loader. Lives on the loading caller's stack.
class LARDER_API Flight {
 public:
  Flight() = default;
  ~Flight() = default;
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

 private:
  friend class FlightTable;
  Flight* next_ = nullptr;
  int db_ = 0;
  std::string_view key_;
  std::thread::id loader_;
  bool landed_ = false;
  size_t waiting_ = 0;
  const absl::Status* status_ = nullptr;  // of the loader; set when landed
  std::string_view value_;
};

// The flights of one cache. Threads: any.
class LARDER_API FlightTable {
 public:
  FlightTable() = default;
  FlightTable(const FlightTable&) = delete;
  FlightTable& operator=(const FlightTable&) = delete;

  enum class Role { kLoads, kWaited, kClosed, kOwnLoader };

  // kOwnLoader: this thread's own loader has asked for the key that it loads, and would wait for itself.
  // If nobody loads this key, `flight` is in the table now and the caller loads: Land must follow. Otherwise waits for the
  // one who does; then visit(arg, status, value) is called with its result, which is valid during that call.
  Role Join(int db, std::string_view key, Flight* flight,
            void (*visit)(void* arg, const absl::Status& status, std::string_view value), void* arg);

  // Tells those who wait, and returns when all of them have looked.
  void Land(Flight* flight, const absl::Status& status, std::string_view value);

  // Wakes all who wait; they and later callers get kClosed. Loaders that run are let run.
  void Close();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Flight* first_ = nullptr;
  bool closed_ = false;
};

inline namespace LARDER_INTERNAL_FLAVOR {

// Whether a function of the user's that returns R can also say that it did not run.
template <class R>
inline constexpr bool kSaysRefusals = std::is_void_v<R> || std::is_same_v<R, absl::Status>;
template <class T>
inline constexpr bool kSaysRefusals<absl::StatusOr<T>> = true;

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
