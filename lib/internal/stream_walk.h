// Walks through the entries of a stream as it was at one moment. Part of the public headers' machinery, not of the API.
#ifndef LARDER_INTERNAL_STREAM_WALK_H_
#define LARDER_INTERNAL_STREAM_WALK_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include <larder/export.h>
#include <larder/internal/collection_walk.h>
#include <larder/internal/error_text.h>
#include <larder/internal/fetched.h>
#include <larder/internal/typed.h>

namespace larder::inline v0::internal {

// The entries that are asked for, and those that are still to be fetched, by their indices.
struct StreamSpan {
  uint64_t first_ms = 0;
  uint64_t first_sequence = 0;
  uint64_t last_ms = 0;
  uint64_t last_sequence = 0;
  size_t next = 0;
  size_t end = 0;
};
// An entry is fetched as this, and its fields and values behind it in turn.
struct StreamEntryFacts {
  uint64_t ms = 0;
  uint64_t sequence = 0;
  uint64_t fields = 0;
};

// Pins the stream at a key, and fetches its first entries. If these are all, there is no pin. `core` is the target's.
extern LARDER_API const TypedOp<core::CacheCore*, CollectionPin*, StreamSpan*, FetchedList*> kPinStream;
// Fetches the next entries of a pinned stream.
extern LARDER_API const TypedOp<const CollectionPin*, StreamSpan*, FetchedList*> kReadPinnedStream;

inline namespace LARDER_INTERNAL_FLAVOR {

// at_ is the entry's place in the batch.
class StreamWalk : public PinnedWalk {
 public:
  StreamWalk(const Target& target, std::string_view key, const StreamSpan& span)
      : PinnedWalk(target, key), span_(span) {}
  // Entries that are pinned already. `span`: those of them that are to be fetched.
  StreamWalk(const Target& target, const Pinned& pinned, const StreamSpan& span)
      : PinnedWalk(target, pinned), span_(span) {}

  // Goes to the next entry, to the first one at first. False at the end, or after an error.
  bool Next() {
    if (!status_.ok()) return false;
    if (!started_) {
      started_ = true;
      if (!borrows() && !Check(RunTyped(target_, kPinStream, key_, target_.core, &pin_, &span_, &batch_))) return false;
    } else if (at_ < batch().size()) {
      at_ += 1 + 2 * static_cast<size_t>(facts().fields);
    }
    if (at_ < batch().size()) return true;
    ClearBatch();
    at_ = 0;
    if (span_.next >= span_.end) {
      pin_ = CollectionPin();
      return false;
    }
    return Check(RunTyped(target_, kReadPinnedStream, {}, &pin(), &span_, &batch_)) && batch_.size() != 0;
  }
  StreamEntryFacts facts() const {
    StreamEntryFacts facts;
    std::memcpy(&facts, batch().view(at_).data(), sizeof(facts));
    return facts;
  }
  // Fields and values in turn.
  std::string_view Text(size_t i) const { return batch().view(at_ + 1 + i); }

 private:
  StreamSpan span_;
};

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_STREAM_WALK_H_
