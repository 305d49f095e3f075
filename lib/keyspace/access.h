// Access data: the 24 bits of an entry that record its use, for eviction and for OBJECT.
//
//   under an LRU policy (and any other)   the epoch (epochs.h) of the last use
//   under an LFU policy                   minutes of the last decay (16 bits) and a logarithmic counter (8 bits)
//
// The counter is a Morris counter as redis.conf describes it under lfu-log-factor and lfu-decay-time: a use raises it
// with a chance of 1 / ((counter - 5) * factor + 1), every decay-time minutes without one lower it by 1, and a new key
// starts at 5. After a change of policy, data of the other kind are read wrongly for a while, as in Redis.
#ifndef LARDER_KEYSPACE_ACCESS_H_
#define LARDER_KEYSPACE_ACCESS_H_

#include <cstdint>

#include "lib/base/random.h"

namespace larder::inline v0::keyspace {

struct AccessConfig {
  bool lfu = false;
  uint32_t lfu_log_factor = 10;
  uint32_t lfu_decay_minutes = 1;
};

class Access {
 public:
  static constexpr uint32_t kMask = 0xffffff;
  static constexpr uint32_t kInitialFrequency = 5;

  // The data of a new entry.
  static uint32_t New(const AccessConfig& config, uint32_t now_seconds) {
    return config.lfu ? Pack(now_seconds / 60, kInitialFrequency) : now_seconds & kMask;
  }

  // The new data of an entry with `data` that is used.
  static uint32_t Used(const AccessConfig& config, uint32_t data, uint32_t now_seconds, base::Random& random) {
    if (!config.lfu) return now_seconds & kMask;
    uint32_t counter = Frequency(config, data, now_seconds);
    const double above = counter > kInitialFrequency ? static_cast<double>(counter - kInitialFrequency) : 0;
    if (counter < 255 && random.Unit() < 1.0 / (above * config.lfu_log_factor + 1)) ++counter;
    return Pack(now_seconds / 60, counter);
  }

  // OBJECT FREQ: the counter after the decay that is due.
  static uint32_t Frequency(const AccessConfig& config, uint32_t data, uint32_t now_seconds) {
    const uint32_t counter = data & 255;
    if (config.lfu_decay_minutes == 0) return counter;
    const uint32_t passed = ((now_seconds / 60 - (data >> 8)) & 0xffff) / config.lfu_decay_minutes;
    return passed > counter ? 0 : counter - passed;
  }

 private:
  static uint32_t Pack(uint32_t minutes, uint32_t counter) { return (minutes & 0xffff) << 8 | counter; }
};

// The same 24 bits under s3fifo: the epoch at which the entry came into its queue, and a count of its uses since then.
class FifoUse {
 public:
  static constexpr int kCounterBits = 2;
  static constexpr int kEpochBits = 22;
  static constexpr uint32_t kCounterMask = (1u << kCounterBits) - 1;
  static_assert(kCounterBits + kEpochBits == 24);

  static uint32_t New(uint64_t epoch) {
    return static_cast<uint32_t>(epoch & ((1u << kEpochBits) - 1)) << kCounterBits;
  }
  static uint32_t Counter(uint32_t data) { return data & kCounterMask; }
  static uint32_t Used(uint32_t data) { return Counter(data) == kCounterMask ? data : data + 1; }
};

}  // namespace larder::inline v0::keyspace

#endif  // LARDER_KEYSPACE_ACCESS_H_
