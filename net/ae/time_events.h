// The time events of a loop: a heap ordered by when they are due, so that the next one is at hand and adding or
// deleting costs a few steps among thousands (a list, as the first ae had it, costs all of them).
//
//   heap_       4-ary: children of i are 4i+1..4i+4. An element is 16 bytes, due time included, so that the children of
//               one lie in one or two cache lines. Ties go by age: two events due at the same time run in the order of
//               creation. The numbers for that are 32 bits; when they run out, all are numbered anew.
//   positions_  where in heap_ each event is: the only other thing that sifting touches, hence an array of its own (4
//               bytes an event; inside the slots it was a cache miss a level among 100,000 events).
//   slots_      the rest of each event, found by its id = generation << 32 | slot. A slot that was used again has
//               another generation, so a stale id finds nothing.
//
// Everything may be called from within procedures and finalizers.
#ifndef LARDER_NET_AE_TIME_EVENTS_H_
#define LARDER_NET_AE_TIME_EVENTS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "net/ae/clock.h"
#include "net/ae/grow_array.h"

namespace larder::inline v0::ae {

class EventLoop;

// The event is not to fire again; what a time procedure returns to end itself.
inline constexpr int64_t kNoMore = -1;

// Returns the delay in ms until the event is due again, counted from the procedure's return, or kNoMore.
using TimeProc = int64_t (*)(EventLoop& loop, int64_t id, void* data);
// Called exactly once for an event, after its last procedure: when it ended, was deleted, or its loop goes.
using TimeFinalizer = void (*)(EventLoop& loop, void* data);

class TimeEvents {
 public:
  // `first_order` is for tests of the numbers' end.
  explicit TimeEvents(uint32_t first_order = 0) : next_order_(first_order) {}

  // Returns the id, which is > 0. A time in the past is due at once. Errors: RESOURCE_EXHAUSTED.
  absl::StatusOr<int64_t> Create(int64_t due_us, TimeProc proc, void* data, TimeFinalizer finalizer);

  // False if there is no such event (any more). The finalizer runs before this returns, unless it is the running
  // procedure's own event: then when that returns.
  bool Delete(EventLoop& loop, int64_t id);

  // Runs the procedures of events that were due, and were there, when it began; returns how many.
  int RunDue(EventLoop& loop, Clock& clock);

  // Deletes all.
  void Clear(EventLoop& loop);

  bool Empty() const { return heap_size_ == 0; }
  int64_t NextDueUs() const { return heap_[0].due_us; }  // REQUIRES: !Empty()

 private:
  enum class State : uint8_t { kFree, kArmed, kRunning, kDoomed };  // doomed: deleted while it runs
  struct Slot {
    TimeProc proc;
    TimeFinalizer finalizer;
    void* data;
    uint32_t generation;
    State state;
  };
  struct Due {
    int64_t due_us;
    uint32_t order;
    uint32_t slot;
  };
  // A RunDue that runs; one of its procedures may run another.
  struct Round {
    uint32_t first_new;  // the order from which on events were created after it began
    Round* outer;
  };
  static_assert(sizeof(Due) == 16 && sizeof(Slot) == 32);

  // Without a branch, which would be guessed wrong every other time.
  static bool Before(const Due& a, const Due& b) {
    return (a.due_us < b.due_us) | ((a.due_us == b.due_us) & (a.order < b.order));
  }
  static int64_t IdOf(uint32_t slot, uint32_t generation) { return int64_t{generation} << 32 | slot; }
  Slot* Find(int64_t id);
  void Place(uint32_t position, const Due& due);
  void SiftUp(uint32_t position, Due due);
  void SiftDown(uint32_t position, Due due);
  void Push(int64_t due_us, uint32_t slot);
  void Renumber();
  void RemoveAt(uint32_t position);
  void Release(EventLoop& loop, uint32_t slot);

  GrowArray<Slot> slots_;
  GrowArray<uint32_t> positions_;  // by slot: in heap_ if armed; the next free slot + 1 if free
  GrowArray<Due> heap_;            // none of the two is ever smaller than slots_, so that pushing cannot fail
  uint32_t heap_size_ = 0;
  uint32_t slots_used_ = 0;
  uint32_t free_ = 0;  // slot + 1, or 0
  uint32_t next_order_;
  Round* rounds_ = nullptr;        // those that run, the innermost first
  int64_t round_us_ = INT64_MIN;  // when the last began; what is created is not due earlier, or it would go first
};

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_TIME_EVENTS_H_
