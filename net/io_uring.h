// The optional part //net:uring, as a listener uses it. Programs know only its name, from <larder/net/listener.h>.
#ifndef LARDER_NET_IO_URING_H_
#define LARDER_NET_IO_URING_H_

#include <memory>

#include "net/ae/poller.h"
#include "net/io_backend.h"

namespace larder::inline v0 {

struct IoUring {
  ae::PollerMaker poller;
  // Makes a backend for a loop that runs on that poller. Returns null if there is no memory.
  std::unique_ptr<net::IoBackend> (*make_backend)(ae::Poller& poller);
};

}  // namespace larder::inline v0

#endif  // LARDER_NET_IO_URING_H_
