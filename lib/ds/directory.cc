#include "lib/ds/directory.h"

#include <cstring>

#include "lib/base/check.h"

namespace larder::inline v0::ds {
namespace {

// A page is merged with its buddy when both are at most this long: a quarter of the length that would be split again.
constexpr int kMergeBitsMax = Directory::kPageBitsMax - 2;

// Writes each of `count` words `times` times, side by side.
void Spread(uint64_t* to, const uint64_t* from, size_t count, size_t times) {
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < times; ++j) *to++ = from[i];
  }
}

bool AllPairsEqual(const uint64_t* words, int bits) {
  for (size_t i = 0; i < size_t{1} << bits; i += 2) {
    if (words[i] != words[i + 1]) return false;
  }
  return true;
}

}  // namespace

uint64_t* Directory::NewWords(int bits) {
  LARDER_DCHECK(bits >= 0 && bits <= kPageBitsMax && bits <= kL1BitsMax);
  const size_t bytes = sizeof(uint64_t) << bits;
  void* memory = arena_->Allocate(bytes);
  if (memory == nullptr) return nullptr;
  bytes_ += memory::Arena::RoundUp(bytes);
  written_ += bytes;
  return static_cast<uint64_t*>(memory);
}

void Directory::FreeWords(uint64_t* words, int bits) {
  const size_t bytes = sizeof(uint64_t) << bits;
  LARDER_CHECK(words != nullptr && bytes_ >= memory::Arena::RoundUp(bytes));
  bytes_ -= memory::Arena::RoundUp(bytes);
  arena_->Free(words, bytes);
}

int Directory::WordDepth(uint64_t hash) const {
  if (l1_ == nullptr) return 0;
  const uint64_t page = l1_[L1Index(hash)];
  return DepthOf(page) + BitsOf(page);
}

void Directory::Set(uint64_t hash, SegmentWord word) {
  LARDER_DCHECK(!word.empty());
  ++changes_;
  const int depth = word.depth();
  if (l1_ == nullptr) {
    LARDER_DCHECK(depth == 0);
    only_ = word;
    return;
  }
  const uint64_t page = l1_[L1Index(hash)];
  const int spare = DepthOf(page) + BitsOf(page) - depth;
  LARDER_CHECK(spare >= 0 && depth >= DepthOf(page));
  const size_t count = size_t{1} << spare;
  uint64_t* words = PageOf(page) + (TopBits(hash << DepthOf(page), BitsOf(page)) & ~(count - 1));
  for (size_t i = 0; i < count; ++i) words[i] = word.bits();
}

void Directory::SetPage(uint64_t hash, const uint64_t* page, int bits, int depth) {
  LARDER_CHECK(page != nullptr && depth >= 0 && depth <= l1_bits_);
  const size_t count = size_t{1} << (l1_bits_ - depth);
  const size_t first = L1Index(hash) & ~(count - 1);
  for (size_t i = 0; i < count; ++i) l1_[first + i] = PackPage(page, bits, depth);
}

bool Directory::Deepen(uint64_t hash, int depth) {
  if (l1_ == nullptr) {
    uint64_t* page = NewWords(0);
    if (page == nullptr) return false;
    l1_ = NewWords(0);
    if (l1_ == nullptr) {
      FreeWords(page, 0);
      return false;
    }
    l1_bits_ = 0;
    page[0] = only_.bits();
    l1_[0] = PackPage(page, 0, 0);
    only_ = SegmentWord();
  }
  while (WordDepth(hash) <= depth) {
    const uint64_t page = l1_[L1Index(hash)];
    if (BitsOf(page) < kPageBitsMax) {
      if (!DoublePage(hash)) return false;
    } else {
      if (DepthOf(page) == l1_bits_ && !DoubleL1()) return false;
      if (!SplitPage(hash)) return false;
    }
  }
  return true;
}

bool Directory::DoublePage(uint64_t hash) {
  const uint64_t page = l1_[L1Index(hash)];
  const int bits = BitsOf(page);
  uint64_t* wider = NewWords(bits + 1);
  if (wider == nullptr) return false;
  Spread(wider, PageOf(page), size_t{1} << bits, 2);
  SetPage(hash, wider, bits + 1, DepthOf(page));
  FreeWords(PageOf(page), bits);
  return true;
}

bool Directory::SplitPage(uint64_t hash) {
  const uint64_t page = l1_[L1Index(hash)];
  const int bits = BitsOf(page) - 1;
  const int depth = DepthOf(page) + 1;
  LARDER_DCHECK(depth <= l1_bits_);
  uint64_t* halves[2] = {NewWords(bits), NewWords(bits)};
  if (halves[0] == nullptr || halves[1] == nullptr) {
    for (uint64_t* half : halves) {
      if (half != nullptr) FreeWords(half, bits);
    }
    return false;
  }
  const uint64_t which = uint64_t{1} << (64 - depth);
  for (int i = 0; i < 2; ++i) {
    std::memcpy(halves[i], PageOf(page) + (static_cast<size_t>(i) << bits), sizeof(uint64_t) << bits);
    SetPage(i == 0 ? hash & ~which : hash | which, halves[i], bits, depth);
  }
  FreeWords(PageOf(page), bits + 1);
  while (HalvePage(hash ^ which)) {  // if hashes crowd in one half, the other has few segments
  }
  return true;
}

bool Directory::DoubleL1() {
  if (l1_bits_ == kL1BitsMax) return false;
  uint64_t* wider = NewWords(l1_bits_ + 1);
  if (wider == nullptr) return false;
  Spread(wider, l1_, size_t{1} << l1_bits_, 2);
  FreeWords(l1_, l1_bits_);
  l1_ = wider;
  ++l1_bits_;
  return true;
}

void Directory::Contract(uint64_t hash) {
  if (l1_ == nullptr) return;
  while (HalvePage(hash) || MergePage(hash)) {
  }
  while (HalveL1()) {
  }
  const uint64_t page = l1_[0];
  if (l1_bits_ == 0 && BitsOf(page) == 0) {
    const SegmentWord only(PageOf(page)[0]);
    Free();
    only_ = only;
  }
}

bool Directory::HalvePage(uint64_t hash) {
  const uint64_t page = l1_[L1Index(hash)];
  const int bits = BitsOf(page);
  if (bits == 0 || !AllPairsEqual(PageOf(page), bits)) return false;
  uint64_t* half = NewWords(bits - 1);
  if (half == nullptr) return false;
  for (size_t i = 0; i < size_t{1} << (bits - 1); ++i) half[i] = PageOf(page)[2 * i];
  SetPage(hash, half, bits - 1, DepthOf(page));
  FreeWords(PageOf(page), bits);
  return true;
}

bool Directory::MergePage(uint64_t hash) {
  const uint64_t page = l1_[L1Index(hash)];
  const int depth = DepthOf(page);
  if (depth == 0 || BitsOf(page) > kMergeBitsMax) return false;
  const uint64_t which = uint64_t{1} << (64 - depth);
  while (DepthOf(l1_[L1Index(hash ^ which)]) == depth && HalvePage(hash ^ which)) {
  }
  const uint64_t pages[2] = {l1_[L1Index(hash & ~which)], l1_[L1Index(hash | which)]};
  if (DepthOf(pages[0]) != DepthOf(pages[1])) return false;
  if (BitsOf(pages[0]) > kMergeBitsMax || BitsOf(pages[1]) > kMergeBitsMax) return false;
  LARDER_DCHECK(PageOf(pages[0]) != PageOf(pages[1]));
  const int half_bits = BitsOf(pages[0]) > BitsOf(pages[1]) ? BitsOf(pages[0]) : BitsOf(pages[1]);
  uint64_t* merged = NewWords(half_bits + 1);
  if (merged == nullptr) return false;
  for (size_t i = 0; i < 2; ++i) {
    const int bits = BitsOf(pages[i]);
    Spread(merged + (i << half_bits), PageOf(pages[i]), size_t{1} << bits, size_t{1} << (half_bits - bits));
    FreeWords(PageOf(pages[i]), bits);
  }
  SetPage(hash, merged, half_bits + 1, depth - 1);
  return true;
}

bool Directory::HalveL1() {
  if (l1_bits_ == 0 || !AllPairsEqual(l1_, l1_bits_)) return false;
  uint64_t* half = NewWords(l1_bits_ - 1);
  if (half == nullptr) return false;
  for (size_t i = 0; i < size_t{1} << (l1_bits_ - 1); ++i) half[i] = l1_[2 * i];
  FreeWords(l1_, l1_bits_);
  l1_ = half;
  --l1_bits_;
  return true;
}

void Directory::FreePage(uint64_t hash) {
  if (l1_ == nullptr) return;
  const uint64_t page = l1_[L1Index(hash)];
  LARDER_CHECK(page != 0);  // it must not be freed twice
  FreeWords(PageOf(page), BitsOf(page));
  const size_t count = size_t{1} << (l1_bits_ - DepthOf(page));
  const size_t first = L1Index(hash) & ~(count - 1);
  for (size_t i = 0; i < count; ++i) l1_[first + i] = 0;
}

void Directory::Free() {
  ++changes_;
  only_ = SegmentWord();
  if (l1_ == nullptr) return;
  for (size_t i = 0; i < size_t{1} << l1_bits_;) {
    const uint64_t page = l1_[i];
    i += size_t{1} << (page == 0 ? 0 : l1_bits_ - DepthOf(page));
    if (page != 0) FreeWords(PageOf(page), BitsOf(page));
  }
  FreeWords(l1_, l1_bits_);
  l1_ = nullptr;
  l1_bits_ = 0;
  LARDER_DCHECK(bytes_ == 0);
}

const char* Directory::Broken() const {
  if (l1_ == nullptr) return bytes_ == 0 ? nullptr : "bytes of no page";
  size_t bytes = memory::Arena::RoundUp(sizeof(uint64_t) << l1_bits_);
  for (size_t i = 0; i < size_t{1} << l1_bits_;) {
    const uint64_t page = l1_[i];
    if (page == 0 || DepthOf(page) > l1_bits_ || BitsOf(page) > kPageBitsMax) return "a page's word";
    const size_t count = size_t{1} << (l1_bits_ - DepthOf(page));
    if (i % count != 0) return "a page that is not at its prefix";
    for (size_t j = 0; j < count; ++j) {
      if (l1_[i + j] != page) return "l1 words of one page differ";
    }
    for (size_t j = 0; j < size_t{1} << BitsOf(page);) {
      const SegmentWord word(PageOf(page)[j]);
      const int spare = DepthOf(page) + BitsOf(page) - word.depth();
      if (word.empty() || spare < 0 || spare > BitsOf(page)) return "a segment's depth";
      if (word.buckets() != word.segment()->buckets()) return "a segment's bucket count";
      const size_t same = size_t{1} << spare;
      if (j % same != 0) return "a segment that is not at its prefix";
      for (size_t k = 0; k < same; ++k) {
        if (PageOf(page)[j + k] != word.bits()) return "words of one segment differ";
      }
      j += same;
    }
    bytes += memory::Arena::RoundUp(sizeof(uint64_t) << BitsOf(page));
    i += count;
  }
  return bytes == bytes_ ? nullptr : "bytes of the pages";
}

}  // namespace larder::inline v0::ds
