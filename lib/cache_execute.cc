// Any command: Database::Execute and ExecuteAsync.
#include <larder/cache.h>

#include <utility>

#include "lib/base/status.h"
#include "lib/core/core.h"
#include "lib/core/run_once.h"
#include "lib/typed/op.h"

namespace larder::inline v0 {
namespace {

constexpr ErrorText kNotInTransaction{absl::StatusCode::kFailedPrecondition,
                                      "ExecuteAsync runs later, so it may not be called of a Transaction"};

}  // namespace

absl::StatusOr<Reply> Database::Execute(std::span<const std::string_view> argv) const {
  if (target_.held() && !target_.core->MayTransact(target_.transaction)) {
    return internal::StatusOf(typed::kTransactionIsOver);
  }
  return core::ExecuteOnce(*target_.core, target_.index, argv, target_.held());
}

absl::Status Database::ExecuteAsync(std::span<const std::string_view> argv, ReplyCallback callback) const {
  if (target_.held()) return internal::StatusOf(kNotInTransaction);
  if (argv.empty()) return core::EmptyArgv();
  if (callback == nullptr) {
    return base::MakeStatus(absl::StatusCode::kInvalidArgument, "ExecuteAsync: there is no callback");
  }
  return target_.core->async().Execute(target_.index, argv, std::move(callback));
}

}  // namespace larder::inline v0
