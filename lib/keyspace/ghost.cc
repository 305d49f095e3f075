#include "lib/keyspace/ghost.h"

#include <algorithm>
#include <cstring>

#include "lib/base/check.h"

namespace larder::inline v0::keyspace {

void Ghost::Resize(size_t keys) {
  // There are at most 2^31 groups, for 32 G keys, so that IndexOf cannot overflow.
  const size_t groups = std::clamp<size_t>((keys + kTags - 1) / kTags, 4, size_t{1} << 31);
  const size_t pages = (groups + kGroupsOfPage - 1) / kGroupsOfPage;
  if (pages > pages_room_) {
    const size_t room = pages + pages / 2;
    Page** bigger = static_cast<Page**>(arena_->AllocateZeroed(room * sizeof(Page*)));
    if (bigger == nullptr) return;  // the ghost stays as it was
    if (pages_used_ != 0) std::memcpy(bigger, pages_, pages_used_ * sizeof(Page*));
    arena_->Free(pages_, pages_room_ * sizeof(Page*));
    pages_ = bigger;
    pages_room_ = room;
  }
  groups_ = groups;
}

void Ghost::Add(uint64_t hash) {
  if (groups_ == 0) return;
  FreePagesPast((groups_ + kGroupsOfPage - 1) / kGroupsOfPage, kFreedAtOnce);
  const size_t index = IndexOf(hash);
  const size_t at = index / kGroupsOfPage;
  LARDER_DCHECK(at < pages_room_);
  Page*& page = pages_[at];
  if (page == nullptr) {
    page = static_cast<Page*>(arena_->AllocateZeroed(sizeof(Page)));
    if (page == nullptr) return;
    pages_used_ = std::max(pages_used_, at + 1);
  }
  Group& group = (*page)[index % kGroupsOfPage];
  std::memmove(&group.tags[0], &group.tags[1], (kTags - 1) * sizeof(uint16_t));
  group.tags[kTags - 1] = Tag(hash);
}

bool Ghost::Take(uint64_t hash) {
  if (groups_ == 0) return false;
  const size_t index = IndexOf(hash);
  LARDER_DCHECK(index / kGroupsOfPage < pages_room_);
  Page* page = pages_[index / kGroupsOfPage];
  if (page == nullptr) return false;
  Group& group = (*page)[index % kGroupsOfPage];
  const uint16_t tag = Tag(hash);
  for (size_t i = 0; i < kTags; ++i) {
    if (group.tags[i] != tag) continue;
    std::memmove(&group.tags[1], &group.tags[0], i * sizeof(uint16_t));
    group.tags[0] = 0;
    return true;
  }
  return false;
}

void Ghost::FreePagesPast(size_t pages, size_t max) {
  LARDER_DCHECK(pages_used_ <= pages_room_);
  for (; pages_used_ > pages && max != 0; --pages_used_, --max) {
    arena_->Free(pages_[pages_used_ - 1], sizeof(Page));
    pages_[pages_used_ - 1] = nullptr;
  }
}

void Ghost::Clear() {
  FreePagesPast(0, SIZE_MAX);
  arena_->Free(pages_, pages_room_ * sizeof(Page*));
  pages_ = nullptr;
  pages_room_ = 0;
  groups_ = 0;
}

}  // namespace larder::inline v0::keyspace
