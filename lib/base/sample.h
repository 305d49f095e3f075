// A sample without repeats.
#ifndef LARDER_BASE_SAMPLE_H_
#define LARDER_BASE_SAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/buffer.h"
#include "lib/base/random.h"

namespace larder::inline v0::base {

// Picks `count` of the indices below `size`, each of equal chance, in ascending order. They are in `room` then, which
// is empty before. False without memory. REQUIRES: count <= size.
bool SampleIndices(uint64_t size, size_t count, Random& random, Buffer& room, std::span<const uint64_t>* indices);

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_SAMPLE_H_
