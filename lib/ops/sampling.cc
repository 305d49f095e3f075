#include "lib/ops/sampling.h"

#include <span>

#include "lib/base/buffer.h"
#include "lib/base/check.h"
#include "lib/base/sample.h"

namespace larder::inline v0::ops {

bool SampleRecords(const keyspace::Collection& collection, size_t count, base::Random& random,
                   absl::FunctionRef<void(const char* record)> visit) {
  const size_t size = collection.size();
  LARDER_DCHECK(count <= size);
  constexpr size_t kFew = 16;
  if (size <= kFew * count) {
    // Knuth's selection sampling (The Art of Computer Programming, 3.4.2 S): goes through all of them.
    size_t left = size;
    collection.ForEach([&](const char* record) {
      if (random.Below(left--) < count) {
        visit(record);
        --count;
      }
      return count != 0;
    });
    return true;
  }
  base::Buffer room;
  std::span<const uint64_t> indices;
  if (!base::SampleIndices(size, count, random, room, &indices)) return false;
  for (const uint64_t index : indices) visit(collection.At(index));
  return true;
}

}  // namespace larder::inline v0::ops
