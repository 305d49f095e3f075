// The classes that store the bytes of entries. Nothing else can: Entry's setters are for them alone.
//
//   EntryDraft   an entry that is in no table yet, so only its maker knows it: it is written freely, then handed to the
//                table
//   EntryEdit    the scope for changes of an entry that is in a table. It is opened for the key's home bucket (from the
//                lookup: Db::Locate), one at a time for a home
//   EntryStamp   access data and marks of an entry, in a table or not. They are in the word of its header and are
//                stored with it at once. They do not change what a reader beside the executor relies on, so they need
//                no edit
//
// Stores to slots of the table have the same scope, ds::HomeEdit, of which an EntryEdit is made. It costs nothing
// today. It is where a home's version will become odd and even again, for reads that do not pass the executor
// (DESIGN.md).
//
// Threads: the executor's holder.
#ifndef LARDER_KEYSPACE_EDIT_H_
#define LARDER_KEYSPACE_EDIT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/ds/bucket.h"
#include "lib/keyspace/entry.h"
#include "lib/memory/arena.h"
#include "lib/memory/block.h"

namespace larder::inline v0::keyspace {

// The type of a value and its OBJECT ENCODING.
struct Form {
  Type type = Type::kString;
  Encoding encoding = Encoding::kRaw;
};

// The common part of a draft and an edit.
class EntryWriter {
 public:
  void set_form(Form form) { entry_->ChangeHead(kKindMask, KindBits(form)); }
  // REQUIRES: has_expiry().
  void set_expiry_ms(int64_t ms) {
    LARDER_DCHECK(entry_->has_expiry());
    Entry::Store(entry_->payload(), ms);
  }

  // The value, by its storage.
  void set_integer(int64_t n) {
    LARDER_DCHECK(entry_->storage() == Entry::Storage::kInteger);
    Entry::Store(entry_->value_field(), n);
  }
  void set_block(memory::Block* block) {
    LARDER_DCHECK(entry_->storage() == Entry::Storage::kBlock && block != nullptr);
    Entry::Store(entry_->value_field(), block);
  }
  void set_structure(Structure* root) {
    LARDER_DCHECK(entry_->storage() == Entry::Storage::kStructure && root != nullptr);
    Entry::Store(entry_->value_field(), root);
  }
  char* inline_data() { return const_cast<char*>(entry_->inline_value().data()); }

  // Changes the value's storage in place; its bytes are unset then. REQUIRES: FitsInPlace.
  void Restore(Form form, Entry::Storage storage, size_t value_size) {
    LARDER_DCHECK(entry_->FitsInPlace(storage, value_size, entry_->has_expiry()));
    entry_->ChangeHead(kKindMask | Entry::FlagBits(3u << Entry::kStorageShift),
                       KindBits(form) | Entry::FlagBits(static_cast<unsigned>(storage) << Entry::kStorageShift));
    if (storage == Entry::Storage::kInline) Entry::WriteVarint(entry_->value_field(), value_size);
  }
  // Gives an inline value another size; the bytes up to the smaller size stay. REQUIRES: FitsInPlace.
  void ResizeInline(size_t value_size) {
    LARDER_DCHECK(entry_->FitsInPlace(Entry::Storage::kInline, value_size, entry_->has_expiry()));
    const Bytes old = entry_->inline_value();
    char* const field = entry_->value_field();
    const size_t kept = old.size() < value_size ? old.size() : value_size;
    std::memmove(field + Entry::VarintBytes(value_size), old.data(), kept);
    Entry::WriteVarint(field, value_size);
  }

 protected:
  explicit EntryWriter(Entry* entry) : entry_(entry) {}

  static constexpr uint64_t kKindMask = uint64_t{0xff} << Entry::kKindShift;
  static uint64_t KindBits(Form form) {
    return static_cast<uint64_t>(static_cast<uint8_t>(form.type) | static_cast<uint8_t>(form.encoding) << 4)
           << Entry::kKindShift;
  }

  Entry* entry_;
};

class EntryDraft : public EntryWriter {
 public:
  EntryDraft() : EntryWriter(nullptr) {}
  // A draft with unset value bytes (kInline: `value_size` of them); it is false if there is no memory. An entry that no
  // table takes must be given to Keyspace::Free.
  static EntryDraft New(memory::Arena& arena, Bytes key, Entry::Storage storage, size_t value_size, bool with_expiry);

  explicit operator bool() const { return entry_ != nullptr; }
  const Entry* operator->() const { return entry_; }
  const Entry& operator*() const { return *entry_; }
  // Ends the draft: it is an entry from now on.
  Entry* Finish() { return std::exchange(entry_, nullptr); }
};

class EntryEdit : public EntryWriter {
 public:
  // Gives the value's block another size and returns its bytes. REQUIRES: nobody else has the block, and it has the
  // room.
  char* ResizeBlock(size_t value_size) {
    entry_->block()->set_size(value_size);
    return entry_->block()->data();
  }

 private:
  friend class Db;
  friend class Compactor;
  EntryEdit(ds::Bucket* home, Entry* entry) : EntryWriter(entry), home_(home) {}

  ds::HomeEdit home_;
};

class EntryStamp {
 public:
  explicit EntryStamp(Entry& entry) : entry_(entry) {}

  void set_access_data(uint32_t data) { entry_.ChangeHead(kAccess, AccessBits(data)); }
  // `phase` is for LFU: Epochs::phase at the use.
  void set_use(uint32_t data, uint32_t phase) {
    entry_.ChangeHead(kAccess | Entry::FlagBits(kPhase),
                      AccessBits(data) | Entry::FlagBits((phase & 7) << Entry::kPhaseShift));
  }
  void set_mark(Entry::Mark mark, bool on) {
    entry_.ChangeHead(Entry::FlagBits(mark), on ? Entry::FlagBits(mark) : 0);
  }

 private:
  static constexpr uint64_t kAccess = static_cast<uint64_t>(Entry::kAccessMask) << Entry::kAccessShift;
  static constexpr unsigned kPhase = 7u << Entry::kPhaseShift;
  static uint64_t AccessBits(uint32_t data) {
    return static_cast<uint64_t>(data & Entry::kAccessMask) << Entry::kAccessShift;
  }

  Entry& entry_;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_EDIT_H_
