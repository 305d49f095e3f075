// ae: the event loop. One thread serves many descriptors and timers; nothing that runs on it may block.
//
// A turn, in this order:
//
//   before-sleep hooks → poll: sleeps until a descriptor is ready, a time event is due, or WakeUp → after-sleep hooks
//   → procedures of fired file events → procedures of due time events → after-events hooks
//
// Words (those of Redis's ae, which this follows):
//   file event   a descriptor, a mask of readable and writable, and a procedure for each. Level-triggered: bytes left
//                unread fire it again. A closed or failed peer fires whichever of the two is set.
//   barrier      readable runs before writable if both fire. With the barrier bit writable runs first, so that replies
//                which a before-sleep hook made durable leave before new requests are read.
//   time event   an id, a procedure that returns the next delay in ms or kNoMore, and a finalizer.
//   hooks        before and after sleep, and after events, where a listener serves all requests that the turn read.
//   don't wait   with this set the loop polls without sleeping, because work is left in user space.
//
// Example:
//
//   absl::StatusOr<std::unique_ptr<ae::EventLoop>> loop = ae::EventLoop::Create({});
//   (*loop)->CreateFileEvent(socket, ae::kReadable, OnReadable, client);
//   (*loop)->CreateTimeEvent(100, [](ae::EventLoop&, int64_t, void*) { return int64_t{100}; }, nullptr);
//   (*loop)->Run();  // until Stop
//
// Inside another loop, without a thread: watch BackendFd() for reading and call Poll(0) whenever it is readable.
// If it is -1, call Poll(0) after at most NextDelayMs(), and when one of the descriptors is ready.
//
// Threads: any thread may call WakeUp and Stop; everything else is for the thread that runs the loop.
// Procedures may call anything. They may delete themselves and others, and run a turn of the same loop within their
// own. They may close descriptors (delete the file event first) and open new ones under the same number in the same
// turn. Descriptors are the caller's: the loop closes only its own, all of them close-on-exec.
//
// For readers of libuv, asyncio or NIO: net/notes/io-models.md.
#ifndef LARDER_NET_AE_AE_H_
#define LARDER_NET_AE_AE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/ae/clock.h"
#include "net/ae/grow_array.h"
#include "net/ae/poller.h"
#include "net/ae/time_events.h"
#include "net/ae/wake_up.h"

namespace larder::inline v0::ae {

using FileProc = void (*)(EventLoop& loop, int fd, void* data, int mask);

// The parts of a turn that ProcessEvents does.
enum Flags : int {
  kFileEvents = 1,
  kTimeEvents = 2,
  kAllEvents = kFileEvents | kTimeEvents,
  kDontWait = 4,
  kCallBeforeSleep = 8,
  kCallAfterSleep = 16,
  kCallAfterEvents = 32,
  kFullTurn = kAllEvents | kCallBeforeSleep | kCallAfterSleep | kCallAfterEvents,
};

// A hook is the caller's memory. It is in one list at a time, until it is removed.
struct Hook {
  void (*proc)(EventLoop& loop, void* data) = nullptr;
  void* data = nullptr;
  Hook* next = nullptr;  // the list's
};

// Hooks run in the order of adding. They may add and remove hooks, themselves included.
class Hooks {
 public:
  void Add(Hook& hook);
  void Remove(Hook& hook);  // does nothing if it is not there
  void Run(EventLoop& loop);

 private:
  Hook* first_ = nullptr;
  Hook* cursor_ = nullptr;  // the hook that Run calls next
};

struct LoopOptions {
  std::string_view api;    // a poller's name; empty is the best there is
  std::span<const PollerMaker> more_pollers;  // those of optional parts (io_uring), chosen by name only
  Clock* clock = nullptr;  // outlives the loop; null is the monotonic clock
  int set_size = 64;       // descriptors to make room for at first
};

class EventLoop {
 public:
  // A poller that the kernel refuses is replaced by the next best: see passed_over.
  // Errors: INVALID_ARGUMENT for an unknown api; RESOURCE_EXHAUSTED; the kernel's refusal of all of them.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create(const LoopOptions& options);
  ~EventLoop();  // runs the finalizers of the time events that are left
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Adds `mask` to the events watched on `fd`, with `proc` for the bits it names. Both procedures share one `data`.
  // Errors: OUT_OF_RANGE if the poller cannot watch it (select: FD_SETSIZE), RESOURCE_EXHAUSTED, INTERNAL. After an
  // error nothing has changed.
  absl::Status CreateFileEvent(int fd, int mask, FileProc proc, void* data);
  // Takes `mask` off. Taking kWritable off takes the barrier off too.
  void DeleteFileEvent(int fd, int mask);
  int GetFileEvents(int fd) const;  // the mask

  // Adds an event due in `delay_ms`. Returns its id, which is > 0 and not used again soon. Errors: RESOURCE_EXHAUSTED.
  absl::StatusOr<int64_t> CreateTimeEvent(int64_t delay_ms, TimeProc proc, void* data,
                                          TimeFinalizer finalizer = nullptr);
  // The same, due at a time of the loop's clock: a caller that makes many events reads the clock once.
  absl::StatusOr<int64_t> CreateTimeEventAt(int64_t due_us, TimeProc proc, void* data,
                                            TimeFinalizer finalizer = nullptr);
  bool DeleteTimeEvent(int64_t id);  // false if there is none

  Hooks& before_sleep() { return before_sleep_; }
  Hooks& after_sleep() { return after_sleep_; }
  Hooks& after_events() { return after_events_; }

  // One turn. Returns how many file and time events were processed. A signal that interrupts the sleep ends the turn
  // early, after the time events due by then.
  int ProcessEvents(int flags) { return Turn(flags, -1); }

  // One full turn that sleeps for `timeout_ms` at most (-1: until something happens).
  int Poll(int64_t timeout_ms) { return Turn(kFullTurn, timeout_ms < 0 ? -1 : timeout_ms * 1000); }

  // Runs full turns until Stop. Errors: the failure of a poll, other than by a signal; the loop may be run again.
  absl::Status Run();
  void Stop();  // Run returns after its current turn; if none is running, the next Run returns at once

  // Ends the current or next sleep. A signal handler may call it too.
  void WakeUp() {
    if (!forsaken_) wake_up_.Signal();
  }

  // For a forked child, where every descriptor is also the parent's. After Forsake no turn and no wake-up does
  // anything, and Run returns. CloseInChild does the same and closes the loop's own descriptors; the loop is not
  // destroyed.
  void Forsake() {
    forsaken_ = true;
    stop_.store(true, std::memory_order_relaxed);
  }
  void CloseInChild();

  // While true no turn sleeps.
  void SetDontWait(bool dont_wait);

  // How the last poll ended; one that failed ran no file events.
  const absl::Status& poll_status() const { return poll_status_; }

  // A descriptor for a host's own loop: readable while Poll(0) would have something to do, time events and don't-wait
  // included. -1 if the poller has none. From the first call on, the loop keeps a kernel timer for it.
  int BackendFd();
  // The time until the next time event: 0 if it is due or don't-wait is set, -1 if there is none.
  int64_t NextDelayMs();

  std::string_view ApiName() const { return poller_->Name(); }
  // A line for each poller that the kernel refused before this one, with its reason. Empty as a rule.
  std::string_view passed_over() const { return passed_over_.view(); }
  // For an I/O backend that shares something with its poller.
  Poller& poller() { return *poller_; }
  Clock& clock() { return *clock_; }

 private:
  struct FileEvent {
    FileProc readable;
    FileProc writable;
    void* data;
    uint64_t born;  // the turn in which watching began
    int mask;
  };

  explicit EventLoop(Clock* clock) : clock_(clock != nullptr ? clock : &monotonic_clock_) {}

  absl::Status MakeRoom(int fd);
  int Turn(int flags, int64_t max_wait_us);
  int64_t SleepUs(int flags, int64_t max_wait_us);
  int RunFileEvents(int ready);
  void RunFileEvent(const FiredEvent& fired);
  int64_t NextDelayUs();
  void Rearm();
  void ArmTimer();

  MonotonicClock monotonic_clock_;
  Clock* const clock_;
  std::unique_ptr<Poller> poller_;
  base::Buffer passed_over_;
  WakeUpFd wake_up_;
  GrowArray<FileEvent> events_;  // by descriptor
  GrowArray<FiredEvent> fired_;
  TimeEvents times_;
  Hooks before_sleep_;
  Hooks after_sleep_;
  Hooks after_events_;
  absl::Status poll_status_;
  uint64_t turn_ = 0;
  int turns_running_ = 0;  // turns may nest
  bool dont_wait_ = false;
  bool forsaken_ = false;               // true only in a forked child
  bool hosted_ = false;                 // BackendFd was asked for
  int64_t armed_due_us_ = kNoMore;      // the time that the poller's timer is set to
  int64_t armed_until_us_ = INT64_MAX;  // when it rings, by the machine's clock
  std::atomic<bool> stop_{false};
};

// Waits until `fd` is ready for one of `mask` or `timeout_ms` (-1: for ever) has passed; signals do not shorten it.
// Returns the ready bits of `mask`, kNone if time ran out. It is for the rare place that must wait, never on a loop's
// thread.
absl::StatusOr<int> Wait(int fd, int mask, int64_t timeout_ms);

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_AE_H_
