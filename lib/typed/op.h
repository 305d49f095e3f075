// How to write the op of a typed call: a function, and a row with what it may need.
//
//   // lib/typed/strings.cc
//   Error Append(const OpAt& at, Bytes suffix, int64_t* length) {
//     LARDER_ASSIGN_OR_RETURN(*length, ops::strings::Append(at.db(), at.key, suffix));
//     return kOk;
//   }
//   keyspace::Growth GrowthOfAppend(core::CacheCore&, Bytes key, Bytes suffix, int64_t*) { ... }
//
//   constexpr TypedOp<std::string_view, int64_t*> internal::kAppend = OpOf({
//       .name = "APPEND", .access = Access::kWrites, .keys = KeyCount::kOne,
//       .run = Run<Append>, .growth = Growth<GrowthOfAppend>});
//
// All functions of one row take the same arguments after the key; the compiler checks that. A pointer argument is a
// result, or an argument that MONITOR does not show. The others make MONITOR's line, in their order, after the name
// and, for an op of one key, the key.
//
// `run` is called under the executor, perhaps on another thread than the caller's, and again if it has failed with
// kAllocationFailed and changed nothing. It must not wait, throw or call the cache. It puts results where its arguments
// point, in memory that exists already (internal::Fetched).
#ifndef LARDER_TYPED_OP_H_
#define LARDER_TYPED_OP_H_

#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "absl/functional/function_ref.h"
#include <larder/internal/typed.h>
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/core/core.h"
#include "lib/engine/monitor.h"
#include "lib/keyspace/db.h"
#include "lib/keyspace/room.h"

namespace larder::inline v0::typed {

using internal::Access;
using internal::KeyCount;
using internal::OpRow;
using internal::Target;
using internal::TypedOp;

// The database and key of an op.
struct OpAt {
 private:
  keyspace::Db& db_;

 public:
  OpAt(keyspace::Db& db, Bytes k, uint64_t h) : db_(db), key(k), hash(h) {}

  const Bytes key;
  const uint64_t hash;  // of the key, if the row wants it

  // Only the executor's holder runs an op. An op tells clang so by asking for its database.
  keyspace::Db& db() const LARDER_ASSERTS_HOLDER { return db_; }
};

// ---- From functions with arguments to the functions of a row
// -------------------------------------------------------------

// A function that takes Args after the key, as the row's `Function`, which takes them packed.
template <class Function, class... Args>
struct Packed {
  Function* function = nullptr;
  bool given = false;  // whether there is one: under UBSan, g++ takes no comparison of a function's address for a
                       // constant
};

using RunFunction = std::remove_pointer_t<decltype(OpRow::run)>;
using StartFunction = std::remove_pointer_t<decltype(OpRow::start)>;
using GrowthFunction = std::remove_pointer_t<decltype(OpRow::growth)>;
using ShortFunction = std::remove_pointer_t<decltype(OpRow::is_short)>;
using ShowFunction = std::remove_pointer_t<decltype(OpRow::show)>;

// Calls fn(args...) with the packed arguments.
template <class... Args, class F>
[[gnu::always_inline]] inline auto WithArgs(const void* args, F&& fn) {
  return std::apply(fn, *static_cast<const std::tuple<Args...>*>(args));
}

template <auto kFunction>
struct Packing;
template <class... Args, Error (*kFunction)(const OpAt&, Args...)>
struct Packing<kFunction> {
  static const ErrorText* Call(keyspace::Db& db, Bytes key, uint64_t hash, const void* args) {
    const OpAt at{db, key, hash};
    return WithArgs<Args...>(args, [&](const Args&... each) { return kFunction(at, each...); }).text();
  }
  static constexpr Packed<RunFunction, Args...> kPacked{Call, true};
};
template <class... Args, const ErrorText* (*kFunction)(const Target&, const OpRow&, Bytes, Args...)>
struct Packing<kFunction> {
  static const ErrorText* Call(const Target& target, const OpRow& row, Bytes key, const void* args) {
    return WithArgs<Args...>(args, [&](const Args&... each) { return kFunction(target, row, key, each...); });
  }
  static constexpr Packed<StartFunction, Args...> kPacked{Call, true};
};
template <class... Args, keyspace::Growth (*kFunction)(core::CacheCore&, Bytes, Args...)>
struct Packing<kFunction> {
  static keyspace::Growth Call(core::CacheCore& core, Bytes key, const void* args) {
    return WithArgs<Args...>(args, [&](const Args&... each) { return kFunction(core, key, each...); });
  }
  static constexpr Packed<GrowthFunction, Args...> kPacked{Call, true};
};
template <class... Args, bool (*kFunction)(keyspace::Db&, Bytes, Args...)>
struct Packing<kFunction> {
  static bool Call(keyspace::Db& db, Bytes key, const void* args) {
    return WithArgs<Args...>(args, [&](const Args&... each) {
      base::AssertHolder();
      return kFunction(db, key, each...);
    });
  }
  static constexpr Packed<ShortFunction, Args...> kPacked{Call, true};
};
template <class... Args, void (*kFunction)(engine::Monitors&, Bytes, Args...)>
struct Packing<kFunction> {
  [[gnu::cold]] static void Call(engine::Monitors& to, Bytes key, const void* args) {
    WithArgs<Args...>(args, [&](const Args&... each) { kFunction(to, key, each...); });
  }
  static constexpr Packed<ShowFunction, Args...> kPacked{Call, true};
};

// Packs a function; its type tells the member of the row.
template <auto kFunction>
inline constexpr auto By = Packing<kFunction>::kPacked;

// ---- MONITOR's line ------------------------------------------------------------------------------------------------

template <class T>
concept Showable = requires(engine::Monitors& to, const T& argument) { to.Add(argument); };
// Arguments that are no part of the line: results, and functions of the user's.
template <class T>
inline constexpr bool kUnshown = std::is_pointer_v<T>;
template <class R, class... Args>
inline constexpr bool kUnshown<absl::FunctionRef<R(Args...)>> = true;

template <bool kWithKey, class... Args>
[[gnu::cold]] void ShowAll(engine::Monitors& to, Bytes key, const void* args) {
  if constexpr (kWithKey) to.Add(key);
  const auto show = [&to]<class T>(const T& argument) {
    if constexpr (!kUnshown<T>) to.Add(argument);
  };
  WithArgs<Args...>(args, [&](const Args&... each) { (show(each), ...); });
}

// ---- Rows ----------------------------------------------------------------------------------------------------------

// The members of a row in an op's file. `start` is called first, without the executor, and ends with GoOn.
template <class... Args>
struct OpTraits {
  std::string_view name;
  Access access;
  KeyCount keys;
  bool hashes = false;
  bool makes_room_ahead = false;  // it may add much; this acts as a start, if there is no other
  Packed<RunFunction, Args...> run = {};
  Packed<StartFunction, Args...> start = {};
  Packed<GrowthFunction, Args...> growth = {};
  Packed<ShortFunction, Args...> is_short = {};
  Packed<ShowFunction, Args...> show = {};  // for a line that is not simply its arguments
};

// The rest of RunTyped after `start`.
const ErrorText* GoOn(const Target& target, const OpRow& row, Bytes key, const void* args);
template <class... Args>
const ErrorText* GoOn(const Target& target, const TypedOp<Args...>& op, Bytes key, std::type_identity_t<Args>... args) {
  const std::tuple<Args...> packed(args...);
  return GoOn(target, op.row, key, &packed);
}
// The same for a write that may add much: makes room for it first, in slices, between which others have their turn.
const ErrorText* GoOnWithRoom(const Target& target, const OpRow& row, Bytes key, const void* args);

// Nobody can call this: a row that would does not compile.
void AnArgumentCannotBeShownSoTheRowNeedsShow();

template <class... Args>
constexpr TypedOp<Args...> OpOf(const OpTraits<Args...>& traits) {
  ShowFunction* show = traits.show.function;
  bool shown = traits.show.given;
  if constexpr (((kUnshown<Args> || Showable<Args>) && ...)) {
    if (!shown) show = traits.keys == KeyCount::kOne ? ShowAll<true, Args...> : ShowAll<false, Args...>;
    shown = true;
  }
  if (!shown && traits.run.given) AnArgumentCannotBeShownSoTheRowNeedsShow();
  return {{.start = traits.makes_room_ahead ? GoOnWithRoom : traits.start.function,
           .run = traits.run.function,
           .growth = traits.growth.function,
           .is_short = traits.is_short.function,
           .show = show,
           .name = traits.name,
           .access = traits.access,
           .keys = traits.keys,
           .hashes = traits.hashes}};
}

// ---- For ops that make their own hold -------------------------------------------------------------------------

inline constexpr ErrorText kTransactionIsOver{
    absl::StatusCode::kFailedPrecondition,
    "a Transaction was used inside View, or after its function has returned, or in a fork of the process"};

// MONITOR's line of a call. REQUIRES: core.monitored().
void ShowToMonitors(core::CacheCore& core, int db, const OpRow& row, Bytes key, const void* args)
    LARDER_REQUIRES_HOLDER;
template <class... Args>
void ShowToMonitors(core::CacheCore& core, int db, const TypedOp<Args...>& op, Bytes key,
                    std::type_identity_t<Args>... args) LARDER_REQUIRES_HOLDER {
  const std::tuple<Args...> packed(args...);
  ShowToMonitors(core, db, op.row, key, &packed);
}

}  // namespace larder::inline v0::typed

#endif  // LARDER_TYPED_OP_H_
