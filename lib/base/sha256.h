// SHA-256 (FIPS 180-4), the form of passwords in Redis's files.
//
// It takes some 10 ns a byte, so it is for passwords, not for data. It has no table and no state, and allocates
// nothing.
#ifndef LARDER_BASE_SHA256_H_
#define LARDER_BASE_SHA256_H_

#include "lib/base/bytes.h"

namespace larder::inline v0::base {

inline constexpr size_t kSha256HexChars = 64;

// The digest in 64 lower-case hexadecimal digits.
void Sha256Hex(Bytes text, char (&hex)[kSha256HexChars]);

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_SHA256_H_
