// FUNCTION, as far as a server goes that can load no library: FLUSH, which has nothing to delete, and LIST, which has
// nothing to list. Test suites and tools send FLUSH beside FLUSHALL. LOAD and the rest are not there.
#include "lib/commands/families.h"
#include "lib/commands/help.h"
#include "lib/commands/shapes.h"
#include "lib/engine/text.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kBadFlushMode{absl::StatusCode::kInvalidArgument,
                                  "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"};
constexpr ErrorText kNoLibraryName{absl::StatusCode::kInvalidArgument, "ERR library name argument was not given"};

// Like redis-server's, these words end at a NUL.
bool Is(Bytes argument, Bytes word) { return base::EqualsIgnoreCase(UpToNul(argument), word); }

Error FunctionFlush(CommandContext&, ArgReader args, resp::ReplyWriter& reply) {
  if (args.remaining() > 1) {
    reply.Error({"ERR unknown subcommand or wrong number of arguments for '", UpToNul(args.argv()[1]).substr(0, 128),
                 "'. Try FUNCTION HELP."});
    return kReplied;
  }
  if (!args.done() && !Is(args.Peek(), "sync") && !Is(args.Peek(), "async")) return kBadFlushMode;
  reply.Ok();
  return kOk;
}

Error FunctionList(CommandContext&, ArgReader args, resp::ReplyWriter& reply) {
  bool with_code = false;
  bool has_pattern = false;
  while (!args.done()) {
    const Bytes word = args.Next();
    if (!with_code && Is(word, "withcode")) {
      with_code = true;
    } else if (!has_pattern && Is(word, "libraryname")) {
      if (args.done()) return kNoLibraryName;
      args.Next();
      has_pattern = true;
    } else {
      reply.Error({"ERR Unknown argument ", UpToNul(word)});
      return kReplied;
    }
  }
  reply.Array(0);
  return kOk;
}

Error FunctionHelp(CommandContext&, ArgReader, resp::ReplyWriter& reply) {
  constexpr Bytes kLines[] = {
      "FLUSH [ASYNC|SYNC]",
      "    Delete all libraries. There are none.",
      "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
      "    List the libraries. There are none.",
  };
  WriteHelp(reply, "FUNCTION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", kLines);
  return kOk;
}

constexpr ArgSpec kFlushModes[] = {{.name = "async", .type = ArgType::kPureToken, .token = "ASYNC"},
                                   {.name = "sync", .type = ArgType::kPureToken, .token = "SYNC"}};
constexpr ArgSpec kFlushArgs[] = {{.name = "async", .type = ArgType::kOneOf, .optional = true, .args = kFlushModes}};
constexpr ArgSpec kListArgs[] = {
    {.name = "library-name-pattern", .type = ArgType::kString, .token = "LIBRARYNAME", .optional = true},
    {.name = "withcode", .type = ArgType::kPureToken, .token = "WITHCODE", .optional = true}};

constexpr auto kSubcommands = Rows({.group = Group::kScripting, .categories = kAclScripting}, {
    {.name = "flush", .run = FunctionFlush, .arity = AtLeast(2), .flags = kWrites | kCmdNoscript, .tips = kAllShards,
     .args = kFlushArgs, .summary = "Deletes all libraries of functions; there are none.", .complexity = "O(1)",
     .since = "7.0.0"},
    {.name = "help", .run = FunctionHelp, .arity = Exactly(2), .flags = kCmdLoading | kCmdStale,
     .summary = "Lists the subcommands.", .complexity = "O(1)", .since = "7.0.0"},
    {.name = "list", .run = FunctionList, .arity = AtLeast(2), .flags = kCmdNoscript | kCmdShort, .tips = kAnyOrder,
     .args = kListArgs, .summary = "Lists the libraries of functions; there are none.", .complexity = "O(1)",
     .since = "7.0.0"},
});

constexpr auto kRows = Rows({.group = Group::kScripting}, {
    {.name = "function", .arity = AtLeast(2), .summary = "Libraries of functions; a container of subcommands.",
     .complexity = "Each subcommand says its own.", .since = "7.0.0"},
});

}  // namespace

constinit const Family kFunctionFamily = {.commands = kRows, .container = "function", .subcommands = kSubcommands};

}  // namespace larder::inline v0::commands
