#include "net/ae/ae.h"

#include <errno.h>
#include <poll.h>

#include <algorithm>
#include <new>

#include "lib/base/check.h"
#include "lib/base/fixed_text.h"
#include "lib/base/status.h"
#include "net/ae/system_error.h"

namespace larder::inline v0::ae {
namespace {

constexpr int kReadWrite = kReadable | kWritable;
// More events in one poll gain nothing; later polls report the rest.
constexpr int kFiredMax = 1024;

void OnWakeUp(EventLoop& /*loop*/, int /*fd*/, void* data, int /*mask*/) { static_cast<WakeUpFd*>(data)->Drain(); }

}  // namespace

void Hooks::Add(Hook& hook) {
  LARDER_DCHECK(hook.proc != nullptr && hook.next == nullptr);
  Hook** end = &first_;
  while (*end != nullptr) end = &(*end)->next;
  *end = &hook;
}

void Hooks::Remove(Hook& hook) {
  for (Hook** link = &first_; *link != nullptr; link = &(*link)->next) {
    if (*link != &hook) continue;
    if (cursor_ == &hook) cursor_ = hook.next;
    *link = hook.next;
    hook.next = nullptr;
    return;
  }
}

void Hooks::Run(EventLoop& loop) {
  for (cursor_ = first_; cursor_ != nullptr;) {
    Hook* const hook = cursor_;
    cursor_ = hook->next;
    hook->proc(loop, hook->data);
  }
}

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create(const LoopOptions& options) {
  std::unique_ptr<EventLoop> loop(new (std::nothrow) EventLoop(options.clock));
  if (loop == nullptr) return base::NoMemory("out of memory for an event loop");
  absl::StatusOr<std::unique_ptr<Poller>> poller = MakePoller(options.api, options.more_pollers, &loop->passed_over_);
  if (!poller.ok()) return poller.status();
  loop->poller_ = *std::move(poller);
  if (absl::Status status = loop->wake_up_.Open(); !status.ok()) return status;
  if (absl::Status status = loop->MakeRoom(std::max(options.set_size, 1) - 1); !status.ok()) return status;
  const int wake_fd = loop->wake_up_.fd();
  if (absl::Status status = loop->CreateFileEvent(wake_fd, kReadable, OnWakeUp, &loop->wake_up_); !status.ok()) {
    return status;
  }
  return loop;
}

EventLoop::~EventLoop() { times_.Clear(*this); }

void EventLoop::CloseInChild() {
  Forsake();
  poller_->CloseInChild();
  wake_up_.CloseInChild();
}

absl::Status EventLoop::MakeRoom(int fd) {
  if (fd < 0) {
    return base::MakeStatus(absl::StatusCode::kInvalidArgument, base::Line("no such descriptor: ", fd).view());
  }
  const size_t needed = static_cast<size_t>(fd) + 1;
  if (needed <= events_.size()) return absl::OkStatus();
  // The arrays grow by half, not to twice their size: unused room counts as memory of the clients that are there.
  const size_t size = std::max(needed, events_.size() + events_.size() / 2);
  if (absl::Status status = poller_->Resize(static_cast<int>(size)); !status.ok()) return status;
  if (!fired_.Grow(std::min<size_t>(size, kFiredMax)) || !events_.Grow(size)) {
    return base::NoMemory("out of memory for a file event");
  }
  return absl::OkStatus();
}

absl::Status EventLoop::CreateFileEvent(int fd, int mask, FileProc proc, void* data) {
  LARDER_DCHECK(proc != nullptr && (mask & kReadWrite) != 0);
  if (absl::Status status = MakeRoom(fd); !status.ok()) return status;
  FileEvent& event = events_[static_cast<size_t>(fd)];
  const int old_mask = event.mask & kReadWrite;
  const int new_mask = old_mask | (mask & kReadWrite);
  if (new_mask != old_mask) {
    if (absl::Status status = poller_->Set(fd, old_mask, new_mask); !status.ok()) return status;
  }
  if (old_mask == kNone) event.born = turn_;
  event.mask |= mask;
  if (mask & kReadable) event.readable = proc;
  if (mask & kWritable) event.writable = proc;
  event.data = data;
  if (turns_running_ == 0) poller_->FlushChanges();
  return absl::OkStatus();
}

void EventLoop::DeleteFileEvent(int fd, int mask) {
  if (GetFileEvents(fd) == kNone) return;
  FileEvent& event = events_[static_cast<size_t>(fd)];
  if (mask & kWritable) mask |= kBarrier;
  const int old_mask = event.mask & kReadWrite;
  event.mask &= ~mask;
  const int new_mask = event.mask & kReadWrite;
  if (new_mask == old_mask) return;
  // Taking bits off can only fail for a descriptor that was closed first. It is not watched at all then.
  if (!poller_->Set(fd, old_mask, new_mask).ok()) event.mask = kNone;
  if (turns_running_ == 0) poller_->FlushChanges();
}

int EventLoop::GetFileEvents(int fd) const {
  return fd >= 0 && static_cast<size_t>(fd) < events_.size() ? events_[static_cast<size_t>(fd)].mask : kNone;
}

absl::StatusOr<int64_t> EventLoop::CreateTimeEvent(int64_t delay_ms, TimeProc proc, void* data,
                                                   TimeFinalizer finalizer) {
  return CreateTimeEventAt(clock_->NowUs() + std::max<int64_t>(delay_ms, 0) * 1000, proc, data, finalizer);
}

absl::StatusOr<int64_t> EventLoop::CreateTimeEventAt(int64_t due_us, TimeProc proc, void* data,
                                                     TimeFinalizer finalizer) {
  absl::StatusOr<int64_t> id = times_.Create(due_us, proc, data, finalizer);
  if (hosted_) Rearm();
  return id;
}

bool EventLoop::DeleteTimeEvent(int64_t id) {
  const bool deleted = times_.Delete(*this, id);
  if (hosted_) Rearm();
  return deleted;
}

absl::Status EventLoop::Run() {
  absl::Status status;
  // The flag is read before the exchange: an exchange is a locked instruction.
  while (status.ok() &&
         !(stop_.load(std::memory_order_relaxed) && stop_.exchange(false, std::memory_order_acq_rel))) {
    Turn(kFullTurn, -1);
    status = poll_status_;
  }
  // Another thread than this one may use the loop next, for instance to close everything.
  if (turns_running_ == 0 && !forsaken_) poller_->Rest();
  return status;
}

void EventLoop::Stop() {
  stop_.store(true, std::memory_order_release);
  WakeUp();
}

void EventLoop::SetDontWait(bool dont_wait) {
  dont_wait_ = dont_wait;
  if (hosted_) Rearm();
}

int EventLoop::Turn(int flags, int64_t max_wait_us) {
  if ((flags & kAllEvents) == 0 || forsaken_) return 0;
  ++turns_running_;
  if (flags & kCallBeforeSleep) before_sleep_.Run(*this);
  int ready = poller_->Poll(SleepUs(flags, max_wait_us), {fired_.data(), fired_.size()});
  if (ready < 0 && ready != -EINTR) {
    poll_status_ = SystemError(poller_->Name(), -1, -ready);
  } else if (!poll_status_.ok()) {
    poll_status_ = absl::OkStatus();
  }
  ready = std::max(ready, 0);
  ++turn_;
  if (flags & kCallAfterSleep) after_sleep_.Run(*this);
  int processed = (flags & kFileEvents) ? RunFileEvents(ready) : 0;
  if (flags & kTimeEvents) processed += times_.RunDue(*this, *clock_);
  if (flags & kCallAfterEvents) after_events_.Run(*this);
  --turns_running_;
  if (hosted_) Rearm();
  return processed;
}

int64_t EventLoop::SleepUs(int flags, int64_t max_wait_us) {
  if ((flags & kDontWait) || dont_wait_ || max_wait_us == 0) return 0;
  const int64_t delay_us = (flags & kTimeEvents) ? NextDelayUs() : -1;
  // A hand-set clock says nothing about how long to sleep. Whoever sets it wakes the loop.
  if (delay_us < 0 || (delay_us > 0 && clock_->Manual())) return max_wait_us;
  return max_wait_us < 0 ? delay_us : std::min(delay_us, max_wait_us);
}

int EventLoop::RunFileEvents(int ready) {
  const uint64_t turn = turn_;
  int processed = 0;
  // A procedure that ran a turn of its own has overwritten fired_. The descriptors it held are still ready and fire
  // again.
  for (int i = 0; i < ready && turn_ == turn; ++i) {
    const FiredEvent fired = fired_[static_cast<size_t>(i)];
    RunFileEvent(fired);
    if (fired.fd != wake_up_.fd()) ++processed;
  }
  return processed;
}

void EventLoop::RunFileEvent(const FiredEvent& fired) {
  const uint64_t turn = turn_;
  const size_t fd = static_cast<size_t>(fired.fd);
  if (fired.mask == kReadable || fired.mask == kWritable) {  // nearly always
    const FileEvent& event = events_[fd];
    if (event.born == turn || (event.mask & fired.mask) == 0) return;
    (fired.mask == kReadable ? event.readable : event.writable)(*this, fired.fd, event.data, fired.mask);
    return;
  }
  const bool barrier = (events_[fd].mask & kBarrier) != 0;
  FileProc ran = nullptr;
  for (int bit : {barrier ? kWritable : kReadable, barrier ? kReadable : kWritable}) {
    // The event is looked up for each bit: the first procedure may have deleted it, moved the array, or closed the
    // descriptor. If the number is another descriptor's now, that one was born in this turn, and the readiness is not
    // its own.
    const FileEvent& event = events_[fd];
    if (turn_ != turn || event.born == turn || (event.mask & fired.mask & bit) == 0) continue;
    const FileProc proc = bit == kReadable ? event.readable : event.writable;
    if (proc == ran) continue;
    ran = proc;
    proc(*this, fired.fd, event.data, event.mask & fired.mask & kReadWrite);
  }
}

int64_t EventLoop::NextDelayUs() {
  if (times_.Empty()) return -1;
  return std::max<int64_t>(times_.NextDueUs() - clock_->NowUs(), 0);
}

int64_t EventLoop::NextDelayMs() {
  if (dont_wait_) return 0;
  const int64_t delay_us = NextDelayUs();
  return delay_us < 0 ? -1 : (delay_us + 999) / 1000;
}

int EventLoop::BackendFd() {
  const int fd = poller_->BackendFd();
  if (fd >= 0 && !hosted_) {
    hosted_ = true;
    Rearm();
  }
  return fd;
}

// Keeps BackendFd readable while a turn would find something.
void EventLoop::Rearm() {
  if (forsaken_) return;
  ArmTimer();
  if (turns_running_ == 0) poller_->FlushChanges();
}

void EventLoop::ArmTimer() {
  if (dont_wait_) wake_up_.Signal();
  const int64_t delay_us = NextDelayUs();
  if (clock_->Manual()) {
    if (delay_us == 0) wake_up_.Signal();
    return;
  }
  const int64_t due_us = delay_us < 0 ? kNoMore : times_.NextDueUs();
  // The timer is armed again if an event is due, for a poll may have found it and left it alone. It is armed again too
  // if it rang too early: a clock other than the machine's may run slower.
  const bool rings = armed_until_us_ == INT64_MAX || monotonic_clock_.NowUs() < armed_until_us_;
  if (due_us == armed_due_us_ && delay_us != 0 && rings) return;
  // The clock is read before the timer is set. A later reading could make a timer that has rung early pass for one
  // still to ring.
  armed_until_us_ = delay_us < 0 ? INT64_MAX : monotonic_clock_.NowUs() + delay_us;
  // If the poller cannot arm its timer now, the next turn tries again. The host's Poll(0) still finds what is due.
  armed_due_us_ = poller_->ArmTimer(delay_us).ok() ? due_us : int64_t{kNoMore} - 1;
}

absl::StatusOr<int> Wait(int fd, int mask, int64_t timeout_ms) {
  MonotonicClock clock;
  const int64_t end_us = timeout_ms < 0 ? 0 : clock.NowUs() + timeout_ms * 1000;
  pollfd wanted{};
  wanted.fd = fd;
  if (mask & kReadable) wanted.events |= POLLIN;
  if (mask & kWritable) wanted.events |= POLLOUT;
  for (;;) {
    int wait_ms = -1;
    if (timeout_ms >= 0) {
      const int64_t left_us = std::max<int64_t>(end_us - clock.NowUs(), 0);
      wait_ms = static_cast<int>(std::min<int64_t>((left_us + 999) / 1000, 1'000'000'000));
    }
    const int ready = poll(&wanted, 1, wait_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return SystemError("poll", fd, errno);
    if (ready == 0) {
      if (timeout_ms >= 0 && clock.NowUs() >= end_us) return static_cast<int>(kNone);
      continue;
    }
    if (wanted.revents & POLLNVAL) return SystemError("poll", fd, EBADF);
    int result = kNone;
    if (wanted.revents & POLLIN) result |= kReadable;
    if (wanted.revents & POLLOUT) result |= kWritable;
    if (wanted.revents & (POLLERR | POLLHUP)) result |= mask & kReadWrite;
    return result;
  }
}

}  // namespace larder::inline v0::ae
