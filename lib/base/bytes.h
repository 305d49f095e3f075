// Bytes: text or binary data that somebody else owns, and the one bridge to absl::string_view.
//
// Our API uses std::string_view. Debian's abseil has an absl::string_view of its own that converts neither way; in
// newer ones the two are the same. ToAbsl compiles with both and is the only place that needs to know.
#ifndef LARDER_BASE_BYTES_H_
#define LARDER_BASE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "absl/strings/string_view.h"

namespace larder::inline v0 {

using Bytes = std::string_view;

namespace base {

inline absl::string_view ToAbsl(std::string_view s) { return {s.data(), s.size()}; }

inline char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// Whether the two are equal but for ASCII case, as Redis compares command names and option words.
inline bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (LowerAscii(a[i]) != LowerAscii(b[i])) return false;
  }
  return true;
}

// a == b without a call for up to 32 bytes, which most keys are.
[[gnu::always_inline]] inline bool EqualBytes(const char* a, const char* b, size_t n) {
  const auto word = [](const char* p) {
    uint64_t w;
    std::memcpy(&w, p, 8);
    return w;
  };
  const auto half = [](const char* p) {
    uint32_t w;
    std::memcpy(&w, p, 4);
    return w;
  };
  if (n >= 8) [[likely]] {
    if (n > 32) [[unlikely]] return std::memcmp(a, b, n) == 0;
    uint64_t different = (word(a) ^ word(b)) | (word(a + n - 8) ^ word(b + n - 8));
    if (n > 16) different |= (word(a + 8) ^ word(b + 8)) | (word(a + n - 16) ^ word(b + n - 16));
    return different == 0;
  }
  if (n >= 4) return ((half(a) ^ half(b)) | (half(a + n - 4) ^ half(b + n - 4))) == 0;
  for (size_t i = 0; i < n; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// memcpy that allows (nullptr, 0), which the C function does not.
inline void CopyBytes(char* to, std::string_view from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

}  // namespace base
}  // namespace larder::inline v0

#endif  // LARDER_BASE_BYTES_H_
