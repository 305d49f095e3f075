// The one call under all typed methods. Part of the public headers' machinery, not of the API.
//
// The work of a typed method is an *op* of the engine: a function, and a row with the call's name for MONITOR, whether
// it reads or writes, the number of keys, and whether it may need memory. RunTyped takes the row, the key and the
// arguments and does all that calls have in common. Inline code around it, compiled with the user's flags, makes the
// results. So a new call is an op with its row (lib/typed/op.h tells how), its declaration and some lines in the header
// of its type. HGET would be:
//
//   extern LARDER_API const TypedOp<std::string_view, Fetched*> kHashGet;  // its arguments behind the key
//
//   inline absl::StatusOr<std::optional<std::string>> Hash::Get(std::string_view field) const {
//     internal::Fetched fetched;
//     const internal::ErrorText* error = internal::RunTyped(target_, internal::kHashGet, key_, field, &fetched);
//     return internal::OptionalStringOf(error, fetched);
//   }
#ifndef LARDER_INTERNAL_TYPED_H_
#define LARDER_INTERNAL_TYPED_H_

#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <larder/export.h>
#include <larder/internal/error_text.h>

namespace larder::inline v0 {

namespace core {
class CacheCore;
}
namespace engine {
class Monitors;
}
namespace keyspace {
class Db;
struct Growth;
}

namespace internal {

// The database of a handle. A call by it is refused once its Transaction is over. REQUIRES: the cache exists.
struct Target {
  core::CacheCore* core;
  keyspace::Db* db;
  int index;             // of the database
  uint64_t transaction;  // the serial number of the Atomically of a Transaction's handle; else 0

  // Whether it is a Transaction's handle, usable while its function runs, on the thread that has the executor.
  bool held() const { return transaction != 0; }
};

enum class Access : uint8_t { kReads, kWrites };
enum class KeyCount : uint8_t { kNone, kOne, kSeveral };

// An op, as RunTyped sees it. `args` has RunTyped's arguments after the key, as a std::tuple.
struct OpRow {
  // If it is set, it is called first, on the caller's own thread and without the executor; it goes on with GoOn.
  const ErrorText* (*start)(const Target& target, const OpRow& row, std::string_view key, const void* args);
  // The op itself, under the executor.
  const ErrorText* (*run)(keyspace::Db& db, std::string_view key, uint64_t hash, const void* args);
  // About how much memory it will add; set for an op that may need memory.
  keyspace::Growth (*growth)(core::CacheCore& core, std::string_view key, const void* args);
  // Whether any holder may run it on its own thread (see lib/engine/short.h); an op without this always may.
  bool (*is_short)(keyspace::Db& db, std::string_view key, const void* args);
  // Adds its arguments to MONITOR's line.
  void (*show)(engine::Monitors& to, std::string_view key, const void* args);
  std::string_view name;  // the command's name; MONITOR does not show an op without a name
  Access access;
  KeyCount keys;
  bool hashes;  // it needs the hash of its one key, which is computed before the executor is taken
};

// The row of an op that takes `Args` after its key.
template <class... Args>
struct TypedOp {
  OpRow row;
};

// Returns nullptr for success. `key`: its key, the first of several, or nothing.
LARDER_API const ErrorText* RunTypedRow(const Target& target, const OpRow& row, std::string_view key, const void* args);

template <class... Args>
const ErrorText* RunTyped(const Target& target, const TypedOp<Args...>& op, std::string_view key,
                        std::type_identity_t<Args>... args) {
  const std::tuple<Args...> packed(args...);
  return RunTypedRow(target, op.row, key, &packed);
}

}  // namespace internal
}  // namespace larder::inline v0

#endif  // LARDER_INTERNAL_TYPED_H_
