#include "lib/base/hash.h"

#include <bit>

namespace larder::inline v0::base {

using internal::Load8;
using internal::Mix;

// SipHash-2-4 of the 8 bytes of `which` under the key (seed, 0).
uint64_t DeriveSeed(uint64_t seed, uint64_t which) {
  uint64_t v0 = seed ^ 0x736f6d6570736575u;
  uint64_t v1 = 0x646f72616e646f6du;
  uint64_t v2 = seed ^ 0x6c7967656e657261u;
  uint64_t v3 = 0x7465646279746573u;
  const auto rounds = [&](int count) {
    for (; count != 0; --count) {
      v0 += v1;
      v1 = std::rotl(v1, 13) ^ v0;
      v0 = std::rotl(v0, 32);
      v2 += v3;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = std::rotl(v1, 17) ^ v2;
      v2 = std::rotl(v2, 32);
    }
  };
  for (const uint64_t word : {which, uint64_t{8} << 56}) {  // the message, then its length
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  v2 ^= 0xff;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

uint64_t HashLongBytes(Bytes bytes, const HashSeed& seed) {
  const char* p = bytes.data();
  size_t left = bytes.size();
  uint64_t state = seed.secret(1);
  if (left >= 48) {
    uint64_t second = state;
    uint64_t third = state;
    do {
      state = Mix(Load8(p) ^ seed.secret(0), Load8(p + 8) ^ state);
      second = Mix(Load8(p + 16) ^ seed.secret(2), Load8(p + 24) ^ second);
      third = Mix(Load8(p + 32) ^ seed.secret(3), Load8(p + 40) ^ third);
      p += 48;
      left -= 48;
    } while (left >= 48);
    state ^= second ^ third;
  }
  while (left > 16) {
    state = Mix(Load8(p) ^ seed.secret(0), Load8(p + 8) ^ state);
    p += 16;
    left -= 16;
  }
  // These are the last 16 bytes. They may overlap bytes that were taken already.
  return internal::Finish(Load8(p + left - 16), Load8(p + left - 8), state, seed, bytes.size());
}

}  // namespace larder::inline v0::base
