#include "lib/keyspace/entry.h"

#include <new>

namespace larder::inline v0::keyspace {

Entry* Entry::New(memory::Arena& arena, Bytes key, Storage storage, size_t value_size, bool with_expiry) {
  if (key.size() > UINT32_MAX) return nullptr;
  // The header's tail padding is used by the payload, so tiny entries still need sizeof(Entry) for the constructor.
  static_assert(sizeof(Entry) - kHeaderBytes <= 8);
  const size_t footprint = Footprint(key.size(), value_size, with_expiry);
  void* memory = arena.Allocate(footprint);
  if (memory == nullptr) return nullptr;
  Entry* entry = static_cast<Entry*>(memory);
  entry->next_ = nullptr;
  entry->key_size_ = static_cast<uint32_t>(key.size());
  entry->value_size_ = static_cast<uint16_t>(value_size);
  entry->kind_ = 0;
  entry->flags_ = static_cast<uint8_t>((with_expiry ? kHasExpiry : 0) | static_cast<uint8_t>(storage) << 4);
  entry->set_access_data(0);
  base::CopyBytes(entry->payload() + entry->expiry_bytes(), key);
  return entry;
}

void Entry::Delete(memory::Arena& arena, Entry* entry) {
  if (entry->storage() == Storage::kBlock) entry->block()->Unref();
  arena.Free(entry, entry->footprint());
}

}  // namespace larder::inline v0::keyspace
