// KeyspaceTables: a keyspace's databases as the evictor sees them, numbered in the order of their making.
#ifndef LARDER_KEYSPACE_EVICTION_TABLES_H_
#define LARDER_KEYSPACE_EVICTION_TABLES_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/holder.h"
#include "lib/keyspace/entry.h"
#include "lib/keyspace/evictor.h"

namespace larder::inline v0::keyspace {

class Keyspace;

class KeyspaceTables final : public EvictionTables {
 public:
  explicit KeyspaceTables(Keyspace& keyspace) : keyspace_(keyspace) {}

  int databases() const override LARDER_REQUIRES_HOLDER;
  size_t keys(int db, bool expiring) const override LARDER_REQUIRES_HOLDER;
  int Sample(int db, uint64_t position, bool expiring, Seen seen[kSeenMax]) override LARDER_REQUIRES_HOLDER;
  bool Random(int db, bool expiring, Seen* seen) override LARDER_REQUIRES_HOLDER;
  uint64_t Hash(int db, const void* entry) const override LARDER_REQUIRES_HOLDER;
  bool Find(int db, uint64_t hash, Seen* seen) override LARDER_REQUIRES_HOLDER;
  bool Soonest(int db, Seen* seen, int64_t* expiry_ms) override LARDER_REQUIRES_HOLDER;
  void SetUse(void* entry, uint32_t access, bool small) override LARDER_REQUIRES_HOLDER;
  size_t Evict(int db, void* entry) override LARDER_REQUIRES_HOLDER;
  bool Fits() const override LARDER_REQUIRES_HOLDER;

 private:
  static Seen SeenOf(Entry* entry);

  Keyspace& keyspace_;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_EVICTION_TABLES_H_
