#include "lib/keyspace/epochs.h"

#include <algorithm>

#include "lib/base/check.h"

namespace larder::inline v0::keyspace {

Epochs::~Epochs() { arena_->Free(begins_, sizeof(Begins)); }

void Epochs::Advance(int64_t seconds) {
  const int64_t passed = seconds - clock_seconds_;
  clock_seconds_ = seconds;
  if (passed <= 0) return;
  if (begins_ != nullptr) Note(seconds_ + 1, seconds_ + passed, now_ + 1);
  seconds_ += passed;
  now_ += static_cast<uint64_t>(passed);
  evicted_ = 0;
}

// Notes that the seconds from..to begin, one epoch each. Each level takes its last 128 of them.
void Epochs::Note(int64_t from, int64_t to, uint64_t epoch_of_from) {
  LARDER_DCHECK(begins_ != nullptr && from >= 0 && from <= to + 1);
  for (int level = 0; level < kLevels; ++level) {
    const int64_t step = int64_t{1} << level;
    int64_t second = std::max(from, (to & -step) - step * (kSlots - 1));
    second = (second + step - 1) & -step;
    if (second > to && level > 0) return;  // then no higher level has one either
    for (; second <= to; second += step) {
      (*begins_)[level][(second >> level) % kSlots] = epoch_of_from + static_cast<uint64_t>(second - from);
    }
  }
}

void Epochs::EndEarly() {
  evicted_ = 0;
  if (refused_) return;
  if (begins_ == nullptr) {
    begins_ = static_cast<Begins*>(arena_->AllocateZeroed(sizeof(Begins)));
    refused_ = begins_ == nullptr;
    if (refused_) return;
    // Until now a second was an epoch.
    const int64_t reach = kSlots << (kLevels - 1);
    Note(std::max<int64_t>(seconds_ - reach, 0), seconds_, now_ - static_cast<uint64_t>(std::min(seconds_, reach)));
  }
  ++now_;
}

int64_t Epochs::IdleSeconds(uint64_t epoch) const {
  if (epoch >= now_) return 0;
  if (begins_ == nullptr) return static_cast<int64_t>(now_ - epoch);
  for (int level = 0; level < kLevels; ++level) {
    // This is the oldest second of the level; it must be old enough.
    const int64_t step = int64_t{1} << level;
    const int64_t newest = seconds_ & -step;
    int64_t low = std::max<int64_t>(newest - step * (kSlots - 1), 0);
    if (Begin(level, low) > epoch && low > 0 && level + 1 < kLevels) continue;
    if (Begin(level, low) > epoch) return seconds_ - low;
    int64_t high = newest;  // the last second that began by that epoch is in [low, high]
    while (low < high) {
      const int64_t middle = low + (((high - low) >> level) + 1) / 2 * step;
      if (Begin(level, middle) <= epoch) {
        low = middle;
      } else {
        high = middle - step;
      }
    }
    // The epoch began in [low, low + step): the middle is at most half a step off, and a step at most 1/63 of the age.
    return std::max<int64_t>(seconds_ - low - step / 2, 0);
  }
  LARDER_CHECK(false);
}

}  // namespace larder::inline v0::keyspace
