#include "lib/keyspace/edit.h"

namespace larder::inline v0::keyspace {

EntryDraft EntryDraft::New(memory::Arena& arena, Bytes key, Entry::Storage storage, size_t value_size,
                           bool with_expiry) {
  EntryDraft draft;
  if (key.size() > UINT32_MAX) return draft;
  void* memory = arena.Allocate(Entry::Footprint(key.size(), storage, value_size, with_expiry), memory::Tenant::kEntry);
  if (memory == nullptr) return draft;
  LARDER_DCHECK(reinterpret_cast<uintptr_t>(memory) % sizeof(uint64_t) == 0);  // since the header is stored as one word
  Entry* entry = static_cast<Entry*>(memory);
  const unsigned flags =
      (with_expiry ? Entry::kHasExpiry : 0u) | static_cast<unsigned>(storage) << Entry::kStorageShift;
  entry->set_head(Entry::FlagBits(flags));
  char* text = Entry::WriteVarint(const_cast<char*>(entry->key_field()), key.size());
  base::CopyBytes(text, key);
  if (storage == Entry::Storage::kInline) Entry::WriteVarint(text + key.size(), value_size);
  draft.entry_ = entry;
  return draft;
}

}  // namespace larder::inline v0::keyspace
