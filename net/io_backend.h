// How bytes get from and to sockets. Connections never call read or write: once a turn the loop hands over all that are
// ready as one batch, so that another backend (io_uring: one submission for the whole turn) is another implementation
// of these two calls and nothing else.
#ifndef LARDER_NET_IO_BACKEND_H_
#define LARDER_NET_IO_BACKEND_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string_view>

namespace larder::inline v0::net {

struct ReadOp {
  int fd = -1;
  char* data = nullptr;
  size_t size = 0;
  // Out: bytes read; 0: the peer will send no more; -errno, -EAGAIN among them.
  ssize_t result = 0;
};

struct WriteOp {
  int fd = -1;
  const iovec* pieces = nullptr;
  size_t pieces_count = 0;  // at most kPiecesMax
  // Out: bytes written, perhaps fewer than there are; -errno, -EAGAIN among them.
  ssize_t result = 0;
};

// Within IOV_MAX everywhere.
inline constexpr size_t kPiecesMax = 64;

// Threads: the loop's own. Descriptors are non-blocking sockets. Every op gets its result before a call returns; no
// signal is raised for a peer that is gone, and a signal that interrupts is not an error.
class IoBackend {
 public:
  virtual ~IoBackend() = default;
  virtual std::string_view Name() const = 0;
  virtual void ReadReady(std::span<ReadOp> ops) = 0;
  virtual void WriteAll(std::span<WriteOp> ops) = 0;
};

// One recv or sendmsg for each op.
class SystemCallBackend final : public IoBackend {
 public:
  std::string_view Name() const override { return "syscall"; }
  void ReadReady(std::span<ReadOp> ops) override;
  void WriteAll(std::span<WriteOp> ops) override;
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_IO_BACKEND_H_
