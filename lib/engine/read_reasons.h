// Why typed reads must come through the executor, though nothing that they ask for needs it.
//
// A read beside the executor is seen by nobody, and sees no state between two steps of another call. So whoever wants
// to see each read, or changes several keys as one, adds its reason here first, under the executor, and removes it when
// it is done; reads may go beside only while there is no reason. A reason is in the set or is not: one that several may
// have at once (clients in MONITOR mode) is added with the first of them and removed with the last.
//
// Reads do not go beside yet: today the set tells typed calls whether MONITOR wants their lines, by the same load.
#ifndef LARDER_ENGINE_READ_REASONS_H_
#define LARDER_ENGINE_READ_REASONS_H_

#include <cstdint>

#include "lib/base/check.h"
#include "lib/base/holder.h"

namespace larder::inline v0::engine {

enum class ReadReason : uint8_t {
  kMonitor,  // each typed call is told to clients in MONITOR mode
};

class ReadReasons {
 public:
  // REQUIRES: the reason is not in the set; and for Remove, that it is.
  void Add(ReadReason reason) LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(!Has(reason));
    bits_ |= Bit(reason);
  }
  void Remove(ReadReason reason) LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(Has(reason));
    bits_ &= ~Bit(reason);
  }
  bool Has(ReadReason reason) const LARDER_REQUIRES_HOLDER { return (bits_ & Bit(reason)) != 0; }
  bool any() const LARDER_REQUIRES_HOLDER { return bits_ != 0; }

 private:
  static constexpr uint32_t Bit(ReadReason reason) { return uint32_t{1} << static_cast<uint8_t>(reason); }

  uint32_t bits_ LARDER_GUARDED_BY_HOLDER = 0;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_READ_REASONS_H_
