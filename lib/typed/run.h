// The hot path of a typed call, for lib/typed alone. run.cc has the other paths, and the whole picture.
#ifndef LARDER_TYPED_RUN_H_
#define LARDER_TYPED_RUN_H_

#include <cstdint>
#include <tuple>

#include "lib/base/holder.h"
#include "lib/executor/executor.h"
#include "lib/keyspace/keyspace.h"
#include "lib/typed/op.h"

namespace larder::inline v0::typed {

using core::CacheCore;

// The ways out of the hot path. They take their arguments in registers, so that these need not be in memory.

// For a call that does not find the executor free.
[[gnu::noinline]] const ErrorText* RunElsewhere(const Target& target, const OpRow& row, Bytes key, uint64_t hash,
                                                const void* args);
// Goes on when the op has failed with `error`, and gives the executor back.
[[gnu::cold, gnu::noinline]] const ErrorText* RunAfterFailing(const Target& target, const OpRow& row, Bytes key,
                                                              uint64_t hash, const void* args,
                                                              const ErrorText* error) LARDER_RELEASES_HOLDER;
// Makes room within maxmemory for the memory that the op adds.
[[gnu::cold, gnu::noinline]] const ErrorText* AdmitGrowth(const Target& target, const OpRow& row, Bytes key,
                                                          const void* args) LARDER_REQUIRES_HOLDER;

// One call.
struct Call {
  const Target& target;
  const OpRow& row;
  Bytes key;
  uint64_t hash;
  const void* args;

  CacheCore& core() const { return *target.core; }
  keyspace::Db& db() const { return *target.db; }
  const ErrorText* Op() const LARDER_REQUIRES_HOLDER { return row.run(*target.db, key, hash, args); }
  bool grows() const { return row.growth != nullptr; }
};

// Reads a string without the executor, if possible. No read does so yet. It is tried at this place because a read
// beside the executor must not even look at it.
constexpr bool TryBeside(const Call&) { return false; }

// The part of a hold before the op. Returns why the op may not run.
[[gnu::always_inline]] inline const ErrorText* BeginHold(const Call& call, bool shows = true) LARDER_REQUIRES_HOLDER {
  keyspace::Keyspace& keyspace = call.db().keyspace();
  keyspace.BeginTypedOp();
  if (call.grows() && keyspace.config().maxmemory != 0) [[unlikely]] {
    const ErrorText* error = AdmitGrowth(call.target, call.row, call.key, call.args);
    if (error != nullptr) return error;
  }
  if (call.core().monitored() && shows) [[unlikely]] {
    ShowToMonitors(call.core(), call.target.index, call.row, call.key, call.args);
  }
  return nullptr;
}

// The part after the op.
[[gnu::always_inline]] inline void EndHold(const Call& call) LARDER_REQUIRES_HOLDER {
  keyspace::Keyspace& keyspace = call.db().keyspace();
  if (call.grows()) keyspace.NotePeak();
  call.core().AfterOp(keyspace);
}

// `run` is the row's, or the same function to be inlined here.
template <class Run>
[[gnu::always_inline]] inline const ErrorText* RunFromHere(const Target& target, const OpRow& row, Bytes key,
                                                           const void* args, Run run) {
  const Call call{target, row, key, row.hashes ? target.db->Hash(key) : 0, args};
  if (row.access == Access::kReads && TryBeside(call)) return nullptr;
  executor::Executor& executor = call.core().executor();
  if (target.held() || !executor.TryAcquire()) [[unlikely]] {
    return RunElsewhere(target, row, key, call.hash, args);
  }
  const ErrorText* error = BeginHold(call);
  if (error == nullptr) [[likely]] {
    error = run(*target.db, key, call.hash, args);
    if (error != nullptr && call.grows()) [[unlikely]] {
      return RunAfterFailing(target, row, key, call.hash, args, error);
    }
  }
  EndHold(call);
  executor.Release();
  return error;
}

// A start for a row whose op is so hot that it has its own code, with the op inlined. The compiler knows the row, so
// nothing is looked up in it.
template <const auto& kOp, auto kFunction, class... Args>
const ErrorText* RunInlined(const Target& target, const OpRow&, Bytes key, Args... args) {
  const std::tuple<Args...> packed(args...);
  const auto run = [&](keyspace::Db& db, Bytes k, uint64_t hash, const void*) {
    return kFunction(OpAt{db, k, hash}, args...).text();
  };
  return RunFromHere(target, kOp.row, key, &packed, run);
}

}  // namespace larder::inline v0::typed

#endif  // LARDER_TYPED_RUN_H_
