// RunTyped: the common part of all typed calls. lib/internal/typed.h has its arguments.
//
//                     start (if the row has one)
//                       │
//   hash ─► beside? ─► the executor is free ─────────────────────────► hold ─► done
//                       │ it is this thread's (a Transaction) ───────► hold, with room made at once
//                       └ it is busy: wait, be run by its holder ────► hold ◄─┐
//                                                                        └────┘ no memory: search for room, others in between
//
// A hold: room within maxmemory for an op that adds memory, MONITOR's line, the op, and AfterOp.
//
// The first path is the hot one (run.h): straight code with one call through the row. The others are out of line.
#include "lib/typed/run.h"

#include "lib/keyspace/errors.h"

namespace larder::inline v0::typed {
namespace {

// For a Transaction's call: this thread has the executor, and keeps it.
const ErrorText* RunHeld(const Call& call) {
  if (!call.core().MayTransact(call.target.transaction)) return &kTransactionIsOver;
  base::AssertHolder();
  const ErrorText* error = BeginHold(call);
  if (error == nullptr) {
    error = call.Op();
    if (error == &errors::kAllocationFailed && call.grows()) [[unlikely]] {
      const Error failed = *error;
      const auto again = [&]() LARDER_REQUIRES_HOLDER -> Error {
        const ErrorText* failure = call.Op();
        return failure == nullptr ? kOk : Error(*failure);
      };
      error = call.db().keyspace().limit().RetryWithRoom(failed, again).text();
    }
  }
  EndHold(call);
  return error;
}

// The state, between its holds, of a call that may need memory. It enters and leaves its stay by hand: a destructor
// would slow down writes that need none.
struct Searching {
  bool again = false;  // room was made, so the op must run once more
  bool stays = false;
  bool shown = false;  // MONITOR's line was made
  keyspace::SourceSearch search;

  // Takes a step of the search for room after the op has failed with `error`.
  [[gnu::cold, gnu::noinline]] const ErrorText* SearchRoom(CacheCore& core, const ErrorText* error)
      LARDER_REQUIRES_HOLDER {
    if (error != &errors::kAllocationFailed || !core.engine().keyspace().limit().SearchRoom(&search)) return error;
    if (!stays && !core.closing().EnterStay()) return CacheCore::ErrorOf(executor::Outcome::kClosed);
    stays = again = true;
    return error;
  }
};

// Does one hold of a call.
const ErrorText* Hold(const Call& call, Searching& searching) LARDER_REQUIRES_HOLDER {
  const ErrorText* error = BeginHold(call, /*shows=*/!searching.shown);
  searching.shown = true;
  if (error == nullptr) error = call.Op();
  if (error != nullptr && call.grows()) [[unlikely]] error = searching.SearchRoom(call.core(), error);
  EndHold(call);
  return error;
}

// Waits for the executor, or goes on after a first hold that has found no memory. Others have their turn between any
// two holds.
const ErrorText* RunInHolds(const Call& call, Searching& searching) {
  const ErrorText* error = nullptr;
  do {
    searching.again = false;
    const executor::Outcome outcome = call.core().executor().Run(
        [&]() LARDER_REQUIRES_HOLDER { error = Hold(call, searching); },
        [&](int stage) LARDER_REQUIRES_HOLDER {
          if (call.row.hashes) call.db().PrefetchHashed(call.hash, stage);
          else if (call.row.keys != KeyCount::kNone) call.db().Prefetch(call.key, stage);
        },
        [&]() LARDER_REQUIRES_HOLDER {
          return call.row.is_short == nullptr || call.row.is_short(call.db(), call.key, call.args);
        });
    if (outcome != executor::Outcome::kRan) error = CacheCore::ErrorOf(outcome);
  } while (searching.again);
  if (searching.stays) call.core().closing().LeaveStay();
  return error;
}

}  // namespace

const ErrorText* AdmitGrowth(const Target& target, const OpRow& row, Bytes key, const void* args) {
  keyspace::Growth growth = row.growth(*target.core, key, args);
  growth.at_once = target.held();
  return target.db->keyspace().limit().Admit(growth).text();
}

const ErrorText* RunAfterFailing(const Target& target, const OpRow& row, Bytes key, uint64_t hash, const void* args,
                                 const ErrorText* error) {
  const Call call{target, row, key, hash, args};
  Searching searching;
  searching.shown = true;
  error = searching.SearchRoom(call.core(), error);
  EndHold(call);
  call.core().executor().Release();
  return searching.again ? RunInHolds(call, searching) : error;
}

const ErrorText* RunElsewhere(const Target& target, const OpRow& row, Bytes key, uint64_t hash, const void* args) {
  const Call call{target, row, key, hash, args};
  if (target.held()) return RunHeld(call);
  Searching searching;
  return RunInHolds(call, searching);
}

const ErrorText* GoOn(const Target& target, const OpRow& row, Bytes key, const void* args) {
  return RunFromHere(target, row, key, args, row.run);
}

const ErrorText* GoOnWithRoom(const Target& target, const OpRow& row, Bytes key, const void* args) {
  CacheCore& core = *target.core;
  core::Stay stay;
  const uint64_t maxmemory = core.limits().maxmemory.load(std::memory_order_relaxed);
  if (maxmemory != 0 && !target.held()) {
    const keyspace::Growth growth = row.growth(core, key, args);
    if (growth.value_bytes <= maxmemory) core.MakeRoomAhead(growth.bytes, 0, &stay);  // a larger value will be refused
  }
  return GoOn(target, row, key, args);
}

void ShowToMonitors(CacheCore& core, int db, const OpRow& row, Bytes key, const void* args) {
  if (row.name.empty()) return;
  engine::Monitors& monitors = core.engine().monitors();
  monitors.BeginLine(core.clock().NowUs(), db, engine::kOwnCaller);
  monitors.Add(row.name);
  row.show(monitors, key, args);
  monitors.EndLine();
}

}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

const ErrorText* RunTypedRow(const Target& target, const OpRow& row, std::string_view key, const void* args) {
  if (row.start != nullptr) return row.start(target, row, key, args);
  return typed::GoOn(target, row, key, args);
}

}  // namespace larder::inline v0::internal
