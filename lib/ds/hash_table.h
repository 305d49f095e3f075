// HashTable: elements found by a byte key, kept in the order of their hash.
//
// Words
//   hash      64 bits of a seeded hash of the key; the table uses its TOP bits, so that bucket order is hash order
//   bucket    a chain of elements whose hashes share their top `bits`
//   position  the top 48 bits of a hash; a SCAN cursor is a position, and so below 2^48
//   moving    while the table changes size, buckets go over from the old array to the new one a few at a time
//
//   hash space   0 ──────────────── moved_ ───────────────── 2^64
//   old array      (empty by now)     │ bucket, bucket, ...
//   new array      bucket, bucket ... │ (empty as yet)
//
// Because both arrays follow hash order, "everything before this position" means the same keys whatever size the table
// has or is about to have. A scan therefore returns each key that stays in the table exactly once, through any growth
// and shrinking in between; keys with the same position are returned together.
//
// This table is plain: an array of chains that doubles and halves in steps. The interface is what stays.
//
// Policy (a value, kept in the table):
//   using Element = T*;
//   static Element& Next(Element e);           the chain link inside the element
//   uint64_t Hash(Element e) const;            the same as was given to Insert
//   static bool Matches(Element e, Bytes key);
//
// Costs: a find touches one bucket and the chain (1 element at load 1). No step moves more than 8 chains (32, nearly
// all empty, while shrinking).
// Memory: 8 bytes a bucket; buckets are between 1 and 2 an element while growing. Allocation can fail: a table that
// cannot grow works on with longer chains; only the very first array is needed, and Insert reports its lack.
//
// Threads: the executor's holder.
#ifndef LARDER_DS_HASH_TABLE_H_
#define LARDER_DS_HASH_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/random.h"
#include "lib/memory/arena.h"

namespace larder::inline v0::ds {

inline constexpr int kPositionBits = 48;

template <class Policy>
class HashTable {
 public:
  using Element = typename Policy::Element;

  HashTable(Policy policy, memory::Arena* arena) : policy_(policy), arena_(arena) {}
  HashTable(const HashTable&) = delete;
  HashTable& operator=(const HashTable&) = delete;
  // Gives back the arrays; the elements are the owner's: see ForEach and Clear.
  ~HashTable() { FreeArrays(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  Element Find(Bytes key, uint64_t hash) const {
    if (size_ == 0) return nullptr;
    for (Element e = *BucketOf(hash); e != nullptr; e = Policy::Next(e)) {
      if (Policy::Matches(e, key)) return e;
    }
    return nullptr;
  }

  // False when there is no memory for the first array. REQUIRES: no element with this key is in the table.
  bool Insert(Element element, uint64_t hash) {
    if (current_.buckets == nullptr && !Allocate(&current_, kMinBits)) return false;
    MoveSome();
    Element* bucket = BucketOf(hash);
    Policy::Next(element) = *bucket;
    *bucket = element;
    ++size_;
    if (!moving() && size_ > current_.count()) StartMoving(current_.bits + 1);
    return true;
  }

  // Puts `now` where `before` was. The keys, and so the hashes, are equal; `before` may have been freed or moved by
  // realloc already, it is only compared.
  void Replace(Element before, Element now, uint64_t hash) {
    for (Element* link = BucketOf(hash);; link = &Policy::Next(*link)) {
      LARDER_CHECK(*link != nullptr);
      if (*link == before) {
        Policy::Next(now) = Policy::Next(before);
        *link = now;
        return;
      }
    }
  }

  // Takes out the element with this key and returns it, or nullptr.
  Element Remove(Bytes key, uint64_t hash) {
    if (size_ == 0) return nullptr;
    MoveSome();
    for (Element* link = BucketOf(hash); *link != nullptr; link = &Policy::Next(*link)) {
      if (!Policy::Matches(*link, key)) continue;
      Element removed = *link;
      *link = Policy::Next(removed);
      if (--size_ == 0 && current_.bits > kMinBits) FreeArrays();  // what is left to move is nothing
      if (!moving() && current_.bits > kMinBits && size_ < current_.count() / 8) StartMoving(current_.bits - 1);
      return removed;
    }
    return nullptr;
  }

  // Visits the elements of one bucket from position `cursor` on and returns the position to go on from, 0 at the end.
  // `visit` must not change the table. Start with 0.
  template <class Visit>
  uint64_t Scan(uint64_t cursor, Visit&& visit) const {
    if (size_ == 0 || cursor >> kPositionBits != 0) return 0;
    const uint64_t hash = cursor << (64 - kPositionBits);
    const Array& array = ArrayOf(hash);
    const uint64_t index = array.IndexOf(hash);
    for (Element e = array.buckets[index]; e != nullptr; e = Policy::Next(e)) {
      if (policy_.Hash(e) >= hash) visit(e);
    }
    if (index + 1 == array.count()) return 0;
    return ((index + 1) << (64 - array.bits)) >> (64 - kPositionBits);
  }

  // Some element, each with roughly the same chance, or nullptr in an empty table.
  Element Random(base::Random& random) const {
    if (size_ == 0) return nullptr;
    for (;;) {  // at least one bucket in 16 is in use, but while a mass deletion is being shrunk away
      Element* bucket = BucketOf(random.Next());
      size_t length = 0;
      for (Element e = *bucket; e != nullptr; e = Policy::Next(e)) ++length;
      if (length == 0) continue;
      size_t pick = random.Below(length);
      Element e = *bucket;
      while (pick-- > 0) e = Policy::Next(e);
      return e;
    }
  }

  // Visits every element; `visit` may free the element.
  template <class Visit>
  void ForEach(Visit&& visit) const {
    for (const Array* array : {&old_, &current_}) {
      for (uint64_t i = 0; array->buckets != nullptr && i < array->count(); ++i) {
        for (Element e = array->buckets[i]; e != nullptr;) {
          Element next = Policy::Next(e);
          visit(e);
          e = next;
        }
      }
    }
  }

  // Forgets every element and gives back the arrays.
  void Clear() {
    FreeArrays();
    size_ = 0;
  }

  void Swap(HashTable& other) {
    std::swap(policy_, other.policy_);
    std::swap(arena_, other.arena_);
    std::swap(current_, other.current_);
    std::swap(old_, other.old_);
    std::swap(moved_, other.moved_);
    std::swap(size_, other.size_);
  }

  const Policy& policy() const { return policy_; }

 private:
  static constexpr int kMinBits = 2;
  static constexpr int kMaxBits = kPositionBits - 1;
  // Shrinking starts with one element in 8 buckets and must be done when half of these are gone, since the next halving
  // is due then: 32 buckets a removal leave time to spare. Even, so that shrinking always moves both halves of a new
  // bucket.
  static constexpr uint64_t kMoveBuckets = 8;
  static constexpr uint64_t kMoveBucketsShrinking = 32;

  struct Array {
    Element* buckets = nullptr;
    int bits = 0;
    uint64_t count() const { return uint64_t{1} << bits; }
    uint64_t IndexOf(uint64_t hash) const { return hash >> (64 - bits); }
  };

  bool moving() const { return old_.buckets != nullptr; }

  const Array& ArrayOf(uint64_t hash) const {
    return moving() && old_.IndexOf(hash) >= moved_ ? old_ : current_;
  }
  Element* BucketOf(uint64_t hash) const {
    const Array& array = ArrayOf(hash);
    return &array.buckets[array.IndexOf(hash)];
  }

  bool Allocate(Array* array, int bits) {
    void* memory = arena_->AllocateZeroed(sizeof(Element) << bits);
    if (memory == nullptr) return false;
    array->buckets = static_cast<Element*>(memory);
    array->bits = bits;
    return true;
  }

  void Release(Array* array) {
    if (array->buckets != nullptr) arena_->Free(array->buckets, sizeof(Element) << array->bits);
    *array = Array{};
  }

  void FreeArrays() {
    Release(&old_);
    Release(&current_);
    moved_ = 0;
  }

  void StartMoving(int bits) {
    if (bits > kMaxBits) return;
    Array wanted;
    if (!Allocate(&wanted, bits)) return;  // longer chains meanwhile; the next change tries again
    old_ = std::exchange(current_, wanted);
    moved_ = 0;
  }

  void MoveSome() {
    if (!moving()) return;
    const uint64_t step = current_.bits < old_.bits ? kMoveBucketsShrinking : kMoveBuckets;
    for (uint64_t i = 0; i < step && moved_ < old_.count(); ++i, ++moved_) {
      for (Element e = std::exchange(old_.buckets[moved_], nullptr); e != nullptr;) {
        Element next = Policy::Next(e);
        Element* bucket = &current_.buckets[current_.IndexOf(policy_.Hash(e))];
        Policy::Next(e) = *bucket;
        *bucket = e;
        e = next;
      }
    }
    if (moved_ == old_.count()) {
      Release(&old_);
      moved_ = 0;
    }
  }

  Policy policy_;
  memory::Arena* arena_;
  Array current_;       // the only array, or the one that elements move to
  Array old_;           // the one that they leave; empty when nothing moves
  uint64_t moved_ = 0;  // buckets of old_ below this have been moved
  size_t size_ = 0;
};

}  // namespace larder::inline v0::ds

#endif  // LARDER_DS_HASH_TABLE_H_
