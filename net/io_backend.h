// How bytes get from and to sockets. Connections never call read or write: once in each turn the loop hands over all
// that are ready as one batch. So another backend (io_uring, with one submission for the whole turn) is another
// implementation of these two calls and nothing else.
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
  // Out: how many bytes were read; 0 if the peer will send no more; or -errno, which may be -EAGAIN.
  ssize_t result = 0;
};

struct WriteOp {
  int fd = -1;
  const iovec* pieces = nullptr;
  size_t pieces_count = 0;  // at most kPiecesMax
  // Out: how many bytes were written, perhaps fewer than there are; or -errno, which may be -EAGAIN.
  ssize_t result = 0;
};

// No system's IOV_MAX is smaller.
inline constexpr size_t kPiecesMax = 64;

// Descriptors are non-blocking sockets. Every op gets its result before a call returns. No signal is raised for a peer
// that is gone, and a signal that interrupts is not an error.
// Threads: a backend belongs to the loop's thread.
class IoBackend {
 public:
  virtual ~IoBackend() = default;
  virtual std::string_view Name() const = 0;
  virtual void ReadReady(std::span<ReadOp> ops) = 0;
  virtual void WriteAll(std::span<WriteOp> ops) = 0;
};

// Makes one recv or sendmsg for each op.
class SystemCallBackend final : public IoBackend {
 public:
  std::string_view Name() const override { return "syscall"; }
  void ReadReady(std::span<ReadOp> ops) override;
  void WriteAll(std::span<WriteOp> ops) override;
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_IO_BACKEND_H_
