// COMMAND: what commands there are. Everything it says comes from the rows.
#include "lib/commands/command_command.h"

#include "lib/base/glob.h"
#include "lib/commands/families.h"
#include "lib/commands/help.h"
#include "lib/commands/shapes.h"
#include "lib/engine/command_keys.h"

namespace larder::inline v0::commands {
namespace {

constexpr ErrorText kInvalidCommand{absl::StatusCode::kInvalidArgument, "ERR Invalid command specified"};
constexpr ErrorText kNoKeys{absl::StatusCode::kInvalidArgument, "ERR The command has no key arguments"};
constexpr ErrorText kInvalidCount{absl::StatusCode::kInvalidArgument,
                                  "ERR Invalid number of arguments specified for command"};
constexpr ErrorText kInvalidArguments{absl::StatusCode::kInvalidArgument,
                                      "ERR Invalid arguments specified for command"};

Error CommandAll(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  const CommandTable& table = ctx.engine().commands();
  reply.Array(table.command_count());
  for (const CommandRow& row : table.rows()) {
    if (row.container == nullptr) WriteCommandInfo(row, reply);
  }
  return kOk;
}

Error CommandInfo(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  if (args.done()) return CommandAll(ctx, args, reply);
  reply.Array(args.remaining());
  while (!args.done()) {
    const CommandRow* const row = ctx.engine().commands().FindByFullName(args.Next());
    if (row != nullptr) {
      WriteCommandInfo(*row, reply);
    } else {
      reply.Null();
    }
  }
  return kOk;
}

void WriteNameAndDocs(const CommandRow& row, ReplyWriter& reply) {
  char name[kFullNameMax];
  reply.Bulk(FullName(row, name));
  WriteCommandDocs(row, reply);
}

Error CommandDocs(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const CommandTable& table = ctx.engine().commands();
  if (args.done()) {
    reply.Map(table.command_count());
    for (const CommandRow& row : table.rows()) {
      if (row.container == nullptr) WriteNameAndDocs(row, reply);
    }
    return kOk;
  }
  size_t known = 0;
  for (Bytes name : args.rest()) known += table.FindByFullName(name) != nullptr;
  reply.Map(known);
  for (Bytes name : args.rest()) {
    const CommandRow* const row = table.FindByFullName(name);
    if (row != nullptr) WriteNameAndDocs(*row, reply);
  }
  return kOk;
}

Error CommandCount(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  reply.Int(static_cast<int64_t>(ctx.engine().commands().command_count()));
  return kOk;
}

enum class ListFilter : uint8_t { kNone, kModule, kCategory, kPattern };

bool Fits(const CommandSpec& spec, Bytes full_name, ListFilter filter, Bytes value) {
  switch (filter) {
    case ListFilter::kNone: return true;
    case ListFilter::kModule: return false;  // there are none
    case ListFilter::kCategory: return InCategory(spec, value);
    case ListFilter::kPattern: return base::GlobMatch(value, full_name, /*ignore_case=*/true);
  }
  return false;
}

Error CommandList(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  ListFilter filter = ListFilter::kNone;
  Bytes value;
  if (args.remaining() == 3 && args.Take("filterby")) {
    filter = args.Take("module")    ? ListFilter::kModule
             : args.Take("aclcat")  ? ListFilter::kCategory
             : args.Take("pattern") ? ListFilter::kPattern
                                    : ListFilter::kNone;
    if (filter == ListFilter::kNone) return errors::kSyntax;
    value = args.Next();
  } else if (!args.done()) {
    return errors::kSyntax;
  }
  const size_t mark = reply.BeginDeferred();
  size_t count = 0;
  for (const CommandRow& row : ctx.engine().commands().rows()) {
    char name[kFullNameMax];
    const Bytes full_name = FullName(row, name);
    if (!Fits(*row.spec, full_name, filter, value)) continue;
    reply.Bulk(full_name);
    ++count;
  }
  reply.EndDeferredArray(mark, count);
  return kOk;
}

Error KeysOf(CommandContext& ctx, std::span<const Bytes> argv, bool with_flags, ReplyWriter& reply) {
  const CommandRow* const row = ctx.engine().commands().FindFor(argv);
  if (row == nullptr) return kInvalidCommand;
  const CommandSpec* const spec = row->spec;
  if (!MayHaveKeys(*spec)) return kNoKeys;
  const int64_t size = static_cast<int64_t>(argv.size());
  if (spec->arity >= 0 ? size != spec->arity : size < -spec->arity) return kInvalidCount;

  const size_t mark = reply.BeginDeferred();
  size_t count = 0;
  const bool fits = ForEachKey(*spec, argv, [&](size_t position, uint16_t flags) {
    ++count;
    if (with_flags) reply.Array(2);
    reply.Bulk(argv[position]);
    if (with_flags) WriteKeyFlags(flags, reply);
  });
  if (!fits || count == 0) {
    reply.Rewind(mark);
    if ((spec->flags & kCmdNoMandatoryKeys) == 0) return kInvalidArguments;
    reply.Array(0);
    return kOk;
  }
  reply.EndDeferredArray(mark, count);
  return kOk;
}

Error CommandGetKeys(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  return KeysOf(ctx, args.rest(), /*with_flags=*/false, reply);
}

Error CommandGetKeysAndFlags(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  return KeysOf(ctx, args.rest(), /*with_flags=*/true, reply);
}

constexpr Bytes kHelpFirst = "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:";
constexpr Bytes kHelp[] = {
    "(no subcommand)",
    "    Facts about every command.",
    "COUNT",
    "    How many commands there are.",
    "LIST [FILTERBY (MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>)]",
    "    The names of the commands, subcommands included.",
    "INFO [<command-name> ...]",
    "    Facts about these commands, or about all.",
    "DOCS [<command-name> ...]",
    "    What these commands, or all, are for and what arguments they take.",
    "GETKEYS <full-command>",
    "    The keys in this command.",
    "GETKEYSANDFLAGS <full-command>",
    "    The keys in this command, and what it does with them.",
};

Error CommandHelp(CommandContext&, ArgReader, ReplyWriter& reply) {
  WriteHelp(reply, kHelpFirst, kHelp);
  return kOk;
}

constexpr ArgSpec kNames[] = {{.name = "command-name", .optional = true, .multiple = true}};
constexpr HistoryItem kInfoHistory[] = {{"7.0.0", "Without arguments it tells about all commands."}};
constexpr ArgSpec kListFilters[] = {{.name = "module-name", .token = "MODULE"},
                                    {.name = "category", .token = "ACLCAT"},
                                    {.name = "pattern", .type = ArgType::kPattern, .token = "PATTERN"}};
constexpr ArgSpec kListArgs[] = {{.name = "filterby", .type = ArgType::kOneOf, .token = "FILTERBY", .optional = true,
                                  .args = kListFilters}};

constexpr uint32_t kFlags = kCmdLoading | kCmdStale;

constexpr auto kSubcommands = Rows({.group = Group::kServer, .categories = kAclConnection}, {
    {.name = "count", .run = CommandCount, .arity = Exactly(2), .flags = kFlags,
     .summary = "How many commands there are.", .complexity = "O(1)", .since = "2.8.13"},
    {.name = "docs", .run = CommandDocs, .arity = AtLeast(2), .flags = kFlags, .tips = kAnyOrder, .args = kNames,
     .summary = "What commands are for and what arguments they take.", .complexity = "O(N), N = commands asked for",
     .since = "7.0.0"},
    {.name = "getkeys", .run = CommandGetKeys, .arity = AtLeast(4), .flags = kFlags,
     .summary = "The keys in a command.", .complexity = "O(N), N = arguments of the command", .since = "2.8.13"},
    {.name = "getkeysandflags", .run = CommandGetKeysAndFlags, .arity = AtLeast(4), .flags = kFlags,
     .summary = "The keys in a command, and what it does with them.",
     .complexity = "O(N), N = arguments of the command", .since = "7.0.0"},
    {.name = "help", .run = CommandHelp, .arity = Exactly(2), .flags = kFlags,
     .summary = "Tells what the subcommands do.", .complexity = "O(1)", .since = "5.0.0"},
    {.name = "info", .run = CommandInfo, .arity = AtLeast(2), .flags = kFlags, .tips = kAnyOrder, .args = kNames,
     .summary = "Facts about commands: arity, flags, keys.", .complexity = "O(N), N = commands asked for",
     .since = "2.8.13", .history = kInfoHistory},
    {.name = "list", .run = CommandList, .arity = AtLeast(2), .flags = kFlags, .tips = kAnyOrder, .args = kListArgs,
     .summary = "The names of the commands.", .complexity = "O(N), N = commands", .since = "7.0.0"},
});

constexpr auto kRows = Rows({.group = Group::kServer, .categories = kAclConnection}, {
    {.name = "command", .run = CommandAll, .arity = AtLeast(1), .flags = kFlags, .tips = kAnyOrder,
     .summary = "Facts about every command.", .complexity = "O(N), N = commands", .since = "2.8.13"},
});

}  // namespace

constinit const Family kCommandFamily = {.commands = kRows, .container = "command", .subcommands = kSubcommands};

}  // namespace larder::inline v0::commands
