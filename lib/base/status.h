// MakeStatus: makes an absl::Status, without its message if there is no memory for it.
//
// A message takes two allocations by operator new, which throws if there is no memory; a code alone takes none. A
// Status is often made where memory is short (RESOURCE_EXHAUSTED most of all). So it has its message if there is memory
// for it, and only its code otherwise. Everything in lib makes its Statuses by this.
#ifndef LARDER_BASE_STATUS_H_
#define LARDER_BASE_STATUS_H_

#include <string_view>

#include "absl/status/status.h"

namespace larder::inline v0::base {

// Neither throws.
absl::Status MakeStatus(absl::StatusCode code, std::string_view message);
inline absl::Status NoMemory(std::string_view message) {
  return MakeStatus(absl::StatusCode::kResourceExhausted, message);
}

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_STATUS_H_
