#include "lib/commands/families.h"

namespace larder::inline v0::commands {

std::span<const engine::Family* const> CoreFamilies() {
  static constexpr const engine::Family* kFamilies[] = {
      &kStringFamily, &kStringSetFamily, &kLcsFamily, &kKeyFamily, &kExpiryFamily, &kScanFamily, &kObjectFamily,
      &kMultiFamily, &kConnectionFamily, &kClientFamily, &kClientListFamily, &kClientPauseFamily, &kServerFamily,
      &kConfigFamily, &kInfoFamily, &kDebugFamily, &kMonitorFamily, &kCommandFamily, &kHashFamily, &kBitmapFamily,
      &kHyperLogLogFamily, &kPubSubFamily, &kSetFamily, &kSetAlgebraFamily, &kListFamily, &kSortFamily, &kZsetFamily,
      &kZsetRangeFamily, &kZsetAlgebraFamily, &kStreamFamily, &kStreamReadFamily, &kStreamGroupFamily, &kXGroupFamily,
      &kStreamInfoFamily, &kFunctionFamily, &kGeoFamily, &kMemoryFamily, &kWaitFamily,
  };
  return kFamilies;
}

}  // namespace larder::inline v0::commands
