// Bucket: one cache line of a segment, and its words.
//
//   metadata   63     59 58  56 55             32 31              0
//             │ stashed  │ next │ earliest expiry  │ version        │
//   slot       63             48 47                        3 2    0
//             │ tag             │ pointer to the element    │ marks │   all zero: empty
//
//   tag       the 16 bits of the hash below the prefix that is common to the segment
//   marks     the low bits of a pointer that is a multiple of 8: bit 0 for an element that has an expiry
//   home      the bucket that a tag belongs to: tag * buckets >> 16, so that buckets stand in the order of hashes
//   expiry    the earliest one of the elements whose home this is, wherever they live: lib/ds/expiry_code.h; 0: none.
//             So elements that move between buckets take nothing along
//   next      the number of elements whose home this is in the bucket after it (at most 7, its slots)
//   stashed   their number in the segment's stash; kSpilled: at least one is in the overflow chain
//
// Stores. Every word is stored as a whole (StoreWord), so a reader beside the executor sees it as it was before or as
// it is after. Everything that belongs to a home is stored within a HomeEdit of that home. The version is zero, and
// every change keeps it.
//
// A lookup compares all tags of a bucket at once, with SSE2 where the processor has it, as x86-64 always does. Both
// ways are compiled so that a test can compare them.
#ifndef LARDER_DS_BUCKET_H_
#define LARDER_DS_BUCKET_H_

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "lib/base/check.h"

namespace larder::inline v0::ds {

inline constexpr int kSlots = 7;
inline constexpr size_t kLineBytes = 64;
inline constexpr int kPointerBits = 48;
inline constexpr uint64_t kPointerMask = (uint64_t{1} << kPointerBits) - 1;

struct Bucket {
  uint64_t words[1 + kSlots];  // the metadata, then the slots
};
static_assert(sizeof(Bucket) == kLineBytes);

// Metadata.
inline constexpr int kNextShift = 56;
inline constexpr uint64_t kNextOne = uint64_t{1} << kNextShift;
inline constexpr int kStashedShift = 59;
inline constexpr uint64_t kStashedOne = uint64_t{1} << kStashedShift;
inline constexpr unsigned kSpilled = 31;

inline bool AnyElsewhere(uint64_t metadata) { return metadata >> kNextShift != 0; }
inline unsigned NextCount(uint64_t metadata) { return (metadata >> kNextShift) & 7; }
inline unsigned StashedCount(uint64_t metadata) { return static_cast<unsigned>(metadata >> kStashedShift); }
inline uint64_t WithStashedCount(uint64_t metadata, unsigned count) {
  LARDER_DCHECK(count <= kSpilled);
  return (metadata & (kStashedOne - 1)) | static_cast<uint64_t>(count) << kStashedShift;
}

// Slot words.
inline constexpr uint64_t kMarks = 7;
inline constexpr uint64_t kExpiringMark = 1;
inline uint64_t PackSlot(uint32_t tag, uint64_t marked_pointer) {
  LARDER_DCHECK(tag >> 16 == 0 && marked_pointer <= kPointerMask);
  return static_cast<uint64_t>(tag) << kPointerBits | marked_pointer;
}
inline uint32_t TagOf(uint64_t slot) { return static_cast<uint32_t>(slot >> kPointerBits); }
inline uint64_t MarkedPointerOf(uint64_t slot) { return slot & kPointerMask; }
inline uint64_t PointerOf(uint64_t slot) { return slot & (kPointerMask & ~kMarks); }
inline int HomeOf(uint32_t tag, int buckets) {
  LARDER_DCHECK(tag >> 16 == 0 && buckets > 0);
  return static_cast<int>(tag * static_cast<uint32_t>(buckets) >> 16);
}
// The least tag whose home is `home` or later; 65536 if there is none.
inline uint32_t FirstTagOf(int home, int buckets) {
  return ((static_cast<uint32_t>(home) << 16) + static_cast<uint32_t>(buckets) - 1) / static_cast<uint32_t>(buckets);
}

// One store of 8 bytes, which a compiler may neither split nor narrow.
inline void StoreWord(uint64_t& word, uint64_t value) { __atomic_store_n(&word, value, __ATOMIC_RELAXED); }

// HomeEdit: the scope for all stores to the elements of one home: to their slots, in whatever bucket they are, and to
// their own bytes. A change of several homes opens one scope for each. The scope does nothing yet. It is the one place
// where the home's version will become odd at the beginning and even at the end.
//
// Two kinds of stores need no HomeEdit: to segments that are not in a directory yet or no longer, and to a home's
// counts and code. Readers beside the executor do not use those; they only share a word with the version.
class HomeEdit {
 public:
  explicit HomeEdit(Bucket* home) : home_(home) { LARDER_DCHECK(home != nullptr); }
  ~HomeEdit() {}  // it is not trivial, so that nobody keeps a copy beyond the scope
  HomeEdit(const HomeEdit&) = delete;
  HomeEdit& operator=(const HomeEdit&) = delete;

  void Store(uint64_t& slot, uint64_t word) { StoreWord(slot, word); }

 private:
  [[maybe_unused]] Bucket* const home_;
};

// A set of slots: bit 2 i + 1 stands for words[i].
class SlotSet {
 public:
  explicit SlotSet(uint32_t bits) : bits_(bits) {}
  bool empty() const { return bits_ == 0; }
  // REQUIRES: !empty(). RemoveFirst too.
  int first() const {
    LARDER_DCHECK(!empty());
    return __builtin_ctz(bits_) >> 1;
  }
  void RemoveFirst() {
    LARDER_DCHECK(!empty());
    bits_ &= bits_ - 1;
  }
  int size() const { return __builtin_popcount(bits_); }
  uint32_t bits() const { return bits_; }

 private:
  uint32_t bits_;
};
inline constexpr uint32_t kAllSlots = 0xaaa8;

// A matcher says which slots of a bucket have a tag (an empty slot has tag 0) and which are empty.
struct ScalarMatcher {
  static SlotSet WithTag(const Bucket& bucket, uint32_t tag) {
    uint32_t bits = 0;
    for (int i = 1; i <= kSlots; ++i) bits |= static_cast<uint32_t>(TagOf(bucket.words[i]) == tag) << (2 * i + 1);
    return SlotSet(bits);
  }
  static SlotSet Empty(const Bucket& bucket) {
    uint32_t bits = 0;
    for (int i = 1; i <= kSlots; ++i) bits |= static_cast<uint32_t>(bucket.words[i] == 0) << (2 * i + 1);
    return SlotSet(bits);
  }
};

#if defined(__SSE2__)
struct Sse2Matcher {
  static SlotSet WithTag(const Bucket& bucket, uint32_t tag) {
    const __m128i wanted = _mm_set1_epi16(static_cast<int16_t>(tag));
    // These are the upper halves of the eight words, shifted down with their sign so that packing keeps all 16 bits.
    const __m128i low = _mm_srai_epi32(Halves<0xdd>(bucket, 0), 16);
    const __m128i high = _mm_srai_epi32(Halves<0xdd>(bucket, 2), 16);
    const __m128i equal = _mm_cmpeq_epi16(_mm_packs_epi32(low, high), wanted);
    return SlotSet(static_cast<uint32_t>(_mm_movemask_epi8(equal)) & kAllSlots);
  }
  static SlotSet Empty(const Bucket& bucket) {
    const __m128i zero = _mm_setzero_si128();
    const __m128i low = _mm_cmpeq_epi32(_mm_or_si128(Halves<0xdd>(bucket, 0), Halves<0x88>(bucket, 0)), zero);
    const __m128i high = _mm_cmpeq_epi32(_mm_or_si128(Halves<0xdd>(bucket, 2), Halves<0x88>(bucket, 2)), zero);
    return SlotSet(static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi32(low, high))) & kAllSlots);
  }

 private:
  // The upper (0xdd) or lower (0x88) 32 bits of the four words in 16-byte parts `part` and `part` + 1.
  template <int kWhich>
  static __m128i Halves(const Bucket& bucket, int part) {
    const float* at = reinterpret_cast<const float*>(bucket.words) + part * 4;
    return _mm_castps_si128(_mm_shuffle_ps(_mm_loadu_ps(at), _mm_loadu_ps(at + 4), kWhich));
  }
};
using Matcher = Sse2Matcher;
#else
using Matcher = ScalarMatcher;
#endif

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_BUCKET_H_
