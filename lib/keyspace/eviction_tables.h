// KeyspaceTables: a keyspace's databases as the evictor sees them: numbered in the order in which they were made.
#ifndef LARDER_KEYSPACE_EVICTION_TABLES_H_
#define LARDER_KEYSPACE_EVICTION_TABLES_H_

#include <cstddef>
#include <cstdint>

#include "lib/keyspace/entry.h"
#include "lib/keyspace/evictor.h"

namespace larder::inline v0::keyspace {

class Keyspace;

class KeyspaceTables final : public EvictionTables {
 public:
  explicit KeyspaceTables(Keyspace& keyspace) : keyspace_(keyspace) {}

  int databases() const override;
  size_t keys(int db, bool expiring) const override;
  int Sample(int db, uint64_t position, bool expiring, Seen seen[kSeenMax]) override;
  bool Random(int db, bool expiring, Seen* seen) override;
  uint64_t Hash(int db, const void* entry) const override;
  bool Find(int db, uint64_t hash, Seen* seen) override;
  bool Soonest(int db, Seen* seen, int64_t* expiry_ms) override;
  void SetUse(void* entry, uint32_t access, bool small) override;
  size_t Evict(int db, void* entry) override;
  bool Fits() const override;

 private:
  static Seen SeenOf(Entry* entry);

  Keyspace& keyspace_;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_EVICTION_TABLES_H_
