// Entry: one key with its value, expiry and access data, in one allocation.
//
//   +0  next        8   chain link of the plain hash table
//   +8  key_size    4
//   +12 value_size  2   bytes stored inline; 8 for an integer or a pointer
//   +14 kind        1   type in the low 4 bits, encoding in the high 4
//   +15 flags       1   kHasExpiry; how the value is stored
//   +16 access      3   how it has been used; see access.h
//   +19 [expiry     8   ms since the epoch][slot 4 in the expiry heap], both only with kHasExpiry
//       key, value      bytes; no NUL, no padding, fields read by memcpy
//
// A string value is stored as a 64-bit integer when its text is exactly that integer's, inline up to kInlineValueMax
// bytes, and otherwise as a pointer to a memory::Block of which the entry holds one reference.
//
// Threads: the executor's holder.
#ifndef LARDER_KEYSPACE_ENTRY_H_
#define LARDER_KEYSPACE_ENTRY_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/memory/arena.h"
#include "lib/memory/block.h"

namespace larder::inline v0::keyspace {

enum class Type : uint8_t { kString, kList, kSet, kZset, kHash, kStream };

// What OBJECT ENCODING says. For strings it is a label with Redis's rules (44 bytes and less are "embstr" unless made by
// an operation that edits in place); how the bytes are stored follows from their size alone.
enum class Encoding : uint8_t { kRaw, kInt, kEmbstr };

inline constexpr size_t kEmbstrMax = 44;
inline constexpr int64_t kNoExpiry = -1;

class Entry {
 public:
  enum class Storage : uint8_t { kInteger, kInline, kBlock };

  // A new entry with unset value bytes (kInline: `value_size` of them), or nullptr when there is no memory.
  static Entry* New(memory::Arena& arena, Bytes key, Storage storage, size_t value_size, bool with_expiry);
  // Frees the entry and drops its block.
  static void Delete(memory::Arena& arena, Entry* entry);
  static size_t Footprint(size_t key_size, size_t value_size, bool with_expiry) {
    return kHeaderBytes + (with_expiry ? kExpiryBytes : 0) + key_size + value_size;
  }

  Entry*& next() { return next_; }
  Bytes key() const { return {payload() + expiry_bytes(), key_size_}; }
  Type type() const { return static_cast<Type>(kind_ & 15); }
  Encoding encoding() const { return static_cast<Encoding>(kind_ >> 4); }
  void set_kind(Type type, Encoding encoding) {
    kind_ = static_cast<uint8_t>(static_cast<uint8_t>(type) | static_cast<uint8_t>(encoding) << 4);
  }
  Storage storage() const { return static_cast<Storage>(flags_ >> 4); }
  size_t footprint() const { return Footprint(key_size_, value_size_, has_expiry()); }

  // Expiry: milliseconds since the epoch. REQUIRES has_expiry() for the setters and the slot.
  bool has_expiry() const { return (flags_ & kHasExpiry) != 0; }
  int64_t expiry_ms() const { return has_expiry() ? Load<int64_t>(payload()) : kNoExpiry; }
  void set_expiry_ms(int64_t ms) { Store(payload(), ms); }
  uint32_t expiry_slot() const { return Load<uint32_t>(payload() + 8); }
  void set_expiry_slot(uint32_t slot) { Store(payload() + 8, slot); }

  uint32_t access_data() const { return access_[0] | access_[1] << 8 | access_[2] << 16; }
  void set_access_data(uint32_t data) {
    access_[0] = static_cast<uint8_t>(data);
    access_[1] = static_cast<uint8_t>(data >> 8);
    access_[2] = static_cast<uint8_t>(data >> 16);
  }

  // The value, by storage.
  int64_t integer() const { return Load<int64_t>(value_data()); }
  void set_integer(int64_t n) { Store(value_data(), n); }
  Bytes inline_value() const { return {value_data(), value_size_}; }
  memory::Block* block() const { return Load<memory::Block*>(value_data()); }
  void set_block(memory::Block* block) { Store(value_data(), block); }
  char* value_data() { return payload() + expiry_bytes() + key_size_; }
  const char* value_data() const { return payload() + expiry_bytes() + key_size_; }

  // Changes how the value is stored, in place. REQUIRES: the new footprint rounds to the same block of the arena.
  void Restore(Storage storage, size_t value_size) {
    LARDER_DCHECK(memory::Arena::RoundUp(Footprint(key_size_, value_size, has_expiry())) ==
                  memory::Arena::RoundUp(footprint()));
    flags_ = static_cast<uint8_t>((flags_ & 15) | static_cast<uint8_t>(storage) << 4);
    value_size_ = static_cast<uint16_t>(value_size);
  }

 private:
  static constexpr uint8_t kHasExpiry = 1;
  static constexpr size_t kExpiryBytes = 12;
  static constexpr size_t kHeaderBytes = 19;

  Entry() = default;
  char* payload() { return reinterpret_cast<char*>(this) + kHeaderBytes; }
  const char* payload() const { return reinterpret_cast<const char*>(this) + kHeaderBytes; }
  size_t expiry_bytes() const { return has_expiry() ? kExpiryBytes : 0; }
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

  Entry* next_;
  uint32_t key_size_;
  uint16_t value_size_;
  uint8_t kind_;
  uint8_t flags_;
  uint8_t access_[3];
  // payload follows at kHeaderBytes

  friend struct EntryLayout;
};

struct EntryLayout {
  static_assert(offsetof(Entry, access_) + 3 == Entry::kHeaderBytes);
  static_assert(memory::kInlineValueMax <= UINT16_MAX);
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_ENTRY_H_
