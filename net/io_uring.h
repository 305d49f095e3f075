// What the optional part //net:uring brings to a listener. Programs know it as a name in <larder/net/listener.h>.
#ifndef LARDER_NET_IO_URING_H_
#define LARDER_NET_IO_URING_H_

#include "net/ae/poller.h"

namespace larder::inline v0 {

struct IoUring {
  ae::PollerMaker poller;
};

}  // namespace larder::inline v0

#endif  // LARDER_NET_IO_URING_H_
