// Ghost: the keys that s3fifo evicted lately, in 2 bytes each, about as many as main holds.
//
// It is a set-associative FIFO. A key's hash names a group of 16 tags (32 bytes, half a cache line). Its own tag goes
// in at the end, and the one in front falls out. Hashes spread evenly, so a key falls out after about as many other
// keys as the ghost has tags, give or take a quarter. A list in order would do the same, but needs links, times or a
// table.
//
//   hash   63 ........ 32 | 31 ... 16 | 15 .. 0     the top 48 bits are all that it takes: a position is enough
//              group          tag       not used    (tag 0 means empty, so 0 is kept as 1)
//
// Pages of 256 groups (8 KB) are made when first written. If there is no memory for a page, its keys are not
// remembered. Resizing moves nothing: tags in a wrong group fall out in time, and until then they are found by mistake
// as often as any other tag, once in 4,096 lookups.
//
// Costs: one cache line. Threads: the executor's holder.
#ifndef LARDER_KEYSPACE_GHOST_H_
#define LARDER_KEYSPACE_GHOST_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/memory/arena.h"

namespace larder::inline v0::keyspace {

class Ghost {
 public:
  explicit Ghost(memory::Arena* arena) : arena_(arena) {}
  ~Ghost() { Clear(); }
  Ghost(const Ghost&) = delete;
  Ghost& operator=(const Ghost&) = delete;

  // Remembers about `keys` keys from now on. It is cheap if that is near the number of the last call.
  void Fit(size_t keys) {
    if (keys > capacity() + capacity() / 4 || keys < capacity() - capacity() / 4) Resize(keys);
  }
  void Add(uint64_t hash);
  // Returns whether the key was remembered, and forgets it.
  bool Take(uint64_t hash);
  void Clear();

  size_t capacity() const { return groups_ * kTags; }

 private:
  static constexpr size_t kTags = 16;
  static constexpr size_t kGroupsOfPage = 256;
  static constexpr size_t kFreedAtOnce = 8;
  struct Group {
    uint16_t tags[kTags];  // oldest first, empty ones before all others
  };
  static_assert(sizeof(Group) == 32);
  using Page = Group[kGroupsOfPage];
  static_assert(sizeof(Page) == 8192);

  static uint16_t Tag(uint64_t hash) {
    const uint16_t tag = static_cast<uint16_t>(hash >> 16);
    return tag == 0 ? 1 : tag;
  }
  size_t IndexOf(uint64_t hash) const {
    LARDER_DCHECK(groups_ != 0 && groups_ <= size_t{1} << 31);
    return static_cast<size_t>((hash >> 32) * groups_ >> 32);
  }
  void Resize(size_t keys);
  void FreePagesPast(size_t pages, size_t max);

  memory::Arena* arena_;
  Page** pages_ = nullptr;
  size_t pages_room_ = 0;  // pointers in pages_
  size_t pages_used_ = 0;  // none is made at or past this one
  size_t groups_ = 0;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_GHOST_H_
