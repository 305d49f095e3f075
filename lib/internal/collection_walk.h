// Walks through a collection as it was at one moment. Part of the public headers' machinery, not of the API.
#ifndef LARDER_INTERNAL_COLLECTION_WALK_H_
#define LARDER_INTERNAL_COLLECTION_WALK_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include <larder/export.h>
#include <larder/internal/error_text.h>
#include <larder/internal/fetched.h>
#include <larder/internal/typed.h>

namespace larder::inline v0::internal {

// A collection that stays as it is while others change or delete what is at its key. Small ones are not held: they
// were fetched whole.
class LARDER_API CollectionPin {
 public:
  CollectionPin() = default;
  CollectionPin(CollectionPin&& other) noexcept { Take(other); }
  CollectionPin& operator=(CollectionPin&& other) noexcept {
    if (this == &other) return *this;
    Release();
    Take(other);
    return *this;
  }
  ~CollectionPin() { Release(); }

  // The engine's side: `end` is a core::SessionEnd, made of a clone of the collection.
  void Set(core::CacheCore* core, void* end) {
    core_ = core;
    end_ = end;
  }
  void* get() const { return end_; }

 private:
  void Take(CollectionPin& other) {
    core_ = other.core_;
    end_ = std::exchange(other.end_, nullptr);
  }
  void Release() {
    if (end_ != nullptr) ReleaseHeld();
  }
  void ReleaseHeld();

  core::CacheCore* core_ = nullptr;
  void* end_ = nullptr;
};

inline constexpr ErrorText kWalkWasMoved{absl::StatusCode::kFailedPrecondition,
                                         "the CollectionRange was moved from: its elements are in the other one"};
inline constexpr ErrorText kOtherElements{absl::StatusCode::kFailedPrecondition,
                                          "the old value has elements of another kind"};
// How many elements are fetched at a time.
inline constexpr size_t kWalkBatch = 64;

// An op that pins the collection at a key: the first elements, and the pin of the others, whose number, with that of the
// first ones, is *size. `core` is the target's.
using PinOp = TypedOp<core::CacheCore*, CollectionPin*, size_t*, FetchedList*>;
extern LARDER_API const PinOp kPinHash;
extern LARDER_API const PinOp kPinList;
extern LARDER_API const PinOp kPinSet;
extern LARDER_API const PinOp kPinSortedSet;
// Fetches elements of a pinned collection, from this index on.
extern LARDER_API const TypedOp<const CollectionPin*, size_t, FetchedList*> kReadPinned;

// A sorted set's score is fetched as the bytes of a double.
inline double FetchedScore(std::string_view bytes) {
  double score = 0;
  std::memcpy(&score, bytes.data(), sizeof(score));
  return score;
}

// What somebody else has pinned, and its first elements. Both must outlive the walk.
struct Pinned {
  const CollectionPin* pin = nullptr;
  const FetchedList* first = nullptr;
};

inline namespace LARDER_INTERNAL_FLAVOR {

// What walks have in common: whose they are, and what is fetched. One that was moved from has failed.
class PinnedWalk {
 public:
  PinnedWalk(const Target& target, std::string_view key) : target_(target) {
    status_ = FillResult([&] { key_ = key; });
  }
  PinnedWalk(const Target& target, const Pinned& pinned)
      : target_(target), pinned_(pinned) {}
  PinnedWalk(PinnedWalk&& other) noexcept { *this = std::move(other); }
  PinnedWalk& operator=(PinnedWalk&& other) noexcept {
    if (this == &other) return *this;
    target_ = other.target_;
    key_ = std::move(other.key_);
    pinned_ = other.pinned_;
    pin_ = std::move(other.pin_);
    batch_ = std::move(other.batch_);
    first_batch_ = other.first_batch_;
    started_ = other.started_;
    at_ = other.at_;
    status_ = std::exchange(other.status_, StatusOf(kWalkWasMoved));
    return *this;
  }

  const absl::Status& status() const { return status_; }
  void Fail(absl::Status status) { status_ = std::move(status); }

 protected:
  ~PinnedWalk() = default;
  bool Check(const ErrorText* error) {
    if (error == nullptr) return true;
    status_ = StatusOf(*error);
    return false;
  }

  bool borrows() const { return pinned_.first != nullptr; }
  const CollectionPin& pin() const { return borrows() ? *pinned_.pin : pin_; }
  // The elements that are there. Somebody else's are used up first.
  const FetchedList& batch() const { return first_batch_ && borrows() ? *pinned_.first : batch_; }
  void ClearBatch() {
    first_batch_ = false;
    batch_.Clear();
  }

  Target target_{};
  std::string key_;
  Pinned pinned_;
  CollectionPin pin_;
  FetchedList batch_;
  bool first_batch_ = true;
  bool started_ = false;
  size_t at_ = 0;  // where the walk is: each counts in its own way
  absl::Status status_;
};

// The elements of one collection, in order. `kParts` fetched strings make one.
template <int kParts>
class CollectionWalk : public PinnedWalk {
 public:
  CollectionWalk(const Target& target, const PinOp& pin, std::string_view key)
      : PinnedWalk(target, key), pin_op_(&pin) {}
  // Elements that are pinned already.
  CollectionWalk(const Target& target, const Pinned& pinned, size_t size)
      : PinnedWalk(target, pinned), size_(size) {}

  // Goes to the next element, to the first one at first. False at the end, or after an error.
  bool Next() {
    if (!status_.ok()) return false;
    if (!started_) {
      started_ = true;
      if (!borrows() && !Check(RunTyped(target_, *pin_op_, key_, target_.core, &pin_, &size_, &batch_))) return false;
    } else {
      ++at_;
    }
    if (at_ >= size_) {
      pin_ = CollectionPin();
      return false;
    }
    if ((at_ - first_) * kParts < batch().size()) return true;
    ClearBatch();
    first_ = at_;
    return Check(RunTyped(target_, kReadPinned, {}, &pin(), at_, &batch_)) && batch_.size() >= kParts;
  }
  std::string_view Part(int i) const { return batch().view((at_ - first_) * kParts + i); }

 private:
  const PinOp* pin_op_ = nullptr;
  size_t first_ = 0;  // the index of the first element in the batch
  size_t size_ = 0;
};

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_COLLECTION_WALK_H_
