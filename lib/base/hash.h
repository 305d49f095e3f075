// HashBytes: the seeded 64-bit hash of keys and members.
//
// The construction of wyhash, final version 4 (Wang Yi, 2019-2022, released into the public domain under the
// Unlicense): words folded by 64x64->128 bit multiplication. Every output bit depends on every input bit, so the table
// may take its directory index from the top and its tags from anywhere. The seed comes from Options and makes
// collisions unpredictable to clients; it is not a MAC.
//
// The value is for memory only: it may change between versions and never goes into a file or over a wire.
#ifndef LARDER_BASE_HASH_H_
#define LARDER_BASE_HASH_H_

#include <cstdint>

#include "lib/base/bytes.h"

namespace larder::inline v0::base {

uint64_t HashBytes(Bytes bytes, uint64_t seed);

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_HASH_H_
