#include "lib/base/random.h"

namespace larder::inline v0::base {

__extension__ using uint128 = unsigned __int128;

uint64_t Random::Below(uint64_t n) {
  LARDER_DCHECK(n > 0);
  uint128 product = static_cast<uint128>(Next()) * n;
  if (static_cast<uint64_t>(product) < n) {
    // Only in these n of 2^64 cases can a value be one that would come up once too often.
    const uint64_t threshold = -n % n;
    while (static_cast<uint64_t>(product) < threshold) product = static_cast<uint128>(Next()) * n;
  }
  return static_cast<uint64_t>(product >> 64);
}

}  // namespace larder::inline v0::base
