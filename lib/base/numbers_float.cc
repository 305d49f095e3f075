// The floats of numbers.h.
//
// Reading: most decimals that clients send have at most 19 significant digits and a small exponent. They take two
// steps: the digits as an integer, then one multiplication or division by a power of ten that the type holds exactly.
// So the one rounding is the right one (Clinger, "How to read floating point numbers accurately", 1990). Others go to
// from_chars, which for long double allocates a locale object inside libstdc++ and costs about a microsecond.
//
// Writing long doubles: "%.17Lf" needs every digit of the integral part and 17 rounded decimals. A long double of the
// x87 format is m * 2^e with 64 bits of m, so the decimals are exact in 128-bit arithmetic and the integral part is an
// integer of at most 16,384 bits. Other formats use libstdc++'s to_chars, which calls sprintf and so reads the locale.
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "lib/base/numbers.h"

namespace larder::inline v0::base {
namespace {

__extension__ using uint128 = unsigned __int128;

constexpr bool kX87 = std::numeric_limits<long double>::digits == 64;
constexpr int kPowersMax = 27;  // 5^27 < 2^64
constexpr uint64_t kTenTo17 = 100'000'000'000'000'000u;
constexpr size_t kLongDoubleTextMax = 5119;

// 10^0 ... 10^27. Each is exact in 64 bits of mantissa, and so is each step of their making.
constexpr struct PowersOfTen {
  long double value[kPowersMax + 1];
  constexpr PowersOfTen() : value() {
    value[0] = 1;
    for (int i = 1; i <= kPowersMax; ++i) value[i] = value[i - 1] * 10;
  }
} kPowers;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// mantissa * 10^exponent, for a plain decimal of at most 19 significant digits.
struct Decimal {
  uint64_t mantissa = 0;
  int exponent = 0;
};

// Reads [p, end), which has no sign. Returns false if it is not such a decimal; it may still be a number.
bool ReadDecimal(const char* p, const char* end, Decimal* decimal) {
  int significant = 0;
  bool any = false;
  bool point = false;
  for (; p != end; ++p) {
    if (IsDigit(*p)) {
      any = true;
      if (decimal->mantissa != 0 || *p != '0') ++significant;
      if (significant > 19) return false;
      decimal->mantissa = decimal->mantissa * 10 + static_cast<uint64_t>(*p - '0');
      decimal->exponent -= point;
    } else if (*p == '.' && !point) {
      point = true;
    } else {
      break;
    }
  }
  if (!any) return false;
  if (p == end) return true;
  if (*p != 'e' && *p != 'E') return false;
  ++p;
  const bool negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) ++p;
  if (p == end || end - p > 4) return false;
  int exponent = 0;
  for (; p != end; ++p) {
    if (!IsDigit(*p)) return false;
    exponent = exponent * 10 + (*p - '0');
  }
  decimal->exponent += negative ? -exponent : exponent;
  return true;
}

// Reads a number in the two exact steps. Powers of ten up to `powers` are exact in T.
template <class T>
bool ExactDecimal(Bytes text, int powers, T* value) {
  Decimal decimal;
  if (!ReadDecimal(text.data(), text.data() + text.size(), &decimal)) return false;
  constexpr int kBits = std::numeric_limits<T>::digits;
  if constexpr (kBits < 64) {
    if (decimal.mantissa >> kBits != 0) return false;
  }
  const T mantissa = static_cast<T>(decimal.mantissa);
  if (decimal.mantissa == 0) {
    *value = 0;
  } else if (decimal.exponent >= 0 && decimal.exponent <= powers) {
    *value = mantissa * static_cast<T>(kPowers.value[decimal.exponent]);
  } else if (decimal.exponent < 0 && -decimal.exponent <= powers) {
    *value = mantissa / static_cast<T>(kPowers.value[-decimal.exponent]);
  } else {
    return false;
  }
  return true;
}

// Reads a long double below the smallest normal number, which from_chars refuses. strtold, and so Redis, rounds it to a
// denormal, or to 0, which is refused. Here it is read a hundred decimal places higher, and divided. `text` must have
// room for an exponent behind it, and is changed.
bool ReadDenormal(char* text, size_t size, long double* value) {
  constexpr int kPlaces = 100;
  static_assert(kPlaces == 3 * kPowersMax + 19);
  const size_t e = Bytes(text, size).find_first_of("eE");
  int64_t exponent = 0;
  if (e != Bytes::npos) {
    Bytes digits = Bytes(text, size).substr(e + 1);
    if (!digits.empty() && digits[0] == '+') digits.remove_prefix(1);
    const char* const end = digits.data() + digits.size();
    const std::from_chars_result read = std::from_chars(digits.data(), end, exponent);
    if (read.ec != std::errc() || read.ptr != end || exponent > INT32_MAX) return false;
    size = e;
  }
  text[size++] = 'e';
  char* const end = std::to_chars(text + size, text + size + kIntChars, exponent + kPlaces).ptr;
  *end = '\0';
  const std::from_chars_result read = std::from_chars(text, end, *value);
  if (read.ec != std::errc() || read.ptr != end) return false;
  *value /= kPowers.value[kPowersMax];
  *value /= kPowers.value[kPowersMax];
  *value /= kPowers.value[19];
  *value /= kPowers.value[kPowersMax];  // only this division can leave the normal numbers
  return *value != 0;
}

// Calls from_chars. For a long double, libstdc++ 12 asks for the strlen of the text before it looks at its end, so it
// gets a copy with a NUL. REQUIRES for a long double: text.size() <= kLongDoubleTextMax.
template <class T>
bool FromChars(Bytes text, std::chars_format format, T* value) {
  constexpr bool kLong = std::is_same_v<T, long double>;
  char copy[kLong ? kLongDoubleTextMax + 2 + kIntChars : 1];
  if constexpr (kLong) {
    base::CopyBytes(copy, text);
    copy[text.size()] = '\0';
    text = Bytes(copy, text.size());
  }
  const char* end = text.data() + text.size();
  const std::from_chars_result read = std::from_chars(text.data(), end, *value, format);
  if constexpr (kLong) {
    if (read.ec == std::errc::result_out_of_range && read.ptr == end && format == std::chars_format::general) {
      return ReadDenormal(copy, text.size(), value);
    }
  }
  return read.ec == std::errc() && read.ptr == end && !std::isnan(*value);
}

template <class T>
bool ParseFloat(Bytes text, int powers, T* value) {
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty() || text[0] == '-' || text[0] == '+') return false;  // from_chars would take a second '-'
  T result;
  if (!ExactDecimal(text, powers, &result)) {
    std::chars_format format = std::chars_format::general;
    if (text.size() > 2 && text[0] == '0' && LowerAscii(text[1]) == 'x') {
      text.remove_prefix(2);
      if (text[0] == '-' || text[0] == '+') return false;
      format = std::chars_format::hex;
      const char first = LowerAscii(text[0]);
      if (!IsDigit(first) && (first < 'a' || first > 'f') && first != '.') return false;  // "0xinf"
    }
    if (!FromChars(text, format, &result)) return false;
  }
  *value = negative ? -result : result;
  return true;
}

// Writes the decimal digits of mantissa * 2^exponent at `to`; returns the end. It divides a number of up to 16,384 bits
// by 10^9 again and again, limb by limb from the top.
char* WriteShifted(uint64_t mantissa, int exponent, char* to) {
  uint32_t limbs[(16384 + 64) / 32] = {};
  const int low = exponent / 32;
  const uint128 shifted = static_cast<uint128>(mantissa) << (exponent % 32);
  int count = low + 3;
  for (int i = 0; i < 3; ++i) limbs[low + i] = static_cast<uint32_t>(shifted >> (32 * i));
  uint32_t groups[560];  // groups of nine digits, the last group first: 4,933 digits make 549
  int groups_count = 0;
  while (count > 0) {
    uint64_t rest = 0;
    for (int i = count - 1; i >= 0; --i) {
      const uint64_t part = rest << 32 | limbs[i];
      limbs[i] = static_cast<uint32_t>(part / 1'000'000'000);
      rest = part % 1'000'000'000;
    }
    groups[groups_count++] = static_cast<uint32_t>(rest);
    while (count > 0 && limbs[count - 1] == 0) --count;
  }
  to = WriteUint64(groups[--groups_count], to);
  while (groups_count > 0) {
    uint32_t group = groups[--groups_count];
    for (int i = 8; i >= 0; --i, group /= 10) to[i] = static_cast<char>('0' + group % 10);
    to += 9;
  }
  return to;
}

// Writes x = mantissa * 2^exponent, finite and positive, as "%.17Lf"; returns the end.
char* WriteFixed17(uint64_t mantissa, int exponent, char* to) {
  if (exponent >= 0) return WriteShifted(mantissa, exponent, to);
  const int shift = -exponent;
  uint64_t whole = shift < 64 ? mantissa >> shift : 0;
  const uint64_t fraction = shift < 64 ? mantissa & ((uint64_t{1} << shift) - 1) : mantissa;
  // fraction * 10^17 < 2^121, so beyond a shift of 122 it is under one half and rounds to nothing.
  uint64_t decimals = 0;
  if (shift <= 122) {
    const uint128 scaled = static_cast<uint128>(fraction) * kTenTo17;
    const uint128 half = static_cast<uint128>(1) << (shift - 1);
    const uint128 rest = scaled & ((half << 1) - 1);
    decimals = static_cast<uint64_t>(scaled >> shift);
    if (rest > half || (rest == half && (decimals & 1) != 0)) ++decimals;  // ties go to even, as in printf
  }
  if (decimals == kTenTo17) {
    decimals = 0;
    ++whole;  // this cannot wrap: with a fraction, whole < 2^63
  }
  to = WriteUint64(whole, to);
  *to++ = '.';
  for (int i = 16; i >= 0; --i, decimals /= 10) to[i] = static_cast<char>('0' + decimals % 10);
  return to + 17;
}

char* TrimZeros(char* begin, char* end) {
  if (std::memchr(begin, '.', static_cast<size_t>(end - begin)) == nullptr) return end;
  while (end[-1] == '0') --end;
  return end[-1] == '.' ? end - 1 : end;
}

Bytes Copy(Bytes text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return {out, text.size()};
}

}  // namespace

bool ParseDouble(Bytes text, double* value) { return ParseFloat(text, 22, value); }

bool ParseLongDouble(Bytes text, long double* value) {
  if (text.size() > kLongDoubleTextMax) return false;
  constexpr int kPowersExact = std::numeric_limits<long double>::digits >= 64 ? kPowersMax : 22;
  return ParseFloat(text, kPowersExact, value);
}

Bytes FormatDouble(double value, char (&out)[kDoubleChars]) {
  if (std::isnan(value)) return Copy("nan", out);
  if (value > -1e17 && value < 1e17) {
    const int64_t whole = static_cast<int64_t>(value);
    if (static_cast<double>(whole) == value && (whole != 0 || !std::signbit(value))) {
      return {out, static_cast<size_t>(WriteInt64(whole, out) - out)};
    }
  }
  const std::to_chars_result result = std::to_chars(out, out + kDoubleChars, value, std::chars_format::general, 17);
  return {out, static_cast<size_t>(result.ptr - out)};
}

Bytes FormatLongDoubleHuman(long double value, char (&out)[kLongDoubleChars]) {
  if (std::isnan(value)) return Copy("nan", out);
  if (std::isinf(value)) return Copy(value < 0 ? "-inf" : "inf", out);
  char* to = out;
  if (value < 0) {
    *to++ = '-';
    value = -value;
  }
  char* const digits = to;
  if constexpr (kX87) {
    int exponent = 0;
    const long double scaled = std::frexp(value, &exponent);  // in [1/2, 1), or 0
    to = WriteFixed17(static_cast<uint64_t>(std::ldexp(scaled, 64)), value == 0 ? -1 : exponent - 64, to);
  } else {
    to = std::to_chars(to, out + kLongDoubleChars, value, std::chars_format::fixed, 17).ptr;
    for (char* p = digits; p != to; ++p) {
      if (!IsDigit(*p)) *p = '.';
    }
  }
  to = TrimZeros(digits, to);
  if (to - digits == 1 && *digits == '0') return Copy("0", out);  // it is never "-0"
  return {out, static_cast<size_t>(to - out)};
}

}  // namespace larder::inline v0::base
