// Records of a collection picked at random: for HRANDFIELD and its like.
#ifndef LARDER_OPS_SAMPLING_H_
#define LARDER_OPS_SAMPLING_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "lib/base/random.h"
#include "lib/keyspace/collection.h"

namespace larder::inline v0::ops {

// Visits `count` records, each of another index, of equal chance, `count` <= size. In order of their index. False
// without memory.
bool SampleRecords(const keyspace::Collection& collection, size_t count, base::Random& random,
                   absl::FunctionRef<void(const char* record)> visit);

}  // namespace larder::inline v0::ops

#endif  // LARDER_OPS_SAMPLING_H_
