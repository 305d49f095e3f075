// The reason why a call was refused. Part of the public headers' machinery, not of the API.
//
// The engine returns a refusal as the address of a constant, which costs a register and cannot fail. Inline code of the
// public headers, compiled with the user's flags, makes an absl::Status of it. A Status with a message allocates;
// without memory for the message it has the code alone.
#ifndef LARDER_INTERNAL_ERROR_TEXT_H_
#define LARDER_INTERNAL_ERROR_TEXT_H_

#include <new>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#if defined(__cpp_exceptions)
#define LARDER_INTERNAL_FLAVOR with_exceptions
#else
#define LARDER_INTERNAL_FLAVOR without_exceptions
#endif

namespace larder::inline v0::internal {

// An error's text without the code that RESP clients look for: "ERR no such key" is "no such key".
constexpr std::string_view WithoutCode(std::string_view text) {
  size_t size = 0;
  while (size < text.size() && text[size] >= 'A' && text[size] <= 'Z') ++size;
  return size >= 3 && size < text.size() && text[size] == ' ' ? text.substr(size + 1) : text;
}

// One refusal. Instances are constants with static lifetime.
struct ErrorText {
  absl::StatusCode code;
  std::string_view text;  // as a RESP client sees it, without the leading '-'

  constexpr std::string_view message() const { return WithoutCode(text); }  // for a Status
};

inline constexpr ErrorText kNoMemoryForResult{absl::StatusCode::kResourceExhausted,
                                            "there is no memory for the result"};
inline constexpr ErrorText kNoMemoryForArguments{absl::StatusCode::kResourceExhausted,
                                               "there is no memory for the arguments"};
inline constexpr ErrorText kOldValueLost{absl::StatusCode::kDataLoss,
                                       "the value was set, but there is no memory for the one that was there before"};
inline constexpr ErrorText kResultLost{absl::StatusCode::kDataLoss,
                                       "it was done, but there is no memory to return what was taken out"};
inline constexpr ErrorText kRangeWasMoved{absl::StatusCode::kFailedPrecondition,
                                        "the ScanRange was moved from: its keys are in the other one"};

inline namespace LARDER_INTERNAL_FLAVOR {

[[gnu::noinline, gnu::cold]] inline absl::Status StatusOf(const ErrorText& error) {
  const absl::string_view message(error.message().data(), error.message().size());
#if defined(__cpp_exceptions)
  try {
    return absl::Status(error.code, message);
  } catch (const std::bad_alloc&) {
    return absl::Status(error.code, absl::string_view());
  }
#else
  return absl::Status(error.code, message);
#endif
}

// The Status of an error; OK for nullptr.
inline absl::Status StatusOf(const ErrorText* error) {
  if (error == nullptr) [[likely]] return absl::Status();
  return StatusOf(*error);
}

// The value, or why there is none.
template <class T>
absl::StatusOr<T> ResultOf(const ErrorText* error, const T& value) {
  if (error == nullptr) [[likely]] return value;
  return StatusOf(*error);
}

// Runs `fill`, which fills a container of the caller's. A bad_alloc becomes RESOURCE_EXHAUSTED.
template <class F>
absl::Status FillResult(F&& fill) {
#if defined(__cpp_exceptions)
  try {
    fill();
  } catch (const std::bad_alloc&) {
    return StatusOf(kNoMemoryForResult);
  }
#else
  fill();
#endif
  return absl::OkStatus();
}

// The bytes as a std::string, or RESOURCE_EXHAUSTED.
inline absl::StatusOr<std::string> StringOf(std::string_view bytes) {
  absl::StatusOr<std::string> result;
  absl::Status filled = FillResult([&] { result.emplace(bytes); });
  if (!filled.ok()) return filled;
  return result;
}

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_ERROR_TEXT_H_
