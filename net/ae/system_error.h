// How a system call failed, in words.
#ifndef LARDER_NET_AE_SYSTEM_ERROR_H_
#define LARDER_NET_AE_SYSTEM_ERROR_H_

#include <string_view>

#include "absl/status/status.h"

namespace larder::inline v0::ae {

// "epoll_ctl of descriptor 7: Bad file descriptor". ENOMEM, EMFILE, ENFILE and ENOSPC are RESOURCE_EXHAUSTED; the rest
// is INTERNAL. `fd` -1 is left out. It never throws: without memory the status has no text.
absl::Status SystemError(std::string_view call, int fd, int error);

}  // namespace larder::inline v0::ae

#endif  // LARDER_NET_AE_SYSTEM_ERROR_H_
