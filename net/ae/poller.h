// The kernel's side of the event loop: it tells which descriptors are ready. Each implementation has a file. None of
// them knows of procedures, timers or turns, and the loop knows none of their system calls.
//
// A poller is level-triggered: every Poll reports a descriptor as long as it is ready. When the span is too short for
// all ready descriptors, later polls must report the others.
//
// Threads: all calls come from the loop's own.
#ifndef LARDER_NET_AE_POLLER_H_
#define LARDER_NET_AE_POLLER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/base/buffer.h"

namespace larder::inline v0::ae {

// The readiness that a file event waits for, and that has fired.
enum Mask : int {
  kNone = 0,
  kReadable = 1,
  kWritable = 2,
  kBarrier = 4,  // with kWritable: if both fire in one turn, the writable procedure runs first. Pollers never see it
};

struct FiredEvent {
  int fd;
  int mask;
};

class Poller {
 public:
  virtual ~Poller() = default;

  // "epoll", "kqueue", "select"...: INFO's multiplexing_api.
  virtual std::string_view Name() const = 0;

  // Descriptors below `size` may be given to Set from now on.
  // Errors: RESOURCE_EXHAUSTED if there is no memory; the old size still holds then.
  virtual absl::Status Resize(int size) = 0;

  // Watches `fd` for `mask` (kReadable and kWritable only) instead of `old_mask`; kNone on either side means not
  // watched. With kNone for `mask` it never fails, even if the descriptor was closed before.
  // Errors: OUT_OF_RANGE if this poller cannot watch such a descriptor, RESOURCE_EXHAUSTED, INTERNAL. The messages name
  // it.
  virtual absl::Status Set(int fd, int old_mask, int mask) = 0;

  // Waits until something is ready or `timeout_us` passed (-1: for ever; fractions of the kernel's unit are rounded
  // up, so that a timer is never early). An error or hang-up of a descriptor counts as readable and writable.
  // Returns how many of `fired` were filled in, or -errno (-EINTR included).
  virtual int Poll(int64_t timeout_us, std::span<FiredEvent> fired) = 0;

  // A descriptor that is readable while Poll(0) would find something, for a host's own loop; -1 if there is none.
  // It is called on the loop's own thread.
  virtual int BackendFd() { return -1; }

  // Makes BackendFd readable after `delay_us` (-1: cancels). It is called only if there is a BackendFd.
  virtual absl::Status ArmTimer(int64_t /*delay_us*/) { return absl::OkStatus(); }

  // These are for pollers that hand changes to the kernel only with the next Poll. When FlushChanges returns, the
  // kernel knows all that Set and ArmTimer have changed. It is called after changes outside of a turn and, inside a
  // host's loop, at the end of each turn. When Rest returns, the kernel has no request of the poller's left: another
  // thread may run the loop then, or descriptors may be closed.
  virtual void FlushChanges() {}
  virtual void Rest() {}

  // In a forked child: closes its copies of the poller's descriptors and touches nothing that the parent shares. The
  // poller is of no use then, and is not destroyed.
  virtual void CloseInChild() {}
};

struct PollerMaker {
  std::string_view name;
  absl::StatusOr<std::unique_ptr<Poller>> (*make)();
};

// The pollers that this platform has, best first.
std::span<const PollerMaker> PlatformPollers();

// The poller called `name`, of the platform's or of `more`; the platform's best if `name` is empty. `more` has the
// pollers of optional parts, which are chosen by name only. If the kernel refuses one, the next best of the platform's
// is tried, and `*passed_over` (may be null) gets a line with the reason, for the log, if there is memory for it.
// Errors: INVALID_ARGUMENT for an unknown name (the message lists the known ones), or the last refusal.
absl::StatusOr<std::unique_ptr<Poller>> MakePoller(std::string_view name, std::span<const PollerMaker> more = {},
                                                   base::Buffer* passed_over = nullptr);

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_POLLER_H_
