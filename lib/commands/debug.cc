// DEBUG: for tests of the server. Dispatch lets it through only where enable-debug-command allows it. It has no rows
// for its subcommands, as in Redis, and parses them itself.
#include <cmath>
#include <condition_variable>
#include <mutex>

#include "lib/commands/entry_text.h"
#include "lib/commands/families.h"
#include "lib/commands/help.h"
#include "lib/commands/shapes.h"
#include "lib/engine/text.h"
#include "lib/keyspace/structure.h"

namespace larder::inline v0::commands {
namespace {

// The number that the text starts with, and 0 if it starts with none, as C's strtod reads "0.5x" and "x".
double LeadingDouble(Bytes text) {
  double value = 0;
  while (!text.empty() && !base::ParseDouble(text, &value)) text.remove_suffix(1);
  return text.empty() ? 0 : value;
}

// Holds the executor while it waits: nobody else's command runs, as in Redis. The clock is the cache's, so that a test
// with a clock of its own decides when it ends.
Error Sleep(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const double seconds = LeadingDouble(args.Next().substr(0, 64));
  constexpr double kSecondsMax = 1e9;
  if (seconds > 0) {
    Clock& clock = ctx.engine().clock();
    int64_t until_us;
    if (__builtin_add_overflow(clock.NowUs(), std::llround(std::fmin(seconds, kSecondsMax) * 1e6), &until_us)) {
      until_us = INT64_MAX - 1;  // not never
    }
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock<std::mutex> lock(mutex);
    while (clock.WaitUntil(lock, never, until_us)) {
    }
  }
  reply.Ok();
  return kOk;
}

// What the value takes in an RDB file, without compression; of a collection, what it takes in memory, which is about as
// much.
size_t SerializedLength(const keyspace::Entry& entry) {
  size_t size = 0;
  if (entry.type() != keyspace::Type::kString) {
    switch (entry.storage()) {
      case keyspace::Entry::Storage::kInline: return entry.inline_value().size();
      case keyspace::Entry::Storage::kBlock: return entry.block()->size();
      case keyspace::Entry::Storage::kStructure: return entry.structure()->bytes;
      case keyspace::Entry::Storage::kInteger: return 0;
    }
  }
  int64_t number = 0;
  bool is_number = entry.storage() == keyspace::Entry::Storage::kInteger;
  if (is_number) {
    number = entry.integer();
    char digits[base::kIntChars];
    size = base::FormatInt64(number, digits).size();
  } else {
    const bool in_block = entry.storage() == keyspace::Entry::Storage::kBlock;
    const Bytes text = in_block ? entry.block()->view() : entry.inline_value();
    size = text.size();
    is_number = size <= 11 && base::ParseInt64(text, &number);
  }
  if (is_number && number >= INT32_MIN && number <= INT32_MAX) {
    return number >= INT8_MIN && number <= INT8_MAX ? 2 : number >= INT16_MIN && number <= INT16_MAX ? 3 : 5;
  }
  return size + (size < 64 ? 1 : size < 16384 ? 2 : 5);
}

Error Object(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const keyspace::Entry* entry = ctx.db().Find(args.Key(), keyspace::Lookup::kPeek);
  if (entry == nullptr) return errors::kNoSuchKey;
  char hex[2 * sizeof(void*)];
  const auto end = std::to_chars(hex, hex + sizeof(hex), reinterpret_cast<uintptr_t>(entry), 16);
  base::Buffer text;
  TextWriter(text) << "Value at:0x" << Bytes(hex, static_cast<size_t>(end.ptr - hex))
                   << " refcount:" << References(ctx.engine().options(), *entry)
                   << " encoding:" << EncodingName(entry->encoding())
                   << " serializedlength:" << SerializedLength(*entry) << " lru:" << entry->access_data()
                   << " lru_seconds_idle:" << ctx.keyspace().IdleSeconds(*entry);
  if (text.failed()) return errors::kAllocationFailed;
  reply.Simple(text.view());
  return kOk;
}

Error SetActiveExpire(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  ctx.engine().set_active_expire(LeadingDouble(args.Next().substr(0, 64)) != 0);
  reply.Ok();
  return kOk;
}

constexpr Bytes kHelpFirst = "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:";
constexpr Bytes kHelp[] = {
    "OBJECT <key>",
    "    Where the key's value is, how it is encoded, and when it was last used.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    With 0, keys that have expired stay until somebody asks for them.",
    "SLEEP <seconds>",
    "    Do nothing for so long, and let nobody else do anything. Decimals allowed.",
};

Error Debug(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes word = args.Peek();
  if (args.remaining() == 1 && args.Take("help")) {
    WriteHelp(reply, kHelpFirst, kHelp);
    return kOk;
  }
  if (args.remaining() == 2) {
    if (args.Take("sleep")) return Sleep(ctx, args, reply);
    if (args.Take("object")) return Object(ctx, args, reply);
    if (args.Take("set-active-expire")) return SetActiveExpire(ctx, args, reply);
  }
  reply.Error({"ERR unknown subcommand or wrong number of arguments for '", UpToNul(word.substr(0, 128)),
               "'. Try DEBUG HELP."});
  return kReplied;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr auto kRows = Rows({.group = Group::kServer}, {
    {.name = "debug", .run = Debug, .arity = AtLeast(2), .flags = kAdmin | kCmdProtected | kCmdSystem,
     .summary = "Commands for those who test the server.", .complexity = "That of the subcommand", .since = "1.0.0"},
});

}  // namespace

constinit const Family kDebugFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
