#include "net/ae/pollers.h"

#include <errno.h>
#include <string.h>

#include <iterator>

#include "absl/strings/str_cat.h"

namespace larder::inline v0::ae {
namespace {

using Maker = absl::StatusOr<std::unique_ptr<Poller>> (*)();

// Two rows to a poller, in one order: best first.
constexpr std::string_view kNames[] = {
#ifdef __linux__
    "epoll",
#endif
    "select",
};
constexpr Maker kMakers[] = {
#ifdef __linux__
    MakeEpollPoller,
#endif
    MakeSelectPoller,
};
static_assert(std::size(kNames) == std::size(kMakers));

// strerror_r returns the text (GNU) or a code (POSIX).
[[maybe_unused]] const char* ErrorText(const char* text, const char* /*buffer*/) { return text; }
[[maybe_unused]] const char* ErrorText(int code, const char* buffer) { return code == 0 ? buffer : "unknown error"; }

absl::Status UnknownPoller(std::string_view name) {
  std::string text("unknown ae-api '");
  text.append(name).append("': this platform has");
  for (std::string_view known : kNames) text.append(" ").append(known);
  return absl::InvalidArgumentError(text);
}

}  // namespace

absl::Status SystemError(std::string_view call, int fd, int error) {
  char buffer[128];  // strerror would share one with the host
  std::string text(call);
  if (fd >= 0) absl::StrAppend(&text, " of descriptor ", fd);
  absl::StrAppend(&text, ": ", ErrorText(strerror_r(error, buffer, sizeof(buffer)), buffer));
  const bool exhausted = error == ENOMEM || error == EMFILE || error == ENFILE || error == ENOSPC;
  return exhausted ? absl::ResourceExhaustedError(text) : absl::InternalError(text);
}

std::span<const std::string_view> PollerNames() { return kNames; }

absl::StatusOr<std::unique_ptr<Poller>> MakePoller(std::string_view name, std::string* passed_over) {
  if (!name.empty()) {
    for (size_t i = 0; i < std::size(kNames); ++i) {
      if (kNames[i] == name) return kMakers[i]();
    }
    return UnknownPoller(name);
  }
  absl::Status refusal;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    absl::StatusOr<std::unique_ptr<Poller>> poller = kMakers[i]();
    if (poller.ok()) return poller;
    refusal = poller.status();
    if (passed_over != nullptr) {
      passed_over->append(kNames[i]).append(": ");
      passed_over->append(refusal.message().data(), refusal.message().size()).append("\n");
    }
  }
  return refusal;
}

}  // namespace larder::inline v0::ae
