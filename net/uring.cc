#include <larder/net/uring.h>

#include "net/ae/poller_io_uring.h"
#include "net/io_backend_uring.h"
#include "net/io_uring.h"

namespace larder::inline v0 {
namespace {

constexpr IoUring kUring = {
    .poller = {"io_uring", ae::IoUringPoller::Make},
    .make_backend = net::UringBackend::Make,
};

}  // namespace

const IoUring& Uring() { return kUring; }

}  // namespace larder::inline v0
