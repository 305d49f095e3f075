#include "lib/base/hash.h"

namespace larder::inline v0::base {

using internal::kSecret;
using internal::Load8;
using internal::Mix;

uint64_t HashLongBytes(Bytes bytes, HashSeed prepared) {
  const char* p = bytes.data();
  size_t left = bytes.size();
  uint64_t seed = prepared.mixed();
  if (left >= 48) {
    uint64_t second = seed;
    uint64_t third = seed;
    do {
      seed = Mix(Load8(p) ^ kSecret[1], Load8(p + 8) ^ seed);
      second = Mix(Load8(p + 16) ^ kSecret[2], Load8(p + 24) ^ second);
      third = Mix(Load8(p + 32) ^ kSecret[3], Load8(p + 40) ^ third);
      p += 48;
      left -= 48;
    } while (left >= 48);
    seed ^= second ^ third;
  }
  while (left > 16) {
    seed = Mix(Load8(p) ^ kSecret[1], Load8(p + 8) ^ seed);
    p += 16;
    left -= 16;
  }
  // The last 16 bytes: they may reach back into what was taken already.
  return internal::Finish(Load8(p + left - 16), Load8(p + left - 8), seed, bytes.size());
}

}  // namespace larder::inline v0::base
