// What the two that store a value share: SET, and GetOrLoad, to MONITOR a SET too.
#ifndef LARDER_TYPED_SET_H_
#define LARDER_TYPED_SET_H_

#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/engine/monitor.h"
#include "lib/ops/strings.h"

namespace larder::inline v0::typed {

// What SetOptions asks for, with the relative ttl still to be made absolute by the executor's clock.
struct SetPlan {
  ops::strings::SetOptions options;
  int64_t ttl_ms = 0;
};

// A SET's arguments in MONITOR's line.
void ShowSet(engine::Monitors& to, Bytes key, Bytes value, const SetPlan& plan, bool get);

}  // namespace larder::inline v0::typed

#endif  // LARDER_TYPED_SET_H_
