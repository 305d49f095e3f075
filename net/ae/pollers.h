// One maker for each poller's file, and the errors that they share. Only pollers.cc and the pollers include this.
#ifndef LARDER_NET_AE_POLLERS_H_
#define LARDER_NET_AE_POLLERS_H_

#include "net/ae/poller.h"

namespace larder::inline v0::ae {

#ifdef __linux__
absl::StatusOr<std::unique_ptr<Poller>> MakeEpollPoller();
#endif
absl::StatusOr<std::unique_ptr<Poller>> MakeSelectPoller();

// "epoll_ctl of descriptor 7: Bad file descriptor". ENOMEM, EMFILE, ENFILE and ENOSPC are RESOURCE_EXHAUSTED; the
// rest is INTERNAL. `fd` -1 is left out.
absl::Status SystemError(std::string_view call, int fd, int error);

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_POLLERS_H_
