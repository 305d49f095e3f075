#include "lib/typed/value.h"

#include "lib/keyspace/errors.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::typed {
namespace {

constexpr ErrorText kNoMemoryForValue{absl::StatusCode::kResourceExhausted, "there is no memory for the value"};

// Copies a value that is too large for the arena, before the executor is taken. Returns nullptr if `block` has it.
[[gnu::cold, gnu::noinline]] const ErrorText* CopyToBlock(core::CacheCore& core, bool held, Bytes value,
                                                          core::Stay* stay, memory::BlockRef* block) {
  const uint64_t maxmemory = core.limits().maxmemory.load(std::memory_order_relaxed);
  if (value.size() > core.limits().bulk_bytes_max.load(std::memory_order_relaxed)) return &errors::kStringTooLong;
  if (maxmemory != 0 && value.size() > maxmemory) return &errors::kLargerThanMaxmemory;
  if (!held) {
    if (core.executor().InsideUser()) return core::CacheCore::ErrorOf(executor::Outcome::kReentrant);
    if (core.Forked()) return core::CacheCore::ErrorOf(executor::Outcome::kForked);
    if (!stay->Enter(core)) return core::CacheCore::ErrorOf(executor::Outcome::kClosed);
    core.MakeRoomAhead(value.size(), 0, stay);
  }
  memory::Heap& blocks = core.engine().keyspace().blocks();
  *block = memory::BlockRef::Adopt(blocks.New(value.size(), value.size()));
  keyspace::SourceSearch search;
  while (!*block && core.SearchRoom(&search, held)) {
    *block = memory::BlockRef::Adopt(blocks.New(value.size(), value.size()));
  }
  if (!*block) return core.Forked() ? core::CacheCore::ErrorOf(executor::Outcome::kForked) : &kNoMemoryForValue;
  base::CopyBytes((*block)->data(), value);
  return nullptr;
}

}  // namespace

const ErrorText* PreparedValue::Prepare(core::CacheCore& core, bool held) {
  if (memory::Heap::NeedsHolder(value_.size())) [[likely]] return nullptr;
  large_.emplace();
  return CopyToBlock(core, held, value_, &large_->stay, &large_->block);
}

}  // namespace larder::inline v0::typed
