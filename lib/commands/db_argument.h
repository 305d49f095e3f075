// A database as an argument.
#ifndef LARDER_COMMANDS_DB_ARGUMENT_H_
#define LARDER_COMMANDS_DB_ARGUMENT_H_

#include <cstdint>

#include "lib/commands/family.h"
#include "lib/keyspace/errors.h"

namespace larder::inline v0::commands {

// The number that stands next, whether or not there is such a database. `not_a_number`, `too_large`: what is said of
// other words, and of numbers beyond 32 bits.
inline Result<int> ReadDbIndex(ArgReader& args, const ErrorText& not_a_number = errors::kNotInteger,
                               const ErrorText& too_large = errors::kNotInt32) {
  LARDER_ASSIGN_OR_RETURN(const int64_t index, args.Int(not_a_number));
  if (index < INT32_MIN || index > INT32_MAX) return too_large;
  return static_cast<int>(index);
}

// The database of this number, made if nobody has used it yet.
inline Result<keyspace::Db*> DbAt(CommandContext& ctx, int index) {
  if (index < 0 || index >= ctx.keyspace().config().databases) return errors::kDbOutOfRange;
  keyspace::Db* const db = ctx.keyspace().db(index);
  if (db == nullptr) return errors::kAllocationFailed;
  return db;
}

// Both at once.
inline Result<keyspace::Db*> ReadDb(CommandContext& ctx, ArgReader& args) {
  LARDER_ASSIGN_OR_RETURN(const int index, ReadDbIndex(args));
  return DbAt(ctx, index);
}

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_DB_ARGUMENT_H_
