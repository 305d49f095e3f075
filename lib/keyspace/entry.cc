#include "lib/keyspace/entry.h"

namespace larder::inline v0::keyspace {

Entry* Entry::New(memory::Arena& arena, Bytes key, Storage storage, size_t value_size, bool with_expiry) {
  if (key.size() > UINT32_MAX) return nullptr;
  void* memory = arena.Allocate(Footprint(key.size(), storage, value_size, with_expiry), memory::Tenant::kEntry);
  if (memory == nullptr) return nullptr;
  Entry* entry = static_cast<Entry*>(memory);
  entry->kind_ = 0;
  entry->flags_ = with_expiry ? kHasExpiry : 0;
  entry->set_storage(storage);
  entry->set_access_data(0);
  char* text = WriteVarint(const_cast<char*>(entry->key_field()), key.size());
  base::CopyBytes(text, key);
  if (storage == Storage::kInline) WriteVarint(text + key.size(), value_size);
  return entry;
}

}  // namespace larder::inline v0::keyspace
