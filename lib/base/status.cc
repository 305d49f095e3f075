#include "lib/base/status.h"

#include "lib/base/bytes.h"
#include "lib/base/guarded.h"

namespace larder::inline v0::base {

absl::Status MakeStatus(absl::StatusCode code, std::string_view message) {
  absl::Status status(code, {});
  (void)Guarded([&] { status = absl::Status(code, ToAbsl(message)); });
  return status;
}

}  // namespace larder::inline v0::base
