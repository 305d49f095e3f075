// MakeStatus: an absl::Status whose message is a luxury.
//
// A message is two allocations by operator new, which throws when there is no memory; a code alone is none. So a Status
// that is made where memory may be short (RESOURCE_EXHAUSTED most of all) comes with its message if there is memory for
// it, and without otherwise. Everything in lib makes its Statuses by this.
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
