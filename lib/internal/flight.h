// GetOrLoad's part of one load. Part of the public headers' machinery, not of the API.
//
// A Load lives on the stack of GetOrLoad. Either it has the flight of this caller's own loader, or it waits for the
// flight of another's. However its scope ends, by a return, by an exception of the loader's or by the thread's end, its
// destructor lands the flight and allocates nothing. So no flight outlives its stack. lib/core/flights.h explains
// flights.
#ifndef LARDER_INTERNAL_FLIGHT_H_
#define LARDER_INTERNAL_FLIGHT_H_

#include <atomic>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include <larder/export.h>
#include <larder/internal/fetched.h>
#include <larder/internal/error_text.h>
#include <larder/internal/typed.h>

namespace larder::inline v0 {

namespace core {
class FlightTable;
}

namespace internal {

// A place in one chain of a hash table; `slot` is the address of the pointer to the element.
template <class T>
struct ChainLink {
  T* next = nullptr;
  T** slot = nullptr;
  uint64_t hash = 0;
};

// One running loader, with the result for the callers that wait for it.
class Flight {
 public:
  Flight() = default;
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

 private:
  friend class core::FlightTable;
  friend class Load;
  enum : uint32_t { kLanded = 1, kCancelled = 2 };

  // The table's mutex guards these.
  ChainLink<Flight> by_key_;
  ChainLink<Flight> by_db_;
  int db_ = 0;
  bool attached_ = false;
  uint32_t joined_ = 0;  // callers that wait for it, or are about to; final once it is not attached
  // These are set before the flight can be found.
  std::string_view key_;
  uintptr_t loader_ = 0;  // the thread
  // These are set before `state_` is kLanded. The objects that they refer to live until all callers that joined have
  // left.
  const ErrorText* error_ = nullptr;  // if set, the result
  const absl::Status* status_ = nullptr;
  std::string_view value_;

  std::atomic<uint32_t> state_{0};  // waiting threads sleep on it
  std::atomic<uint32_t> left_{0};   // how many of the joined callers have left; the loader sleeps on it
};

// One thread's wait for one flight.
class Wait {
 private:
  friend class core::FlightTable;
  ChainLink<Wait> by_thread_;
  uintptr_t thread_ = 0;
  Flight* flight_ = nullptr;
};

class LARDER_API Load {
 public:
  Load() = default;
  ~Load() {
    if (table_ != nullptr) End();
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Whether another caller's loader is running. If so, Await comes next, else the loader and Finish.
  bool waits() const { return joined_ != nullptr; }

  // Waits for the other caller's loader. Errors: CANCELLED if the cache is closed first; FAILED_PRECONDITION if that
  // loader waits for this thread; ABORTED if it threw. Otherwise status() and value() have its result, until the Load
  // ends.
  const ErrorText* Await();
  const absl::Status& status() const { return *joined_->status_; }
  std::string_view value() const { return joined_->value_; }

  // After a miss: looks for the key again and, if it is still missing, joins or begins a load in the same hold.
  const ErrorText* Begin(const Target& target, std::string_view key, Fetched* to);
  // Stores the value of the own loader, if the flight is still attached, and hands it to waiting callers, as Finish
  // does.
  const ErrorText* Store(const Target& target, std::string_view key, std::string_view value, absl::Duration ttl);

  // Hands the result of the own loader to waiting callers, and returns when all of them have it.
  void Finish(const absl::Status& status, std::string_view value);
  // The same with a refusal in place of a result.
  void Finish(const ErrorText& error);

  // Whether the own flight may still store its value; false also in a forked child.
  bool attached() const;

  // The engine's side. Prepare comes before the hold that looks for the key again, on the caller's own thread.
  void Prepare(int db, std::string_view key);
  // It is called under the executor, with the key missing. Errors: CANCELLED.
  const ErrorText* Join(core::FlightTable& table);
  // It is called under the executor. The flight can store nothing after it. Returns whether it could until now.
  bool Detach();
  void CountNotStored();

 private:
  void End();

  core::FlightTable* table_ = nullptr;  // null: in no flight
  Flight* joined_ = nullptr;
  Flight own_;
  Wait wait_;
};

// A ttl in whole milliseconds, rounded up, so that no key expires early: 0 is 0, and a negative one at most 0.
inline int64_t TtlMs(absl::Duration ttl) {
  const int64_t ms = absl::ToInt64Milliseconds(ttl);
  return ms != INT64_MAX && ttl > absl::Milliseconds(ms) ? ms + 1 : ms;
}

// A ttl of 0, and one of this or more, is refused.
inline constexpr int64_t kLoadTtlMsMax = INT64_MAX / 2;
inline constexpr ErrorText kBadLoadTtl{
    absl::StatusCode::kInvalidArgument,
    "GetOrLoad: ttl must be more than 0 and less than 100 million years, or InfiniteDuration() for none"};
inline constexpr ErrorText kLoadInTransaction{absl::StatusCode::kFailedPrecondition,
                                            "GetOrLoad waits, so it may not be called inside Atomically"};

inline bool IsLoadTtl(absl::Duration ttl) {
  return ttl == absl::InfiniteDuration() ||
         (ttl > absl::ZeroDuration() && ttl <= absl::Milliseconds(kLoadTtlMsMax));
}

}  // namespace internal
}  // namespace larder::inline v0

#endif  // LARDER_INTERNAL_FLIGHT_H_
