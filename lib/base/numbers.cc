#include "lib/base/numbers.h"

#include <cstring>

namespace larder::inline v0::base {
namespace {

// "00" "01" ... "99". It halves the divisions and stores of one digit at a time.
constexpr struct DigitPairs {
  char text[200];
  constexpr DigitPairs() : text() {
    for (int i = 0; i < 100; ++i) {
      text[2 * i] = static_cast<char>('0' + i / 10);
      text[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
  }
} kPairs;

int CountDigits(uint64_t value) {
  int digits = 1;
  for (;;) {
    if (value < 10) return digits;
    if (value < 100) return digits + 1;
    if (value < 1000) return digits + 2;
    if (value < 10000) return digits + 3;
    value /= 10000;
    digits += 4;
  }
}

// Parses up to 19 digits, which always fit. It takes no leading zero but "0" itself.
bool ParseDigits(const char* p, size_t n, uint64_t* value) {
  unsigned digit = static_cast<unsigned char>(*p) - unsigned{'0'};
  if (digit > 9 || (digit == 0 && n != 1) || n > 19) return false;
  uint64_t result = digit;
  for (size_t i = 1; i < n; ++i) {
    digit = static_cast<unsigned char>(p[i]) - unsigned{'0'};
    if (digit > 9) return false;
    result = result * 10 + digit;
  }
  *value = result;
  return true;
}

// The factor of a unit's name; 0 if there is no such unit.
uint64_t UnitFactor(Bytes unit) {
  if (unit.empty() || EqualsIgnoreCase(unit, "b")) return 1;
  if (EqualsIgnoreCase(unit, "k")) return 1000;
  if (EqualsIgnoreCase(unit, "kb")) return uint64_t{1} << 10;
  if (EqualsIgnoreCase(unit, "m")) return 1000 * 1000;
  if (EqualsIgnoreCase(unit, "mb")) return uint64_t{1} << 20;
  if (EqualsIgnoreCase(unit, "g")) return 1000 * 1000 * 1000;
  if (EqualsIgnoreCase(unit, "gb")) return uint64_t{1} << 30;
  return 0;
}

}  // namespace

bool ParseInt64(Bytes text, int64_t* value) {
  const char* p = text.data();
  size_t n = text.size();
  if (n == 0) return false;
  const bool negative = *p == '-';
  if (negative) {
    ++p;
    if (--n == 0 || *p == '0') return false;
  }
  uint64_t magnitude;
  if (!ParseDigits(p, n, &magnitude)) return false;
  if (magnitude > static_cast<uint64_t>(INT64_MAX) + negative) return false;
  *value = static_cast<int64_t>(negative ? -magnitude : magnitude);
  return true;
}

bool ParseUint64(Bytes text, uint64_t* value) {
  if (text.empty()) return false;
  if (text.size() < 20) return ParseDigits(text.data(), text.size(), value);
  uint64_t head;
  const unsigned digit = static_cast<unsigned char>(text.back()) - unsigned{'0'};
  if (text.size() > 20 || digit > 9 || !ParseDigits(text.data(), 19, &head)) return false;
  return !__builtin_mul_overflow(head, 10, &head) && !__builtin_add_overflow(head, digit, value);
}

bool ParseMemorySize(Bytes text, uint64_t* bytes) {
  uint64_t number = 0;
  size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
    const uint64_t digit = static_cast<uint64_t>(text[i] - '0');
    if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, digit, &number)) return false;
  }
  const uint64_t factor = UnitFactor(text.substr(i));
  return factor != 0 && !__builtin_mul_overflow(number, factor, bytes);
}

char* WriteUint64(uint64_t value, char* to) {
  const int digits = CountDigits(value);
  char* p = to + digits;
  while (value >= 100) {
    p -= 2;
    std::memcpy(p, &kPairs.text[value % 100 * 2], 2);
    value /= 100;
  }
  if (value >= 10) {
    std::memcpy(p - 2, &kPairs.text[value * 2], 2);
  } else {
    p[-1] = static_cast<char>('0' + value);
  }
  return to + digits;
}

char* WriteInt64(int64_t value, char* to) {
  if (value >= 0) return WriteUint64(static_cast<uint64_t>(value), to);
  *to = '-';
  return WriteUint64(-static_cast<uint64_t>(value), to + 1);
}

Bytes FormatInt64(int64_t value, char (&out)[kIntChars]) {
  return {out, static_cast<size_t>(WriteInt64(value, out) - out)};
}

Bytes FormatUint64(uint64_t value, char (&out)[kIntChars]) {
  return {out, static_cast<size_t>(WriteUint64(value, out) - out)};
}

}  // namespace larder::inline v0::base
