// GetOrLoad's part of one load. Part of the public headers' machinery, not of the API.
//
// A Load lives on the stack of GetOrLoad. Either it holds the flight of this caller's own loader, or it waits for the
// flight of another's. Whatever way its scope is left, by a return, by an exception of the loader's or by the thread's
// end, its destructor lands the flight and allocates nothing, so that no flight outlives the stack that it stands on.
// What a flight is, and who may store what: lib/session/flights.h.
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

// A place in one chain of a hash table; `slot` is what points to the element.
template <class T>
struct ChainLink {
  T* next = nullptr;
  T** slot = nullptr;
  uint64_t hash = 0;
};

// One loader on its way, with what it will bring to those who wait for it.
class Flight {
 public:
  Flight() = default;
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

 private:
  friend class core::FlightTable;
  friend class Load;
  enum : uint32_t { kLanded = 1, kCancelled = 2 };

  // Guarded by the table's mutex.
  ChainLink<Flight> by_key_;
  ChainLink<Flight> by_db_;
  int db_ = 0;
  bool attached_ = false;
  uint32_t joined_ = 0;  // callers that wait for it, or are about to; final once it is not attached
  // Set before it can be found.
  std::string_view key_;
  uintptr_t loader_ = 0;  // the thread
  // Set before `state_` says kLanded; what they refer to lives until all who joined have left.
  const ErrorText* error_ = nullptr;  // if set, the result
  const absl::Status* status_ = nullptr;
  std::string_view value_;

  std::atomic<uint32_t> state_{0};  // those who wait sleep on it
  std::atomic<uint32_t> left_{0};   // of those who joined; the loader sleeps on it
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

  // Whether another's loader is on its way: then Await comes next, else the loader and Finish.
  bool waits() const { return joined_ != nullptr; }

  // Waits for the other's loader. Errors: CANCELLED if the cache is closed first; FAILED_PRECONDITION if that loader
  // waits for this thread; ABORTED if it threw. Otherwise status() and value() are what it returned, until the Load
  // ends.
  const ErrorText* Await();
  const absl::Status& status() const { return *joined_->status_; }
  std::string_view value() const { return joined_->value_; }

  // After a miss: looks for the key again and, if it is still missing, joins or begins a load in the same hold.
  const ErrorText* Begin(const Target& target, std::string_view key, Fetched* to);
  // Stores what the own loader has returned, if that may still be, and hands it to those who wait, as Finish does.
  const ErrorText* Store(const Target& target, std::string_view key, std::string_view value, absl::Duration ttl);

  // Hands what the own loader has returned to those who wait, and returns when all of them have it.
  void Finish(const absl::Status& status, std::string_view value);
  // Likewise with a refusal in place of a result.
  void Finish(const ErrorText& error);

  // Whether the own flight may still store its value; false also in a forked child.
  bool attached() const;

  // The engine's side. Before the hold in which the key is looked for again, on the caller's own thread.
  void Prepare(int db, std::string_view key);
  // Under the executor, with the key missing. Errors: CANCELLED.
  const ErrorText* Join(core::FlightTable& table);
  // Under the executor: makes sure that the flight stores nothing more, and returns whether it might have until now.
  bool Detach();
  void CountNotStored();

 private:
  void End();

  core::FlightTable* table_ = nullptr;  // null: in no flight
  Flight* joined_ = nullptr;
  Flight own_;
  Wait wait_;
};

// A ttl in whole milliseconds, rounded up, so that no key goes before its time: 0 is 0, and a negative one at most 0.
inline int64_t TtlMs(absl::Duration ttl) {
  const int64_t ms = absl::ToInt64Milliseconds(ttl);
  return ms != INT64_MAX && ttl > absl::Milliseconds(ms) ? ms + 1 : ms;
}

// A ttl of nothing, and one from here on, is refused.
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
