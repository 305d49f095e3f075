#include "net/ae/system_error.h"

#include <errno.h>
#include <string.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace larder::inline v0::ae {
namespace {

// strerror_r returns the text (GNU) or a code (POSIX).
[[maybe_unused]] const char* ErrorText(const char* text, const char* /*buffer*/) { return text; }
[[maybe_unused]] const char* ErrorText(int code, const char* buffer) { return code == 0 ? buffer : "unknown error"; }

}  // namespace

absl::Status SystemError(std::string_view call, int fd, int error) {
  char buffer[128];  // strerror would share one with the host
  std::string text(call);
  if (fd >= 0) absl::StrAppend(&text, " of descriptor ", fd);
  absl::StrAppend(&text, ": ", ErrorText(strerror_r(error, buffer, sizeof(buffer)), buffer));
  const bool exhausted = error == ENOMEM || error == EMFILE || error == ENFILE || error == ENOSPC;
  return exhausted ? absl::ResourceExhaustedError(text) : absl::InternalError(text);
}

}  // namespace larder::inline v0::ae
