// io_uring (Linux 5.19 or later, and where sysctl and seccomp allow it): one system call hands over what the loop
// watches and waits for it.
//
// Every watched descriptor has one poll request in the ring. A request ends with its event. The next wait asks again
// for those that fired, and the kernel looks at them then, which makes this poller level-triggered. When the mask of a
// descriptor changes, its request is cancelled, and another one with another generation in its user_data is made. A
// late completion of the old request is so recognised and dropped, even if the number is another file's by then.
//
//   user_data   63      generation      32 31          fd           2 1 kind 0
//
// A request holds its file: if a descriptor is closed while watched, the kernel keeps the file open until the request
// has been cancelled. So file events are deleted before descriptors are closed, and FlushChanges and Rest hand
// cancellations over when no wait follows.
//
// The ring belongs to one thread (SINGLE_ISSUER), as DEFER_TASKRUN demands. With that, completions are worked off when
// the loop waits and never interrupt it elsewhere. Another thread may take the loop over after Rest only, and gets a
// ring of its own. Older kernels: COOP_TASKRUN, and no owner.
//
// A host's loop watches the ring's descriptor, and gets a ring with COOP_TASKRUN for it. With DEFER_TASKRUN poll(2)
// sees that the descriptor is readable when it looks, but is not woken when that happens (Linux 6.18: it slept its 10 s
// beside a timer that had long fired). An eventfd registered with the ring is signalled, but only after an RCU grace
// period if another eventfd, such as the loop's wake-up, was the cause. The price: a completion may make a host's
// sleeping epoll_wait return EINTR once. A host sees the descriptors as they were at the last turn: if it reads one
// outside of turns, that one may fire once more, without anything to read.
//
// An I/O backend (net/io_backend_uring.h) puts requests of its own into the same ring.
#ifndef LARDER_NET_AE_POLLER_IO_URING_H_
#define LARDER_NET_AE_POLLER_IO_URING_H_

#include <liburing.h>

#include <memory>

#include "net/ae/grow_array.h"
#include "net/ae/poller.h"

namespace larder::inline v0::ae {

// Receives the completions of requests that are not the poller's.
class RingClient {
 public:
  virtual void OnCompletion(uint64_t token, int result, uint32_t flags) = 0;

 protected:
  ~RingClient() = default;
};

class IoUringPoller final : public Poller {
 public:
  static absl::StatusOr<std::unique_ptr<Poller>> Make();
  ~IoUringPoller() override;

  std::string_view Name() const override { return "io_uring"; }
  absl::Status Resize(int size) override;
  absl::Status Set(int fd, int old_mask, int mask) override;
  int Poll(int64_t timeout_us, std::span<FiredEvent> fired) override;
  int BackendFd() override;
  absl::Status ArmTimer(int64_t delay_us) override;
  void FlushChanges() override;
  void Rest() override;
  void CloseInChild() override;

  // --- For a backend in the same ring ---

  // An empty request; null if the kernel takes none at the moment. SetToken must follow. OnCompletion must not call it.
  io_uring_sqe* Request();
  // `token` < 2^62 comes back with the completion.
  static void SetToken(io_uring_sqe* sqe, uint64_t token) { sqe->user_data = token << kKindBits | kClient; }
  // Hands all requests over and collects completions. Returns false if the kernel refuses.
  bool SubmitAndCollect(unsigned wait_for);
  // Turns up to `max` of the last requests that the kernel has not taken into no-ops. Returns how many.
  size_t TakeBack(size_t max);
  void set_client(RingClient* client) { client_ = client; }

 private:
  enum Kind : uint64_t { kPollRequest, kTimerRequest, kIgnored, kClient };
  static constexpr int kKindBits = 2;

  struct Watch {
    uint32_t generation;
    uint8_t mask;    // the events that the loop wants
    uint8_t armed;   // the events that the request in the ring waits for; 0: there is no request
    uint8_t fired;   // collected and not reported yet
    bool to_arm;     // in to_arm_
    bool ready;      // in ready_
  };
  // Descriptors, first in, first out; each is in it at most once.
  struct Queue {
    GrowArray<int> items;
    size_t first = 0;
    size_t count = 0;
    void Add(int fd);
    int Take();
    bool Grow(size_t size);
  };

  IoUringPoller() = default;
  int Open(unsigned flags);
  int OpenBest();
  bool OwnRing();
  bool MeansNothing(const io_uring_cqe& cqe) const;
  bool NothingToEnterFor() const;
  int Adopt();
  void Arm();
  void List(int fd, Watch& watch);
  bool Submit(unsigned wait_for);
  void Cancel(int fd, Watch& watch);
  int Enter(int64_t timeout_us);
  void Collect();
  void CollectRest(size_t room);
  void OnPoll(uint64_t user_data, int result);
  int Report(std::span<FiredEvent> fired);

  io_uring ring_{};
  bool open_ = false;
  bool enabled_ = false;  // the ring has its owner
  bool foreign_ = false;  // the owner is not the thread that last used it
  GrowArray<Watch> watches_;
  Queue to_arm_;
  Queue ready_;
  __kernel_timespec timer_{};
  uint32_t timer_generation_ = 0;
  bool timer_armed_ = false;
  bool timer_fired_ = false;  // since the last Poll
  bool hosted_ = false;       // BackendFd was asked for
  RingClient* client_ = nullptr;
};

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_POLLER_IO_URING_H_
