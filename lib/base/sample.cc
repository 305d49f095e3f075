#include "lib/base/sample.h"

#include <algorithm>

#include "lib/base/check.h"

namespace larder::inline v0::base {

bool SampleIndices(uint64_t size, size_t count, Random& random, Buffer& room, std::span<const uint64_t>* indices) {
  LARDER_DCHECK(count <= size && room.empty());
  *indices = {};
  if (count == 0) return true;
  char* const bytes = room.Extend(count * sizeof(uint64_t));
  if (bytes == nullptr) return false;
  uint64_t* const picks = reinterpret_cast<uint64_t*>(bytes);
  *indices = {picks, count};
  size_t have = 0;
  constexpr uint64_t kFew = 16;
  if (size / kFew <= count) {
    // Knuth's selection sampling (The Art of Computer Programming, 3.4.2 S): goes through all of them.
    for (uint64_t i = 0; have < count; ++i) {
      if (random.Below(size - i) < count - have) picks[have++] = i;
    }
    return true;
  }
  // Few are picked twice.
  while (have < count) {
    for (size_t i = have; i < count; ++i) picks[i] = random.Below(size);
    std::sort(picks, picks + count);
    have = static_cast<size_t>(std::unique(picks, picks + count) - picks);
  }
  return true;
}

}  // namespace larder::inline v0::base
