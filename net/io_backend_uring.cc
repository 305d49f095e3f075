#include "net/io_backend_uring.h"

#include <errno.h>
#include <sys/socket.h>

#include <algorithm>
#include <new>

#include "lib/base/check.h"

namespace larder::inline v0::net {
namespace {

// Marks an op that has no result yet; no system call returns it.
constexpr ssize_t kNoResult = INT64_MIN;

void Prepare(io_uring_sqe* sqe, ReadOp& op, msghdr*) { io_uring_prep_recv(sqe, op.fd, op.data, op.size, MSG_DONTWAIT); }

void Prepare(io_uring_sqe* sqe, WriteOp& op, msghdr* message) {
  if (op.pieces_count == 1) {
    io_uring_prep_send(sqe, op.fd, op.pieces[0].iov_base, op.pieces[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  *message = msghdr();
  message->msg_iov = const_cast<iovec*>(op.pieces);
  message->msg_iovlen = op.pieces_count;
  io_uring_prep_sendmsg(sqe, op.fd, message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void BySystemCall(SystemCallBackend& backend, ReadOp& op) { backend.ReadReady({&op, 1}); }
void BySystemCall(SystemCallBackend& backend, WriteOp& op) { backend.WriteAll({&op, 1}); }

}  // namespace

std::unique_ptr<IoBackend> UringBackend::Make(ae::Poller& poller) {
  LARDER_DCHECK(poller.Name() == "io_uring");
  return std::unique_ptr<IoBackend>(new (std::nothrow) UringBackend(static_cast<ae::IoUringPoller&>(poller)));
}

void UringBackend::ReadReady(std::span<ReadOp> ops) { Run(ops); }
void UringBackend::WriteAll(std::span<WriteOp> ops) { Run(ops); }

template <typename Op>
void UringBackend::Run(std::span<Op> ops) {
  while (!ops.empty()) {
    const std::span<Op> batch = ops.first(std::min(ops.size(), kBatchMax));
    // Alone it saves no system call, and the ring costs more than the call.
    if (batch.size() == 1) {
      BySystemCall(system_calls_, batch[0]);
    } else {
      RunBatch(batch);
    }
    ops = ops.subspan(batch.size());
  }
}

template <typename Op>
void UringBackend::RunBatch(std::span<Op> ops) {
  msghdr messages[kBatchMax];
  for (size_t i = 0; i < ops.size(); ++i) {
    ops[i].result = kNoResult;
    io_uring_sqe* sqe = poller_.Request();
    if (sqe == nullptr) continue;
    Prepare(sqe, ops[i], &messages[i]);
    ae::IoUringPoller::SetToken(sqe, i);
    results_[i] = &ops[i].result;
    ++left_;
  }
  // They are complete once they are handed over, unless the kernel takes them to a thread of its own.
  unsigned wait_for = 0;
  while (left_ > 0 && poller_.SubmitAndCollect(wait_for)) wait_for = 1;
  if (left_ > 0) left_ -= poller_.TakeBack(left_);
  LARDER_DCHECK(left_ == 0);
  for (Op& op : ops) {
    if (op.result == kNoResult || op.result == -EINTR) BySystemCall(system_calls_, op);
  }
}

void UringBackend::OnCompletion(uint64_t token, int result, uint32_t /*flags*/) {
  *results_[token] = result;
  --left_;
}

}  // namespace larder::inline v0::net
