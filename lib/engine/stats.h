// Filling in Stats (see <larder/stats.h>) from an engine.
#ifndef LARDER_ENGINE_STATS_H_
#define LARDER_ENGINE_STATS_H_

#include <larder/stats.h>
#include "lib/base/holder.h"
#include "lib/engine/engine.h"

namespace larder::inline v0::engine {

// What clients that look for features are told: HELLO, INFO.
inline constexpr Bytes kRedisVersion = "7.0.15";

// Cost: O(databases that were ever used), no allocation.
Stats StatsOf(Engine& engine) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_STATS_H_
