#include "net/ae/poller_io_uring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/error_texts.h"
#include "lib/base/status.h"
#include "net/ae/system_error.h"

namespace larder::inline v0::ae {
namespace {

// Requests that can wait to be handed over. More are no error: several calls hand them over.
constexpr unsigned kRequests = 256;
// Completions that can wait to be collected. More are no error either: the kernel keeps them (NODROP) and is asked
// again. The two take 9 pages. Since Linux 6.14 these count against RLIMIT_MEMLOCK (8 MB as a rule) until some time
// after the ring's end. With 50 pages a program that started and stopped listeners in a row was refused a ring.
constexpr unsigned kCompletions = 1024;

unsigned ToPoll(int mask) {
  return ((mask & kReadable) ? unsigned{POLLIN} : 0u) | ((mask & kWritable) ? unsigned{POLLOUT} : 0u);
}

int FromPoll(int events) {
  if (events & (POLLERR | POLLHUP)) return kReadable | kWritable;
  return ((events & POLLIN) ? kReadable : 0) | ((events & POLLOUT) ? kWritable : 0);
}

uint64_t UserData(uint32_t generation, int fd, uint64_t kind) {
  return uint64_t{generation} << 32 | static_cast<uint64_t>(static_cast<uint32_t>(fd)) << 2 | kind;
}

}  // namespace

void IoUringPoller::Queue::Add(int fd) {
  LARDER_DCHECK(count < items.size());
  size_t at = first + count++;
  if (at >= items.size()) at -= items.size();
  items[at] = fd;
}

int IoUringPoller::Queue::Take() {
  LARDER_DCHECK(count > 0);
  const int fd = items[first];
  if (++first == items.size()) first = 0;
  --count;
  return fd;
}

bool IoUringPoller::Queue::Grow(size_t size) {
  if (size <= items.size()) return true;
  GrowArray<int> grown;
  if (!grown.Grow(size)) return false;
  for (size_t i = 0; i < count; ++i) grown[i] = items[(first + i) % items.size()];
  items.Swap(grown);
  first = 0;
  return true;
}

absl::StatusOr<std::unique_ptr<Poller>> IoUringPoller::Make() {
  std::unique_ptr<IoUringPoller> poller(new (std::nothrow) IoUringPoller());
  if (poller == nullptr) return base::NoMemory(base::kNoMemoryForPoller);
  if (const int error = poller->OpenBest(); error != 0) return SystemError("io_uring_setup", -1, error);
  return std::unique_ptr<Poller>(std::move(poller));
}

IoUringPoller::~IoUringPoller() {
  if (open_) io_uring_queue_exit(&ring_);
}

// The memory of the ring is the parent's too, so it stays mapped and nothing is written to it.
void IoUringPoller::CloseInChild() {
  if (open_) close(ring_.ring_fd);
}

int IoUringPoller::Open(unsigned flags) {
  io_uring_params params{};
  params.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG;
  params.cq_entries = kCompletions;
  io_uring ring{};
  const int error = -io_uring_queue_init_params(kRequests, &ring, &params);
  if (error != 0) return error;
  constexpr unsigned kNeeded =
      IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_CQE_SKIP;
  if ((params.features & kNeeded) != kNeeded) {
    io_uring_queue_exit(&ring);
    return ENOSYS;
  }
  ring_ = ring;
  open_ = true;
  enabled_ = (flags & IORING_SETUP_R_DISABLED) == 0;
  return 0;
}

// DEFER_TASKRUN needs Linux 6.1, COOP_TASKRUN 5.19. The thread that first uses the ring enables it and so owns it.
int IoUringPoller::OpenBest() {
  if (hosted_) return Open(IORING_SETUP_COOP_TASKRUN);
  const int error = Open(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED);
  return error == EINVAL ? Open(IORING_SETUP_COOP_TASKRUN) : error;
}

bool IoUringPoller::OwnRing() {
  // io_uring_enable_rings cannot be called: liburing 2.3 declares it and does not export it.
  if (enabled_) return true;
  const unsigned fd = static_cast<unsigned>(ring_.ring_fd);
  enabled_ = io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) == 0;
  return enabled_;
}

int IoUringPoller::BackendFd() {
  if (!hosted_) {
    hosted_ = true;
    hosted_ = Adopt() == 0;
  }
  return hosted_ ? ring_.ring_fd : -1;
}

// Opens another ring, because this one belongs to another thread (as the kernel has said) or is of the wrong kind.
// Requests that are still in the old one end with it, some time later.
int IoUringPoller::Adopt() {
  io_uring old = ring_;
  if (const int error = OpenBest(); error != 0) return -error;
  io_uring_queue_exit(&old);
  foreign_ = false;
  for (size_t fd = 0; fd < watches_.size(); ++fd) {
    Watch& watch = watches_[fd];
    if (std::exchange(watch.armed, uint8_t{0}) == 0) continue;
    ++watch.generation;
    List(static_cast<int>(fd), watch);
  }
  timer_armed_ = false;
  return OwnRing() ? 0 : -EIO;
}

absl::Status IoUringPoller::Resize(int size) {
  const size_t wanted = static_cast<size_t>(size);
  if (to_arm_.Grow(wanted) && ready_.Grow(wanted) && watches_.Grow(wanted)) return absl::OkStatus();
  return base::NoMemory("out of memory for io_uring's descriptors");
}

absl::Status IoUringPoller::Set(int fd, int /*old_mask*/, int mask) {
  // The kernel would refuse a closed descriptor too, but later.
  if (mask != kNone && fcntl(fd, F_GETFD) < 0) return SystemError("io_uring", fd, errno);
  Watch& watch = watches_[static_cast<size_t>(fd)];
  if (watch.armed != 0 && watch.armed != mask) Cancel(fd, watch);
  watch.mask = static_cast<uint8_t>(mask);
  watch.fired &= watch.mask;
  if (mask != kNone && watch.armed == 0 && !watch.ready) List(fd, watch);
  return absl::OkStatus();
}

void IoUringPoller::Cancel(int fd, Watch& watch) {
  // If there is no request to be had (the ring is another thread's), the old poll stays until that ring goes. Its
  // completion is dropped.
  if (io_uring_sqe* sqe = Request()) {
    io_uring_prep_poll_remove(sqe, UserData(watch.generation, fd, kPollRequest));
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = kIgnored;
  }
  ++watch.generation;
  watch.armed = 0;
}

io_uring_sqe* IoUringPoller::Request() {
  if (foreign_) return nullptr;
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  if (sqe != nullptr) return sqe;
  SubmitAndCollect(0);
  return io_uring_get_sqe(&ring_);
}

void IoUringPoller::Arm() {
  // Only descriptors that are in the queue now are armed: handing requests over on the way may add others.
  for (size_t left = to_arm_.count; left > 0; --left) {
    io_uring_sqe* sqe = Request();
    if (sqe == nullptr) return;  // the next turn goes on
    const int fd = to_arm_.Take();
    Watch& watch = watches_[static_cast<size_t>(fd)];
    watch.to_arm = false;
    if (watch.mask == kNone || watch.armed != 0) {
      io_uring_prep_nop(sqe);
      sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
      sqe->user_data = kIgnored;
      continue;
    }
    io_uring_prep_poll_add(sqe, fd, ToPoll(watch.mask));
    sqe->user_data = UserData(watch.generation, fd, kPollRequest);
    watch.armed = watch.mask;
  }
}

// The kernel says in the ring itself whether a call would bring something.
bool IoUringPoller::NothingToEnterFor() const {
  return io_uring_sq_ready(&ring_) == 0 &&
         (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) == 0;
}

bool IoUringPoller::SubmitAndCollect(unsigned wait_for) {
  const bool submitted = Submit(wait_for);
  Collect();
  return submitted;
}

size_t IoUringPoller::TakeBack(size_t max) {
  const size_t count = std::min<size_t>(max, io_uring_sq_ready(&ring_));
  for (size_t i = 1; i <= count; ++i) {
    io_uring_sqe* sqe = &ring_.sq.sqes[(ring_.sq.sqe_tail - i) & *ring_.sq.kring_mask];
    io_uring_prep_nop(sqe);
    sqe->user_data = kIgnored;
  }
  return count;
}

bool IoUringPoller::Submit(unsigned wait_for) {
  if (foreign_ || !OwnRing()) return false;
  int result = 0;
  if (wait_for > 0 || !NothingToEnterFor()) {
    do {
      result = wait_for > 0 ? io_uring_submit_and_wait(&ring_, wait_for) : io_uring_submit_and_get_events(&ring_);
    } while (result == -EINTR);
  }
  if (result == -EEXIST) foreign_ = true;
  return result >= 0;
}

// Hands requests over and waits. Returns 0 or -errno.
int IoUringPoller::Enter(int64_t timeout_us) {
  if (foreign_) return -EEXIST;
  if (!OwnRing()) return -EIO;
  int result = 0;
  if (timeout_us == 0 || ready_.count > 0) {
    if (!NothingToEnterFor()) result = io_uring_submit_and_get_events(&ring_);
  } else {
    __kernel_timespec timeout{};
    timeout.tv_sec = timeout_us / 1'000'000;
    timeout.tv_nsec = timeout_us % 1'000'000 * 1'000;
    io_uring_cqe* cqe = nullptr;
    result = timeout_us < 0 ? io_uring_submit_and_wait(&ring_, 1)
                            : io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &timeout, nullptr);
  }
  // EBUSY means that completions must be collected first.
  return result >= 0 || result == -ETIME || result == -EBUSY ? 0 : result;
}

int IoUringPoller::Poll(int64_t timeout_us, std::span<FiredEvent> fired) {
  Arm();
  int result = Enter(timeout_us);
  if (result == -EEXIST) {
    result = Adopt();
    if (result == 0) {
      Arm();
      result = Enter(timeout_us);
    }
  }
  Collect();
  CollectRest(fired.size());
  timer_fired_ = false;  // the loop finds out itself what is due
  const int count = Report(fired);
  return count == 0 && result < 0 ? result : count;
}

// A kernel that defers completions works off 20 of them in one call (Linux 6.18), unless it is told to wait for more.
// Without this a turn would be that small, however many are ready.
void IoUringPoller::CollectRest(size_t room) {
  while (ready_.count < room && !NothingToEnterFor()) {
    __kernel_timespec now{};
    io_uring_cqe* cqe = nullptr;
    const unsigned wanted = static_cast<unsigned>(std::min<size_t>(room - ready_.count, kCompletions));
    const int result = io_uring_submit_and_wait_timeout(&ring_, &cqe, wanted, &now, nullptr);
    if (io_uring_cq_ready(&ring_) == 0 || (result < 0 && result != -ETIME)) return;
    Collect();
  }
}

void IoUringPoller::Collect() {
  unsigned head;
  unsigned count = 0;
  io_uring_cqe* cqe;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    ++count;
    switch (cqe->user_data & 3) {
      case kPollRequest:
        OnPoll(cqe->user_data, cqe->res);
        break;
      case kTimerRequest:
        if (cqe->user_data >> 32 != timer_generation_) break;
        timer_armed_ = false;
        timer_fired_ = cqe->res == -ETIME;
        break;
      case kClient:
        if (client_ != nullptr) client_->OnCompletion(cqe->user_data >> kKindBits, cqe->res, cqe->flags);
        break;
      default:
        break;
    }
  }
  io_uring_cq_advance(&ring_, count);
}

void IoUringPoller::OnPoll(uint64_t user_data, int result) {
  const int fd = static_cast<int>((user_data & 0xffffffff) >> kKindBits);
  Watch& watch = watches_[static_cast<size_t>(fd)];
  if (static_cast<uint32_t>(user_data >> 32) != watch.generation || watch.armed == 0) return;
  watch.armed = 0;
  // The descriptor was closed before the request was handed over. It is forgotten, as other pollers do.
  if (result == -EBADF) return;
  if (result < 0) return List(fd, watch);
  watch.fired |= static_cast<uint8_t>(FromPoll(result) & watch.mask);
  if (!std::exchange(watch.ready, true)) ready_.Add(fd);
}

void IoUringPoller::List(int fd, Watch& watch) {
  if (!std::exchange(watch.to_arm, true)) to_arm_.Add(fd);
}

int IoUringPoller::Report(std::span<FiredEvent> fired) {
  size_t count = 0;
  while (ready_.count > 0 && count < fired.size()) {
    const int fd = ready_.Take();
    Watch& watch = watches_[static_cast<size_t>(fd)];
    watch.ready = false;
    const int mask = std::exchange(watch.fired, uint8_t{0});
    if (watch.mask != kNone && watch.armed == 0) List(fd, watch);
    if (mask != kNone) fired[count++] = {fd, mask};
  }
  return static_cast<int>(count);
}

absl::Status IoUringPoller::ArmTimer(int64_t delay_us) {
  if (timer_armed_) {
    if (io_uring_sqe* sqe = Request()) {
      io_uring_prep_timeout_remove(sqe, UserData(timer_generation_, 0, kTimerRequest), 0);
      sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
      sqe->user_data = kIgnored;
    }
    timer_armed_ = false;
  }
  if (delay_us < 0) return absl::OkStatus();
  timer_fired_ = false;
  io_uring_sqe* sqe = Request();
  if (sqe == nullptr) return base::MakeStatus(absl::StatusCode::kResourceExhausted, "io_uring takes no timer");
  timer_.tv_sec = delay_us / 1'000'000;
  timer_.tv_nsec = delay_us % 1'000'000 * 1'000;
  io_uring_prep_timeout(sqe, &timer_, 0, 0);
  sqe->user_data = UserData(++timer_generation_, 0, kTimerRequest);
  timer_armed_ = true;
  return absl::OkStatus();
}

void IoUringPoller::FlushChanges() {
  if (foreign_ || !enabled_) return;  // the ring is another thread's, or empty
  Arm();
  Submit(0);
  if (!hosted_) return;
  // Completions stay in the ring, for they make it readable. So those without a meaning are taken out, and for those
  // that were taken out and are not reported yet a no-op is put in.
  io_uring_cqe* cqe;
  while (io_uring_peek_cqe(&ring_, &cqe) == 0 && MeansNothing(*cqe)) io_uring_cqe_seen(&ring_, cqe);
  if (ready_.count == 0 && !timer_fired_) return;
  if (io_uring_sqe* sqe = Request()) {
    io_uring_prep_nop(sqe);
    sqe->user_data = kIgnored;
    Submit(0);
  }
}

bool IoUringPoller::MeansNothing(const io_uring_cqe& cqe) const {
  const uint32_t generation = static_cast<uint32_t>(cqe.user_data >> 32);
  switch (cqe.user_data & 3) {
    case kPollRequest:
      return generation != watches_[static_cast<size_t>((cqe.user_data & 0xffffffff) >> kKindBits)].generation;
    case kTimerRequest:
      return generation != timer_generation_;
    case kIgnored:
      return true;
    default:
      return false;
  }
}

void IoUringPoller::Rest() {
  if (!enabled_) return;
  for (size_t fd = 0; fd < watches_.size(); ++fd) {
    Watch& watch = watches_[fd];
    if (watch.armed == 0) continue;
    Cancel(static_cast<int>(fd), watch);
    List(static_cast<int>(fd), watch);
  }
  SubmitAndCollect(0);
}

}  // namespace larder::inline v0::ae
