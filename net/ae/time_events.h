// The time events of a loop: a heap ordered by due time. The next event is at hand, and adding or deleting one among
// thousands costs a few steps (in a list, as the first ae had it, it costs all of them).
//
//   heap_       4-ary: children of i are 4i+1..4i+4. An element is 16 bytes, due time included, so the four children of
//               one lie in one or two cache lines. Ties go by age: events due at the same time run in the order of
//               their creation, which is numbered in 32 bits. When the numbers run out, all events are numbered anew.
//   positions_  each event's place in heap_. Sifting touches nothing else, so it is an array of its own (4
//               bytes an event; inside the slots each level cost a cache miss among 100,000 events).
//   slots_      the rest of each event, found by its id = generation << 32 | slot. A slot that was used again has
//               another generation, so a stale id finds nothing.
//
// Procedures and finalizers may call everything here.
#ifndef LARDER_NET_AE_TIME_EVENTS_H_
#define LARDER_NET_AE_TIME_EVENTS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "net/ae/clock.h"
#include "net/ae/grow_array.h"

namespace larder::inline v0::ae {

class EventLoop;

// A time procedure returns this to end its event.
inline constexpr int64_t kNoMore = -1;

// Returns the delay in ms until the event is due again, counted from the procedure's return, or kNoMore.
using TimeProc = int64_t (*)(EventLoop& loop, int64_t id, void* data);
// It is called exactly once for an event, after its last procedure: when the event ended, was deleted, or its loop
// goes.
using TimeFinalizer = void (*)(EventLoop& loop, void* data);

class TimeEvents {
 public:
  // `first_order` is for tests: the numbers of age run out sooner.
  explicit TimeEvents(uint32_t first_order = 0) : next_order_(first_order) {}

  // Returns the id, which is > 0. A time in the past is due at once. Errors: RESOURCE_EXHAUSTED.
  absl::StatusOr<int64_t> Create(int64_t due_us, TimeProc proc, void* data, TimeFinalizer finalizer);

  // Returns false if there is no such event (any more). The finalizer runs before this returns; if a procedure deletes
  // its own event, the finalizer runs when that procedure returns.
  bool Delete(EventLoop& loop, int64_t id);

  // Runs the procedures of the events that existed and were due when it began. Returns how many.
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
  // A running RunDue. Its procedures may run another one.
  struct Round {
    uint32_t first_new;  // events of this order and above were created after it began
    Round* outer;
  };
  static_assert(sizeof(Due) == 16 && sizeof(Slot) == 32);

  // There is no branch here: the processor would guess it wrong every other time.
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
  GrowArray<Due> heap_;            // these two are never smaller than slots_, so pushing cannot fail
  uint32_t heap_size_ = 0;
  uint32_t slots_used_ = 0;
  uint32_t free_ = 0;  // slot + 1, or 0
  uint32_t next_order_;
  Round* rounds_ = nullptr;        // the running ones, the innermost first
  int64_t round_us_ = INT64_MIN;  // when the last round began; new events are not due earlier, or they would go first
};

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_TIME_EVENTS_H_
