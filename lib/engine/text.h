// TextWriter: numbers and words into a Buffer, for replies that are text (INFO, CLIENT LIST).
//
// Memory: a failed append marks the buffer; the caller asks once at the end.
#ifndef LARDER_ENGINE_TEXT_H_
#define LARDER_ENGINE_TEXT_H_

#include <charconv>
#include <concepts>
#include <cstdint>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/numbers.h"

namespace larder::inline v0::engine {

// How much of an argument an error quotes: Redis prints it as a C string.
inline Bytes UpToNul(Bytes text) { return text.substr(0, text.find('\0')); }

class TextWriter {
 public:
  explicit TextWriter(base::Buffer& out) : out_(out) {}

  TextWriter& operator<<(Bytes text) {
    out_.Append(text);
    return *this;
  }
  TextWriter& operator<<(const char* text) { return *this << Bytes(text); }
  TextWriter& operator<<(char c) {
    out_.Append(c);
    return *this;
  }
  template <std::unsigned_integral T>
  TextWriter& operator<<(T value) {
    char digits[base::kIntChars];
    return *this << base::FormatUint64(value, digits);
  }
  template <std::signed_integral T>
  TextWriter& operator<<(T value) {
    char digits[base::kIntChars];
    return *this << base::FormatInt64(value, digits);
  }

  // With that many digits after the point.
  TextWriter& Fixed(double value, int decimals) {
    char digits[400];  // the longest double has 309 before the point
    const auto end = std::to_chars(digits, digits + sizeof(digits), value, std::chars_format::fixed, decimals);
    return *this << Bytes(digits, static_cast<size_t>(end.ptr - digits));
  }

  // "512B", "1.50K", "2.00G": bytes as INFO's _human fields have them.
  TextWriter& Human(uint64_t bytes) {
    // So it is in Redis: what is beyond petabytes is said in bytes again.
    if (bytes < 1024 || bytes >= uint64_t{1} << 60) return *this << bytes << 'B';
    double value = static_cast<double>(bytes) / 1024;
    const char* unit = "KMGTP";
    while (value >= 1024 && unit[1] != '\0') {
      value /= 1024;
      ++unit;
    }
    return Fixed(value, 2) << *unit;
  }

 private:
  base::Buffer& out_;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_TEXT_H_
