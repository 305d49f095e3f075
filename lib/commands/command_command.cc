// COMMAND: what commands there are. Everything it says comes from the rows.
#include "lib/commands/command_command.h"

#include "lib/base/glob.h"
#include "lib/commands/family.h"
#include "lib/commands/help.h"
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
  const CommandTable& table = ctx.engine.commands();
  reply.Array(table.size());
  for (size_t i = 0; i < table.size(); ++i) WriteCommandInfo({&table.at(i), nullptr}, reply);
  return kOk;
}

Error CommandInfo(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  if (args.done()) return CommandAll(ctx, args, reply);
  reply.Array(args.remaining());
  while (!args.done()) {
    const CommandName command = FindByFullName(ctx.engine.commands(), args.Next());
    if (command.spec != nullptr) {
      WriteCommandInfo(command, reply);
    } else {
      reply.Null();
    }
  }
  return kOk;
}

void WriteNameAndDocs(const CommandName& command, ReplyWriter& reply) {
  char name[kFullNameMax];
  reply.Bulk(FullName(command, name));
  WriteCommandDocs(command, reply);
}

Error CommandDocs(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const CommandTable& table = ctx.engine.commands();
  if (args.done()) {
    reply.Map(table.size());
    for (size_t i = 0; i < table.size(); ++i) WriteNameAndDocs({&table.at(i), nullptr}, reply);
    return kOk;
  }
  size_t known = 0;
  for (Bytes name : args.rest()) known += FindByFullName(table, name).spec != nullptr;
  reply.Map(known);
  for (Bytes name : args.rest()) {
    const CommandName command = FindByFullName(table, name);
    if (command.spec != nullptr) WriteNameAndDocs(command, reply);
  }
  return kOk;
}

Error CommandCount(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  reply.Int(static_cast<int64_t>(ctx.engine.commands().size()));
  return kOk;
}

enum class ListFilter : uint8_t { kNone, kModule, kCategory, kPattern };

bool Fits(const CommandName& command, Bytes full_name, ListFilter filter, Bytes value) {
  switch (filter) {
    case ListFilter::kNone: return true;
    case ListFilter::kModule: return false;  // there are none
    case ListFilter::kCategory: return InCategory(*command.spec, value);
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
  auto write = [&](const CommandName& command) {
    char name[kFullNameMax];
    const Bytes full_name = FullName(command, name);
    if (!Fits(command, full_name, filter, value)) return;
    reply.Bulk(full_name);
    ++count;
  };
  const CommandTable& table = ctx.engine.commands();
  for (size_t i = 0; i < table.size(); ++i) {
    write({&table.at(i), nullptr});
    for (const CommandSpec& sub : table.at(i).subcommands) write({&sub, &table.at(i)});
  }
  reply.EndDeferredArray(mark, count);
  return kOk;
}

Error KeysOf(CommandContext& ctx, std::span<const Bytes> argv, bool with_flags, ReplyWriter& reply) {
  const CommandSpec* spec = ctx.engine.commands().Find(argv[0]);
  if (spec != nullptr && !spec->subcommands.empty() && argv.size() >= 2) {
    spec = CommandTable::FindSub(*spec, argv[1]);
  }
  if (spec == nullptr) return kInvalidCommand;
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

constexpr std::string_view kAnyOrder[] = {"nondeterministic_output_order"};
constexpr ArgSpec kNames[] = {{.name = "command-name", .optional = true, .multiple = true}};
constexpr HistoryItem kInfoHistory[] = {{"7.0.0", "Without arguments it tells about all commands."}};
constexpr ArgSpec kListFilters[] = {{.name = "module-name", .token = "MODULE"},
                                    {.name = "category", .token = "ACLCAT"},
                                    {.name = "pattern", .type = ArgType::kPattern, .token = "PATTERN"}};
constexpr ArgSpec kListArgs[] = {{.name = "filterby", .type = ArgType::kOneOf, .token = "FILTERBY", .optional = true,
                                  .args = kListFilters}};

constexpr uint32_t kFlags = kCmdLoading | kCmdStale;

constexpr CommandSpec kSubcommands[] = {
    {.name = "count", .run = CommandCount, .arity = Exactly(2), .flags = kFlags, .categories = kAclConnection,
     .summary = "How many commands there are.", .complexity = "O(1)", .group = Group::kServer, .since = "2.8.13"},
    {.name = "docs", .run = CommandDocs, .arity = AtLeast(2), .flags = kFlags, .categories = kAclConnection,
     .tips = kAnyOrder, .args = kNames, .summary = "What commands are for and what arguments they take.",
     .complexity = "O(N), N = commands asked for", .group = Group::kServer, .since = "7.0.0"},
    {.name = "getkeys", .run = CommandGetKeys, .arity = AtLeast(4), .flags = kFlags, .categories = kAclConnection,
     .summary = "The keys in a command.", .complexity = "O(N), N = arguments of the command", .group = Group::kServer,
     .since = "2.8.13"},
    {.name = "getkeysandflags", .run = CommandGetKeysAndFlags, .arity = AtLeast(4), .flags = kFlags,
     .categories = kAclConnection, .summary = "The keys in a command, and what it does with them.",
     .complexity = "O(N), N = arguments of the command", .group = Group::kServer, .since = "7.0.0"},
    {.name = "help", .run = CommandHelp, .arity = Exactly(2), .flags = kFlags, .categories = kAclConnection,
     .summary = "Tells what the subcommands do.", .complexity = "O(1)", .group = Group::kServer, .since = "5.0.0"},
    {.name = "info", .run = CommandInfo, .arity = AtLeast(2), .flags = kFlags, .categories = kAclConnection,
     .tips = kAnyOrder, .args = kNames, .summary = "Facts about commands: arity, flags, keys.",
     .complexity = "O(N), N = commands asked for", .group = Group::kServer, .since = "2.8.13",
     .history = kInfoHistory},
    {.name = "list", .run = CommandList, .arity = AtLeast(2), .flags = kFlags, .categories = kAclConnection,
     .tips = kAnyOrder, .args = kListArgs, .summary = "The names of the commands.",
     .complexity = "O(N), N = commands", .group = Group::kServer, .since = "7.0.0"},
};

constexpr CommandSpec kCommands[] = {
    {.name = "command", .run = CommandAll, .arity = AtLeast(1), .flags = kFlags, .categories = kAclConnection,
     .tips = kAnyOrder, .subcommands = kSubcommands, .summary = "Facts about every command.",
     .complexity = "O(N), N = commands", .group = Group::kServer, .since = "2.8.13"},
};

}  // namespace

CommandName FindByFullName(const CommandTable& table, Bytes name) {
  const size_t bar = name.find('|');
  const CommandSpec* command = table.Find(name.substr(0, bar));
  if (command == nullptr || bar == Bytes::npos) return {command, nullptr};
  const CommandSpec* sub = CommandTable::FindSub(*command, name.substr(bar + 1));
  return {sub, sub != nullptr ? command : nullptr};
}

Bytes FullName(const CommandName& command, char (&out)[kFullNameMax]) {
  if (command.parent == nullptr) return command.spec->name;
  const size_t container = command.parent->name.size();
  LARDER_CHECK(container + 1 + command.spec->name.size() <= kFullNameMax);
  base::CopyBytes(out, command.parent->name);
  out[container] = '|';
  base::CopyBytes(out + container + 1, command.spec->name);
  return {out, container + 1 + command.spec->name.size()};
}

std::span<const CommandSpec> CommandCommands() { return kCommands; }

}  // namespace larder::inline v0::commands
