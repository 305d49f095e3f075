// The name of a key among all databases, by which tables of watched and awaited keys find it: the database's number, 4
// bytes, then the key.
#ifndef LARDER_ENGINE_KEY_ID_H_
#define LARDER_ENGINE_KEY_ID_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

namespace larder::inline v0::engine {

// Composed where it stands. Keys of up to some hundred bytes take no allocation.
class KeyId {
 public:
  KeyId(int db, Bytes key) {
    const int32_t number = db;
    size_ = sizeof(number) + key.size();
    char* to = room_;
    if (size_ > sizeof(room_)) to = large_.Extend(size_);
    if (to == nullptr) return;
    std::memcpy(to, &number, sizeof(number));
    base::CopyBytes(to + sizeof(number), key);
    data_ = to;
  }
  // False without memory.
  bool ok() const { return data_ != nullptr; }
  Bytes bytes() const { return {data_, size_}; }

 private:
  char room_[512];
  base::Buffer large_;
  size_t size_;
  const char* data_ = nullptr;
};

inline Bytes KeyInId(Bytes id) { return id.substr(sizeof(int32_t)); }
inline int DbInId(Bytes id) {
  int32_t db;
  std::memcpy(&db, id.data(), sizeof(db));
  return db;
}

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_KEY_ID_H_
