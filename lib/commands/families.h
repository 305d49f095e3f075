// The families of the core: one a file, each defined at its foot.
#ifndef LARDER_COMMANDS_FAMILIES_H_
#define LARDER_COMMANDS_FAMILIES_H_

#include <span>

#include "lib/engine/family.h"

namespace larder::inline v0::commands {

extern const engine::Family kBitmapFamily;
extern const engine::Family kClientFamily;
extern const engine::Family kClientListFamily;
extern const engine::Family kClientPauseFamily;
extern const engine::Family kCommandFamily;
extern const engine::Family kConfigFamily;
extern const engine::Family kConnectionFamily;
extern const engine::Family kDebugFamily;
extern const engine::Family kExpiryFamily;
extern const engine::Family kFunctionFamily;
extern const engine::Family kGeoFamily;
extern const engine::Family kHashFamily;
extern const engine::Family kHyperLogLogFamily;
extern const engine::Family kInfoFamily;
extern const engine::Family kKeyFamily;
extern const engine::Family kLcsFamily;
extern const engine::Family kListFamily;
extern const engine::Family kMemoryFamily;
extern const engine::Family kMonitorFamily;
extern const engine::Family kMultiFamily;
extern const engine::Family kObjectFamily;
extern const engine::Family kPubSubFamily;
extern const engine::Family kScanFamily;
extern const engine::Family kServerFamily;
extern const engine::Family kSetAlgebraFamily;
extern const engine::Family kSetFamily;
extern const engine::Family kSortFamily;
extern const engine::Family kStringFamily;
extern const engine::Family kStringSetFamily;
extern const engine::Family kZsetAlgebraFamily;
extern const engine::Family kZsetFamily;
extern const engine::Family kZsetRangeFamily;
extern const engine::Family kStreamFamily;
extern const engine::Family kStreamGroupFamily;
extern const engine::Family kStreamInfoFamily;
extern const engine::Family kStreamReadFamily;
extern const engine::Family kStringFamily;
extern const engine::Family kStringSetFamily;
extern const engine::Family kWaitFamily;
extern const engine::Family kXGroupFamily;

// All of them.
std::span<const engine::Family* const> CoreFamilies();

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_FAMILIES_H_
