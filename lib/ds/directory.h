// Directory: from the top bits of a hash to the segment that holds it.
//
//   hash   │ l1 bits │ page bits │ tag (16) ...
//
//   l1     one word for each prefix of l1 bits   {page    48 | log2 of the page's words 8 | depth 8}
//   page   one word for each longer prefix       {segment 48 | bucket count 8          | depth 8}
//
//   depth  of a page or a segment: the number of top bits that all its hashes have in common. If a segment's depth is
//          less than its words' length, it has several equal words in its page; likewise a page in l1.
//
// A page doubles until it has 4096 words. Then it is split in two, and l1 may have to double for that, up to 4096
// words. So no step copies more than 32 KB. All of it shrinks again when segments have been merged. A table of one
// segment needs no page: the directory object has its word.
//
// A segment lies in one page. A page is split only when it is full. One of its segments is 12 bits deeper than the page
// then, so none can be as shallow as the page itself.
//
// Costs: a lookup reads one of the few words of l1 and one word of a page: 8 bytes for some hundreds of elements.
//
// Threads: the executor's holder.
#ifndef LARDER_DS_DIRECTORY_H_
#define LARDER_DS_DIRECTORY_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "lib/base/check.h"
#include "lib/ds/bucket.h"
#include "lib/ds/segment.h"
#include "lib/memory/arena.h"

namespace larder::inline v0::ds {

// A segment's address, with its depth and number of buckets to find a home in it. The empty word is all zero.
class SegmentWord {
 public:
  SegmentWord() = default;
  explicit SegmentWord(uint64_t bits) : bits_(bits) {}
  SegmentWord(const Segment* segment, int depth)
      : bits_(reinterpret_cast<uintptr_t>(segment) | static_cast<uint64_t>(segment->buckets()) << kPointerBits |
              static_cast<uint64_t>(depth) << 56) {
    LARDER_DCHECK(depth >= 0 && depth <= 48 - 16);
  }

  uint64_t bits() const { return bits_; }
  bool empty() const { return bits_ == 0; }
  Segment* segment() const { return reinterpret_cast<Segment*>(PointerOf(bits_)); }
  int buckets() const { return static_cast<int>(bits_ >> kPointerBits & 0xff); }
  int depth() const { return static_cast<int>(bits_ >> 56); }
  uint32_t TagOf(uint64_t hash) const { return static_cast<uint32_t>((hash << depth()) >> 48); }

 private:
  uint64_t bits_ = 0;
};

class Directory {
 public:
  static constexpr int kPageBitsMax = 12;
  static constexpr int kL1BitsMax = 12;
  static constexpr int kDepthMax = kL1BitsMax + kPageBitsMax;
  static_assert(kDepthMax + 16 <= 48, "tags are part of a position");

  explicit Directory(memory::Arena* arena) : arena_(arena) {}
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { Free(); }

  SegmentWord Lookup(uint64_t hash) const {
    if (l1_ == nullptr) return only_;
    return SegmentWord(*WordIn(l1_[L1Index(hash)], hash));
  }
  // The word that a lookup will read, for a prefetch.
  const void* WordAddress(uint64_t hash) const {
    if (l1_ == nullptr) return &only_;
    return WordIn(l1_[L1Index(hash)], hash);
  }

  // Sets all words of the segment that holds `hash` and has the depth of `word`. REQUIRES: words are long enough.
  void Set(uint64_t hash, SegmentWord word);
  // Makes the words at `hash` longer than `depth`; returns false if there is no memory or no more depth.
  bool Deepen(uint64_t hash, int depth);
  // Call it when a segment has got shallower: it makes words and pages as few as they can be. Without memory it is not
  // done now.
  void Contract(uint64_t hash);
  // Frees the page of `hash`, for a table that is taken apart from front to back.
  void FreePage(uint64_t hash);
  // The depth of the page of `hash`.
  int PageDepth(uint64_t hash) const { return l1_ == nullptr ? 0 : DepthOf(l1_[L1Index(hash)]); }
  // The length of the words at `hash`.
  int WordDepth(uint64_t hash) const;
  // Frees all pages; the segments are the table's.
  void Free();

  // The bytes that the arena counts for the pages and l1.
  size_t bytes() const { return bytes_; }
  // Bytes of pages and l1 that have been rewritten so far.
  uint64_t written() const { return written_; }

  void Swap(Directory& other) {
    std::swap(arena_, other.arena_);
    std::swap(l1_, other.l1_);
    std::swap(l1_bits_, other.l1_bits_);
    std::swap(only_, other.only_);
    std::swap(bytes_, other.bytes_);
    std::swap(written_, other.written_);
    changes_ = other.changes_ = (changes_ > other.changes_ ? changes_ : other.changes_) + 1;
  }

  // A number that changes whenever a hash may have got another segment.
  uint64_t changes() const { return changes_; }

  // Returns nullptr, or the fault.
  const char* Broken() const;

 private:
  static uint64_t PackPage(const uint64_t* page, int bits, int depth) {
    return reinterpret_cast<uintptr_t>(page) | static_cast<uint64_t>(bits) << kPointerBits |
           static_cast<uint64_t>(depth) << 56;
  }
  static uint64_t* PageOf(uint64_t l1_word) { return reinterpret_cast<uint64_t*>(PointerOf(l1_word)); }
  static int BitsOf(uint64_t l1_word) { return static_cast<int>(l1_word >> kPointerBits & 0xff); }
  static int DepthOf(uint64_t l1_word) { return static_cast<int>(l1_word >> 56); }

  // The top `bits` bits. It takes two shifts because one of 64 is undefined.
  static size_t TopBits(uint64_t hash, int bits) {
    LARDER_DCHECK(bits >= 0 && bits < 64);
    return hash >> 1 >> (63 ^ bits);
  }
  size_t L1Index(uint64_t hash) const { return TopBits(hash, l1_bits_); }
  static uint64_t* WordIn(uint64_t l1_word, uint64_t hash) {
    return PageOf(l1_word) + TopBits(hash << DepthOf(l1_word), BitsOf(l1_word));
  }

  uint64_t* NewWords(int bits);
  void FreeWords(uint64_t* words, int bits);
  // Sets the l1 words of the page at `hash`.
  void SetPage(uint64_t hash, const uint64_t* page, int bits, int depth);
  bool DoublePage(uint64_t hash);
  bool SplitPage(uint64_t hash);
  bool DoubleL1();
  bool HalvePage(uint64_t hash);
  bool MergePage(uint64_t hash);
  bool HalveL1();

  memory::Arena* arena_;
  uint64_t* l1_ = nullptr;  // nullptr: there is one segment at most, only_
  int l1_bits_ = 0;
  SegmentWord only_;
  size_t bytes_ = 0;
  uint64_t written_ = 0;
  uint64_t changes_ = 0;
};

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_DIRECTORY_H_
