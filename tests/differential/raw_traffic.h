// Raw traffic: what clients send, as bytes that no client library would. Pipelines of valid requests, mutated, cut
// anywhere, of several clients at once.
//
// Left out on purpose, since the two sides could not agree on them byte for byte: what tells the time, ids, addresses,
// memory or versions (INFO, CLIENT LIST, TTL); times to live short enough to end within an episode; MONITOR's lines;
// the order of keys (KEYS, SCAN); lines over 64 KB, whose refusal depends on how they arrive, on Redis too.
#ifndef LARDER_TESTS_DIFFERENTIAL_RAW_TRAFFIC_H_
#define LARDER_TESTS_DIFFERENTIAL_RAW_TRAFFIC_H_

#include <cstdint>
#include <string>
#include <vector>

namespace differential {

inline constexpr int kRawLinks = 3;
inline constexpr char kRawPassword[] = "secret";

// Bytes that arrive together.
struct RawSend {
  int link = 0;
  std::string bytes;
};

struct RawEpisode {
  bool password = false;  // requirepass is kRawPassword
  std::vector<RawSend> sends;
};

// The same for the same seed and number, always.
RawEpisode MakeRawEpisode(uint64_t seed, uint64_t number);

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_RAW_TRAFFIC_H_
