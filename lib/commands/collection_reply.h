// Elements of collections in replies.
#ifndef LARDER_COMMANDS_COLLECTION_REPLY_H_
#define LARDER_COMMANDS_COLLECTION_REPLY_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/bytes.h"
#include "lib/commands/family.h"
#include "lib/keyspace/collection.h"
#include "lib/resp/writer.h"

namespace larder::inline v0::commands {

// Of COUNT in searches and in consumer groups.
inline constexpr ErrorText kCountMustBePositive{absl::StatusCode::kInvalidArgument, "ERR COUNT must be > 0"};

// The error that dispatch gives for a wrong number of arguments, where only the command can see it.
Error WrongArity(ArgReader& args, ReplyWriter& reply);

// Part `i` of a record as a bulk, by reference if it is large.
void ReplyPart(const keyspace::Collection& collection, const char* record, int i, resp::ReplyWriter& reply);

// For rows: whether a command that reads or copies all of the collection at argv[1] is short.
bool CollectionIsShort(CommandContext& ctx, std::span<const Bytes> argv);

// The count of HRANDFIELD and its like, and the word that may follow it, with which a reply has twice as many elements.
// Errors: kNotInteger, kNotCount, kSyntax, kNotInRange.
Result<int64_t> ParseRandomCount(ArgReader& args, Bytes option, bool* with_option);
// Before a collection that is not empty is asked for so many picks with repeats: Redis writes until it has no memory.
// Errors: kNotInRange.
Error CheckRandomCount(int64_t count);

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_COLLECTION_REPLY_H_
