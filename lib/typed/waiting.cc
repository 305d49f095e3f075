// The typed calls that wait. See internal/waiting.h.
#include <larder/internal/waiting.h>

#include "lib/core/core.h"
#include "lib/core/parked_thread.h"
#include "lib/core/run_once.h"
#include "lib/typed/op.h"

namespace larder::inline v0::internal {

void ParkedCall::Await() { status_ = thread_.Await(); }
void ParkedCall::Stop() { thread_.Stop(); }

absl::StatusOr<Reply> ExecuteWaiting(const Target& target, std::span<const std::string_view> argv, bool may_wait,
                                     absl::FunctionRef<void(ParkedCall& call)> await) {
  if (target.held() && !target.core->MayTransact(target.transaction)) return StatusOf(typed::kTransactionIsOver);
  const auto park = [&](core::ParkedThread& thread) {
    ParkedCall call(thread);
    await(call);
    return call.status();
  };
  const core::WaitAs wait{.may_wait = may_wait, .await = park};
  return core::ExecuteOnce(*target.core, target.index, argv, target.held(), wait);
}

}  // namespace larder::inline v0::internal
