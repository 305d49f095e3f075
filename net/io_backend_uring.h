// UringBackend: the reads of a turn are one submission, and so are its writes, in the ring of the loop's own poller. So
// a turn of any number of connections makes three system calls (wait, read, write).
//
// The requests do not wait (MSG_DONTWAIT). They are complete when the submission returns, so that every op has its
// result then, as IoBackend promises.
#ifndef LARDER_NET_IO_BACKEND_URING_H_
#define LARDER_NET_IO_BACKEND_URING_H_

#include <memory>

#include "net/ae/poller_io_uring.h"
#include "net/io_backend.h"

namespace larder::inline v0::net {

class UringBackend final : public IoBackend, private ae::RingClient {
 public:
  // Returns null if there is no memory. REQUIRES: `poller` is an IoUringPoller, and outlives the backend.
  static std::unique_ptr<IoBackend> Make(ae::Poller& poller);
  explicit UringBackend(ae::IoUringPoller& poller) : poller_(poller) { poller_.set_client(this); }
  ~UringBackend() override { poller_.set_client(nullptr); }

  std::string_view Name() const override { return "io_uring"; }
  void ReadReady(std::span<ReadOp> ops) override;
  void WriteAll(std::span<WriteOp> ops) override;

 private:
  static constexpr size_t kBatchMax = 64;

  template <typename Op>
  void Run(std::span<Op> ops);
  template <typename Op>
  void RunBatch(std::span<Op> ops);
  void OnCompletion(uint64_t token, int result, uint32_t flags) override;

  ae::IoUringPoller& poller_;
  SystemCallBackend system_calls_;  // for ops that the ring does not take
  ssize_t* results_[kBatchMax] = {};
  size_t left_ = 0;
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_IO_BACKEND_URING_H_
