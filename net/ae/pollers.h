// The pollers that this platform has, and their makers. Each poller has its own file. On a platform without that poller
// the file compiles to nothing, so no build has to know platforms. Only pollers.cc and the pollers include this.
#ifndef LARDER_NET_AE_POLLERS_H_
#define LARDER_NET_AE_POLLERS_H_

#include "net/ae/poller.h"
#include "net/ae/system_error.h"

#if defined(__linux__)
#define LARDER_AE_EPOLL 1
#endif
// LARDER_AE_STANDIN: tests/net/ae/standin has headers that stand in for these platforms' own.
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    defined(__DragonFly__) || defined(LARDER_AE_STANDIN)
#define LARDER_AE_KQUEUE 1
#endif
#if defined(__sun) || defined(LARDER_AE_STANDIN)
#define LARDER_AE_EVPORT 1
#endif

namespace larder::inline v0::ae {

absl::StatusOr<std::unique_ptr<Poller>> MakeEpollPoller();
absl::StatusOr<std::unique_ptr<Poller>> MakeKqueuePoller();
absl::StatusOr<std::unique_ptr<Poller>> MakeEvportPoller();
absl::StatusOr<std::unique_ptr<Poller>> MakePollPoller();
absl::StatusOr<std::unique_ptr<Poller>> MakeSelectPoller();

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_POLLERS_H_
