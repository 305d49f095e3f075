// Epochs: the clock of access stamps.
//
// A stamp has 24 bits (22 under s3fifo). Seconds alone would be too coarse for a cache that turns over in a second or
// two: all its keys would look equally old. So an epoch ends once a second and, while keys are evicted, also after
// every keys/256 evictions. A stamp tells ages apart to a second or to 1/256 of a turnover, whichever is finer.
//
//   seconds   lived seconds, the sum of the clock's steps forward; a clock that is set back stands still for us
//   epoch     64 bits; a stamp is its low bits and is read as the latest epoch that has them
//
// Without evictions epochs are seconds, plus a constant, and need no memory. The first eviction that ends an epoch
// makes a table (17 KB) that has the epoch at the beginning of each second; without memory for it epochs stay seconds.
// Level k of the table has the last 128 seconds that are multiples of 2^k:
//
//   level 0   now-127 s ................................................ now      exact
//   level 1   now-254 s, 252, 250 ...                                    now      2 s apart from 127 s on, and so on
//
// So IdleSeconds is exact for the last two minutes (to the present second) and within 1/126 of older ages.
//
// Costs: a new second writes 2 words; an eviction adds to a counter.
#ifndef LARDER_KEYSPACE_EPOCHS_H_
#define LARDER_KEYSPACE_EPOCHS_H_

#include <cstddef>
#include <cstdint>

#include "lib/base/check.h"
#include "lib/base/holder.h"
#include "lib/memory/arena.h"

namespace larder::inline v0::keyspace {

class Epochs {
 public:
  explicit Epochs(memory::Arena* arena) : arena_(arena) {}
  ~Epochs();
  Epochs(const Epochs&) = delete;
  Epochs& operator=(const Epochs&) = delete;

  uint64_t now() const LARDER_REQUIRES_HOLDER { return now_; }

  // Tells the clock's time.
  void SetSeconds(int64_t seconds) LARDER_REQUIRES_HOLDER {
    if (seconds != clock_seconds_) Advance(seconds);
  }

  // One of `keys` keys was evicted.
  void CountEviction(size_t keys) LARDER_REQUIRES_HOLDER {
    if (++evicted_ > keys / kPerTurnover) EndEarly();
    if (++evicted_of_phase_ > keys / kPhasesOfTurnover) {
      evicted_of_phase_ = 0;
      ++phase_;
    }
  }

  // Begins another epoch, unless there is no memory for that.
  void EndEarly() LARDER_REQUIRES_HOLDER;

  // Counts quarters of a turnover, whatever the clock does.
  uint32_t phase() const LARDER_REQUIRES_HOLDER { return phase_; }

  // The latest epoch with these low bits.
  uint64_t Full(uint64_t stamp, int bits) const LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(bits > 0 && bits < 64);
    return now_ - ((now_ - stamp) & ((uint64_t{1} << bits) - 1));
  }

  // Seconds since an epoch.
  int64_t IdleSeconds(uint64_t epoch) const LARDER_REQUIRES_HOLDER;

 private:
  static constexpr size_t kPerTurnover = 256;
  static constexpr size_t kPhasesOfTurnover = 4;
  static constexpr int kLevels = 17;  // the last one reaches back 2^23 s, 97 days; older ages count as that
  static constexpr int64_t kSlots = 128;
  // By level and second / 2^level % 128: the epoch at the beginning of that second.
  using Begins = uint64_t[kLevels][kSlots];
  static_assert(sizeof(Begins) == 17 * 1024);

  void Advance(int64_t seconds) LARDER_REQUIRES_HOLDER;
  void Note(int64_t from, int64_t to, uint64_t epoch_of_from) LARDER_REQUIRES_HOLDER;
  uint64_t Begin(int level, int64_t second) const LARDER_REQUIRES_HOLDER {
    LARDER_DCHECK(begins_ != nullptr && level >= 0 && level < kLevels && second >= 0);
    return (*begins_)[level][(second >> level) % kSlots];
  }

  memory::Arena* arena_ LARDER_GUARDED_BY_HOLDER;
  Begins* begins_ LARDER_GUARDED_BY_HOLDER = nullptr;
  int64_t clock_seconds_ LARDER_GUARDED_BY_HOLDER = 0;  // the clock's last time
  int64_t seconds_ LARDER_GUARDED_BY_HOLDER = 0;        // lived
  uint64_t now_ LARDER_GUARDED_BY_HOLDER = 0;
  size_t evicted_ LARDER_GUARDED_BY_HOLDER = 0;  // in this epoch
  size_t evicted_of_phase_ LARDER_GUARDED_BY_HOLDER = 0;
  uint32_t phase_ LARDER_GUARDED_BY_HOLDER = 0;
  bool refused_ LARDER_GUARDED_BY_HOLDER = false;
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_EPOCHS_H_
