// KeyWindow: lookups of many keys, with the cache misses of up to 16 of them overlapped.
//
//   KeyWindow window(db, keys);
//   for (size_t i = 0; i < keys.size(); ++i) {
//     Entry* entry = window.Find(i, Lookup::kRead);
//     ...
//   }
//
// A lookup alone waits for memory two or three times (directory, bucket, entry). Sixteen lookups in three stages wait
// for it three times together. Keys are asked for in order. The caller may change the database between two lookups.
#ifndef LARDER_KEYSPACE_KEY_WINDOW_H_
#define LARDER_KEYSPACE_KEY_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/holder.h"
#include "lib/keyspace/db.h"

namespace larder::inline v0::keyspace {

// `KeyAt`: Bytes(size_t i).
template <class KeyAt>
class KeyWindow {
 public:
  static constexpr size_t kKeys = 16;

  KeyWindow(Db& db, size_t count, KeyAt key) : db_(db), count_(count), key_(key) {}

  // REQUIRES: i is what it was in the last call, or one more.
  uint64_t hash(size_t i) LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(i < count_ && i <= ready_ && i + kKeys >= ready_);
    if (i >= ready_) Fill(i);
    return hashes_[i % kKeys];
  }
  Entry* Find(size_t i, Lookup how) LARDER_REQUIRES_HOLDER {
    const uint64_t hashed = hash(i);
    return db_.FindHashed(key_(i), hashed, how);
  }
  Place Locate(size_t i, Lookup how) LARDER_REQUIRES_HOLDER {
    const uint64_t hashed = hash(i);
    return db_.LocateHashed(key_(i), hashed, how);
  }

 private:
  void Fill(size_t from) LARDER_REQUIRES_HOLDER {
    const size_t n = count_ - from < kKeys ? count_ - from : kKeys;
    ready_ = from + n;
    for (size_t i = from; i < ready_; ++i) hashes_[i % kKeys] = db_.Hash(key_(i));
    if (n == 1) return;
    for (int stage = 0; stage < 3; ++stage) {
      for (size_t i = from; i < ready_; ++i) db_.PrefetchHashed(hashes_[i % kKeys], stage);
    }
  }

  Db& db_;
  size_t count_;
  KeyAt key_;
  size_t ready_ = 0;
  uint64_t hashes_[kKeys];
};

// A `KeyAt` for a span of keys.
class SpanKeys {
 public:
  explicit SpanKeys(std::span<const Bytes> keys) : keys_(keys) {}
  Bytes operator()(size_t i) const { return keys_[i]; }

 private:
  std::span<const Bytes> keys_;
};

inline KeyWindow<SpanKeys> WindowOver(Db& db, std::span<const Bytes> keys) { return {db, keys.size(), SpanKeys(keys)}; }

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_KEY_WINDOW_H_
