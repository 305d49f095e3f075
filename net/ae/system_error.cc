#include "net/ae/system_error.h"

#include <errno.h>
#include <string.h>

#include "lib/base/fixed_text.h"
#include "lib/base/status.h"

namespace larder::inline v0::ae {
namespace {

// strerror_r returns the text (GNU) or a code (POSIX).
[[maybe_unused]] const char* ErrorText(const char* text, const char* /*buffer*/) { return text; }
[[maybe_unused]] const char* ErrorText(int code, const char* buffer) { return code == 0 ? buffer : "unknown error"; }

}  // namespace

absl::Status SystemError(std::string_view call, int fd, int error) {
  char buffer[128];  // strerror would share its buffer with the host
  base::Line text(call);
  if (fd >= 0) text.Add(" of descriptor ").Add(fd);
  text.Add(": ").Add(ErrorText(strerror_r(error, buffer, sizeof(buffer)), buffer));
  const bool exhausted = error == ENOMEM || error == EMFILE || error == ENFILE || error == ENOSPC;
  return base::MakeStatus(exhausted ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kInternal, text.view());
}

}  // namespace larder::inline v0::ae
