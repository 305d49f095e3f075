// io_uring (Linux 5.19 or later) for the listener. It is an optional part: only programs that use it link liburing.
//
//   larder::ListenerOptions options;
//   options.io_uring = &larder::Uring();
//
// and set ae_api = AeApi::kIoUring in the cache's Options.
//
// If the kernel, sysctl or a container forbids it, the listener says so in the log and takes the next best poller.
#ifndef LARDER_NET_URING_H_
#define LARDER_NET_URING_H_

#include <larder/export.h>

namespace larder::inline v0 {

struct IoUring;

// The result lives as long as the program.
LARDER_API const IoUring& Uring();

}  // namespace larder::inline v0

#endif  // LARDER_NET_URING_H_
