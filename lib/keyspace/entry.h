// Entry: a key with its value, expiry and access data, in one allocation.
//
//   +0  kind        1   type in the low 4 bits, encoding in the high 4
//   +1  flags       1   kHasExpiry; how the value is stored; two marks; 3 bits for LFU
//   +2  access      3   how it has been used; see access.h
//   +5  [expiry     8   ms since the epoch, only with kHasExpiry]
//       key size    1+  varint
//       key             bytes
//       value           kInline: varint size, then bytes; kInteger: 8 bytes; kBlock, kStructure: an 8-byte pointer
//
// There is no NUL, no padding and no capacity; fields are read by memcpy. An entry with a key of 16 bytes and a value
// of 64 has 87 bytes, in a block of 88; an expiry adds 8. The key is in the entry's first cache line unless it is long.
//
// A string value is stored as a 64-bit integer if its text is exactly that integer's, inline up to kInlineValueMax
// bytes, and otherwise as a pointer to a memory::Block of which the entry holds one reference. A value that is not one
// piece of bytes is a pointer to a Structure, which the entry owns.
//
// Stores. An Entry itself can only be read. The classes of lib/keyspace/edit.h change it: a draft while it is in no
// table, from then on an edit or a stamp. The header lies in the first 8 bytes, which are aligned, and is stored as one
// word: a reader beside the executor never sees half of a change.
//
// Threads: the executor's holder.
#ifndef LARDER_KEYSPACE_ENTRY_H_
#define LARDER_KEYSPACE_ENTRY_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/memory/arena.h"
#include "lib/memory/block.h"

namespace larder::inline v0::keyspace {

enum class Type : uint8_t { kString, kList, kSet, kZset, kHash, kStream };

// The answer of OBJECT ENCODING. For strings it is a label by Redis's rules (44 bytes and less are "embstr" unless made
// by an operation that edits in place). How the bytes are stored follows from their size alone.
enum class Encoding : uint8_t {
  kRaw, kInt, kEmbstr, kQuicklist, kListpack, kIntset, kHashtable, kSkiplist, kStream,
};

inline constexpr size_t kEmbstrMax = 44;
inline constexpr int64_t kNoExpiry = -1;

struct Structure;

class Entry {
 public:
  enum class Storage : uint8_t { kInteger, kInline, kBlock, kStructure };

  // Marks for the use of an entry's owner.
  enum Mark : uint8_t {
    kClaimed = 1 << 3,  // a running command of many keys has claimed it; see Db::PutStrings
    kInSmall = 1 << 4,  // it is in S3-FIFO's queue of new keys; see Evictor
  };

  static size_t Footprint(size_t key_size, Storage storage, size_t value_size, bool with_expiry) {
    return kHeaderBytes + (with_expiry ? kExpiryBytes : 0) + VarintBytes(key_size) + key_size +
           (storage == Storage::kInline ? VarintBytes(value_size) + value_size : kWordBytes);
  }

  Bytes key() const {
    size_t size = 0;
    const char* text = ReadVarint(key_field(), &size);
    return {text, size};
  }
  [[gnu::always_inline]] bool KeyIs(Bytes key) const {
    const char* field = key_field();
    if (key.size() < kVarintSmall) [[likely]] {
      return static_cast<uint8_t>(*field) == key.size() && base::EqualBytes(field + 1, key.data(), key.size());
    }
    return this->key() == key;
  }
  Type type() const { return static_cast<Type>(kind_ & 15); }
  Encoding encoding() const { return static_cast<Encoding>(kind_ >> 4); }
  Storage storage() const { return static_cast<Storage>(flags_ >> kStorageShift & 3); }
  // The bytes that the arena was asked for.
  size_t footprint() const {
    const size_t value_size = storage() == Storage::kInline ? inline_value().size() : 0;
    return Footprint(key().size(), storage(), value_size, has_expiry());
  }

  // Three bits for LFU: the phase of the last use; see Epochs::phase.
  uint8_t use_phase() const { return flags_ >> kPhaseShift; }
  bool marked(Mark mark) const { return (flags_ & mark) != 0; }

  // Milliseconds since the epoch.
  bool has_expiry() const { return (flags_ & kHasExpiry) != 0; }
  int64_t expiry_ms() const { return has_expiry() ? Load<int64_t>(payload()) : kNoExpiry; }

  uint32_t access_data() const { return static_cast<uint32_t>(head() >> kAccessShift) & kAccessMask; }

  // Whether the value is a string whose bytes are in the entry, as most are.
  bool is_inline_string() const {
    return ((kind_ & 15) | (flags_ & (3 << kStorageShift))) ==
           (static_cast<unsigned>(Type::kString) | static_cast<unsigned>(Storage::kInline) << kStorageShift);
  }

  // The value, by storage.
  int64_t integer() const {
    LARDER_DCHECK(storage() == Storage::kInteger);
    return Load<int64_t>(value_field());
  }
  Bytes inline_value() const {
    LARDER_DCHECK(storage() == Storage::kInline);
    size_t size = 0;
    const char* text = ReadVarint(value_field(), &size);
    return {text, size};
  }
  memory::Block* block() const {
    LARDER_DCHECK(storage() == Storage::kBlock);
    return Load<memory::Block*>(value_field());
  }
  Structure* structure() const {
    LARDER_DCHECK(storage() == Storage::kStructure);
    return Load<Structure*>(value_field());
  }
  // The part of the value that is outside of the entry. If there is none, `storage` is one that has nothing there.
  struct Outside {
    Storage storage = Storage::kInline;
    void* what = nullptr;
    explicit operator bool() const { return what != nullptr; }
  };
  bool has_outside() const { return storage() >= Storage::kBlock; }
  Outside outside() const { return has_outside() ? Outside{storage(), Load<void*>(value_field())} : Outside(); }

  // Whether this key with such a value needs a block of the arena of the same size.
  bool FitsInPlace(Storage storage, size_t value_size, bool with_expiry) const {
    if (has_expiry() != with_expiry) return false;
    const Storage now = this->storage();
    if (now == storage && storage != Storage::kInline) return true;
    const Bytes k = key();
    const size_t size_now = now == Storage::kInline ? InlineSizeAt(k.data() + k.size()) : 0;
    if (now == storage && size_now == value_size) return true;
    return memory::Arena::RoundUp(Footprint(k.size(), storage, value_size, with_expiry)) ==
           memory::Arena::RoundUp(Footprint(k.size(), now, size_now, with_expiry));
  }

 private:
  friend class EntryWriter;
  friend class EntryDraft;
  friend class EntryEdit;
  friend class EntryStamp;

  static constexpr uint8_t kHasExpiry = 1;
  static constexpr int kStorageShift = 1;
  static constexpr int kPhaseShift = 5;
  static constexpr size_t kHeaderBytes = 5;
  static constexpr size_t kExpiryBytes = 8;
  static constexpr size_t kWordBytes = 8;
  static constexpr size_t kVarintSmall = 128;

  // The header as a word, and the places of its fields in it for either byte order.
  typedef uint64_t Word __attribute__((may_alias));
  static constexpr bool kLittle = std::endian::native == std::endian::little;
  static constexpr int kKindShift = kLittle ? 0 : 56;
  static constexpr int kFlagsShift = kLittle ? 8 : 48;
  static constexpr int kAccessShift = kLittle ? 16 : 24;
  static constexpr uint32_t kAccessMask = 0xffffff;
  uint64_t head() const { return __atomic_load_n(reinterpret_cast<const Word*>(this), __ATOMIC_RELAXED); }
  void set_head(uint64_t head) { __atomic_store_n(reinterpret_cast<Word*>(this), head, __ATOMIC_RELAXED); }
  void ChangeHead(uint64_t mask, uint64_t bits) {
    LARDER_DCHECK((bits & ~mask) == 0);
    set_head((head() & ~mask) | bits);
  }
  static uint64_t FlagBits(unsigned flags) {
    LARDER_DCHECK(flags <= 0xff);
    return static_cast<uint64_t>(flags) << kFlagsShift;
  }

  Entry() = default;
  char* payload() { return reinterpret_cast<char*>(this) + kHeaderBytes; }
  const char* payload() const { return reinterpret_cast<const char*>(this) + kHeaderBytes; }
  const char* key_field() const { return payload() + (has_expiry() ? kExpiryBytes : 0); }
  const char* value_field() const {
    const Bytes k = key();
    return k.data() + k.size();
  }
  char* value_field() { return const_cast<char*>(static_cast<const Entry*>(this)->value_field()); }
  static size_t InlineSizeAt(const char* field) {
    size_t size = 0;
    ReadVarint(field, &size);
    return size;
  }

  // Varints: 7 bits a byte, the lowest first.
  static constexpr size_t VarintBytes(size_t n) {
    size_t bytes = 1;
    for (; n >= kVarintSmall; n >>= 7) ++bytes;
    return bytes;
  }
  static const char* ReadVarint(const char* from, size_t* n) {
    const uint8_t first = static_cast<uint8_t>(*from);
    if (first < kVarintSmall) [[likely]] {
      *n = first;
      return from + 1;
    }
    size_t value = first & 127;
    for (int shift = 7;; shift += 7) {
      const uint8_t byte = static_cast<uint8_t>(*++from);
      value |= static_cast<size_t>(byte & 127) << shift;
      if (byte < kVarintSmall) break;
    }
    *n = value;
    return from + 1;
  }
  static char* WriteVarint(char* to, size_t n) {
    for (; n >= kVarintSmall; n >>= 7) *to++ = static_cast<char>(n | 128);
    *to++ = static_cast<char>(n);
    return to;
  }

  template <class T>
  static T Load(const char* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    return value;
  }
  template <class T>
  static void Store(char* to, T value) {
    std::memcpy(to, &value, sizeof(T));
  }

  uint8_t kind_;
  uint8_t flags_;
  [[maybe_unused]] uint8_t access_[3];
  // the payload follows

  friend struct EntryLayout;
};

struct EntryLayout {
  static_assert(sizeof(Entry) == Entry::kHeaderBytes && alignof(Entry) == 1);
  static_assert(Entry::kHeaderBytes <= sizeof(Entry::Word), "a header is one store");
  static_assert(static_cast<int>(Type::kString) == 0, "is_inline_string compares both at once");
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_ENTRY_H_
