// SHA-256 (FIPS 180-4): the form in which Redis's files keep passwords.
//
// Some 10 ns a byte: for passwords, not for data. No table, no state, no allocation.
#ifndef LARDER_BASE_SHA256_H_
#define LARDER_BASE_SHA256_H_

#include "lib/base/bytes.h"

namespace larder::inline v0::base {

inline constexpr size_t kSha256HexChars = 64;

// The digest in 64 lower-case hexadecimal digits.
void Sha256Hex(Bytes text, char (&hex)[kSha256HexChars]);

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_SHA256_H_
