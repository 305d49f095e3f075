// A value to be stored, made ready before the executor is taken.
#ifndef LARDER_TYPED_VALUE_H_
#define LARDER_TYPED_VALUE_H_

#include <optional>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/core/core.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/room.h"
#include "lib/memory/block.h"
#include "lib/memory/heap.h"

namespace larder::inline v0::typed {

// A value in the form for the op: one that is too large for the arena is first copied into a block of its own.
class PreparedValue {
 public:
  explicit PreparedValue(Bytes value) : value_(value) {}
  Bytes bytes() const { return value_; }
  // Makes the value ready, or returns why not. `held`: the caller has the executor already.
  const ErrorText* Prepare(core::CacheCore& core, bool held);
  keyspace::StringSource source() {
    return large_ && large_->block ? keyspace::StringSource::Of(&large_->block) : keyspace::StringSource::Of(value_);
  }
  keyspace::Growth Growth(Bytes key) const {
    return {.bytes = key.size() + value_.size(), .value_bytes = value_.size(),
            .counted = large_ && large_->block ? large_->block->footprint() : 0};
  }

 private:
  // It is inside the cache from before the executor is taken until after it has been let go, when a block that was not
  // used is freed.
  struct Large {
    core::Stay stay;
    memory::BlockRef block;
  };
  Bytes value_;
  std::optional<Large> large_;
};

}  // namespace larder::inline v0::typed

#endif  // LARDER_TYPED_VALUE_H_
