// Numbers from text and to text, by Redis 7.0's rules and under any locale.
//
// The host may have called setlocale, after which strtod and snprintf read and write a comma. Nothing here looks at the
// locale. Parsers take the whole text or refuse it: no blanks, no rest. Formatters write into the caller's array, which
// always has enough room, and return the part that they used.
#ifndef LARDER_BASE_NUMBERS_H_
#define LARDER_BASE_NUMBERS_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"

namespace larder::inline v0::base {

inline constexpr size_t kIntChars = 21;           // "-9223372036854775808", and one to spare
inline constexpr size_t kDoubleChars = 32;        // "-2.2250738585072014e-308"
inline constexpr size_t kLongDoubleChars = 5120;  // 4933 digits, 17 decimals

// Integers as INCRBY reads them: '-'? then "0" or a digit 1-9 and more digits. So "-0", "+1", "01", "" and " 1" are
// refused, and each value has exactly one text. *value is written only on success.
bool ParseInt64(Bytes text, int64_t* value);
bool ParseUint64(Bytes text, uint64_t* value);

// Floats as ZADD and INCRBYFLOAT read them: C's strtod syntax, with hex ("0x1.8p3") and "inf"/"infinity" in any case.
// "nan", overflow, and underflow to zero are refused ("1e-320" is a denormal and fine). The long double form refuses
// texts over 5,119 bytes, as Redis does. Unlike Redis, it refuses its own denormals (under 3.4e-4932), which would
// print as 0.
bool ParseDouble(Bytes text, double* value);
bool ParseLongDouble(Bytes text, long double* value);

// "100", "100b", "1k" = 1000, "1kb" = 1024, m, mb, g, gb, in any case. As in redis.conf, no digits at all read as 0. It
// refuses signs, fractions, other units, and numbers that do not fit 64 bits (where Redis wraps round).
bool ParseMemorySize(Bytes text, uint64_t* bytes);

Bytes FormatInt64(int64_t value, char (&out)[kIntChars]);
Bytes FormatUint64(uint64_t value, char (&out)[kIntChars]);

// Writes the digits of `value` at `to` (room for 20), without a terminator. Returns the end. For writers that compose
// in place.
char* WriteUint64(uint64_t value, char* to);
char* WriteInt64(int64_t value, char* to);

// A double as in Redis 7.0's replies: printf's "%.17g", and "inf", "-inf", "nan".
Bytes FormatDouble(double value, char (&out)[kDoubleChars]);

// INCRBYFLOAT's result: printf's "%.17Lf" without trailing zeros, "-0" as "0"; "inf", "-inf", "nan".
Bytes FormatLongDoubleHuman(long double value, char (&out)[kLongDoubleChars]);

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_NUMBERS_H_
