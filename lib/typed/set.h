// The common part of the two calls that store a value: SET and GetOrLoad, which MONITOR shows as a SET too.
#ifndef LARDER_TYPED_SET_H_
#define LARDER_TYPED_SET_H_

#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/engine/monitor.h"
#include "lib/ops/strings.h"

namespace larder::inline v0::typed {

// The wishes of SetOptions. The executor's clock has not made the ttl absolute yet.
struct SetPlan {
  ops::strings::SetOptions options;
  int64_t ttl_ms = 0;
};

// Adds a SET's arguments to MONITOR's line.
void ShowSet(engine::Monitors& to, Bytes key, Bytes value, const SetPlan& plan, bool get);

}  // namespace larder::inline v0::typed

#endif  // LARDER_TYPED_SET_H_
