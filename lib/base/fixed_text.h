// FixedText: a text of bounded length that allocates nothing. It is for log lines, messages and addresses that are made
// on an event loop or under the executor: there a std::string without memory would throw through frames that clean
// nothing up.
//
//   base::Line line("Closing client ", name, ": fd=", fd);
//   Log(line.view());
//
// Text that does not fit is cut off.
#ifndef LARDER_BASE_FIXED_TEXT_H_
#define LARDER_BASE_FIXED_TEXT_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "lib/base/bytes.h"
#include "lib/base/numbers.h"

namespace larder::inline v0::base {

template <size_t kRoom>
class FixedText {
 public:
  FixedText() = default;
  // A part is anything with data() and size() (both kinds of string_view, std::string), a literal, or an integer.
  template <class... Parts>
    requires(sizeof...(Parts) > 0)
  explicit FixedText(const Parts&... parts) {
    (Add(parts), ...);
  }

  template <class Part>
  FixedText& Add(const Part& part) {
    if constexpr (std::is_integral_v<Part>) {
      char digits[kIntChars];
      if constexpr (std::is_signed_v<Part>) return Append(FormatInt64(part, digits));
      else return Append(FormatUint64(part, digits));
    } else if constexpr (std::is_convertible_v<const Part&, const char*>) {
      return Append(static_cast<const char*>(part));
    } else {
      return Append({part.data(), part.size()});
    }
  }

  const char* data() const { return bytes_; }
  // It is never above kRoom. std::min tells compilers so, when a text is added to a longer one (g++ 12's
  // -Warray-bounds).
  size_t size() const { return std::min(size_, kRoom); }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {bytes_, size()}; }
  // The same bytes with a '\0' behind them, for system calls.
  const char* c_str() const { return bytes_; }

 private:
  FixedText& Append(std::string_view bytes) {
    const size_t n = std::min(bytes.size(), kRoom - size_);
    CopyBytes(bytes_ + size_, bytes.substr(0, n));
    size_ += n;
    bytes_[size_] = '\0';
    return *this;
  }

  size_t size_ = 0;
  char bytes_[kRoom + 1] = {};
};

// A line for the log: an address, a path and a reason fit.
using Line = FixedText<511>;

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_FIXED_TEXT_H_
