// COMMAND DOCS: a map a command, with members only for what its row has.
#include <iterator>

#include "lib/commands/command_command.h"

namespace larder::inline v0::commands {
namespace {

constexpr Bytes kGroups[] = {"generic",   "string",      "list",    "set",      "sorted-set", "hash",
                             "pubsub",    "transactions", "connection", "server", "scripting",  "hyperloglog",
                             "cluster",   "sentinel",    "geo",     "stream",   "bitmap"};
static_assert(std::size(kGroups) == static_cast<size_t>(Group::kBitmap) + 1);

constexpr Bytes kArgTypes[] = {"string",  "integer",   "double",     "key",   "pattern",
                               "unix-time", "pure-token", "oneof", "block"};
static_assert(std::size(kArgTypes) == static_cast<size_t>(ArgType::kBlock) + 1);

void WriteMember(Bytes name, Bytes value, ReplyWriter& reply) {
  if (value.empty()) return;
  reply.Bulk(name);
  reply.Bulk(value);
}

void WriteArgs(std::span<const ArgSpec> args, ReplyWriter& reply);

void WriteArg(const ArgSpec& arg, ReplyWriter& reply) {
  const size_t flags = size_t{arg.optional} + size_t{arg.multiple} + size_t{arg.multiple_token};
  reply.Map(2 + size_t{arg.key_spec >= 0} + size_t{!arg.token.empty()} + size_t{!arg.summary.empty()} +
            size_t{!arg.since.empty()} + size_t{!arg.deprecated_since.empty()} + size_t{flags != 0} +
            size_t{!arg.args.empty()});
  reply.Bulk("name");
  reply.Bulk(arg.name);
  reply.Bulk("type");
  reply.Bulk(kArgTypes[static_cast<size_t>(arg.type)]);
  if (arg.key_spec >= 0) {
    reply.Bulk("key_spec_index");
    reply.Int(arg.key_spec);
  }
  WriteMember("token", arg.token, reply);
  WriteMember("summary", arg.summary, reply);
  WriteMember("since", arg.since, reply);
  WriteMember("deprecated_since", arg.deprecated_since, reply);
  if (flags != 0) {
    reply.Bulk("flags");
    reply.Set(flags);
    if (arg.optional) reply.Simple("optional");
    if (arg.multiple) reply.Simple("multiple");
    if (arg.multiple_token) reply.Simple("multiple_token");
  }
  if (!arg.args.empty()) {
    reply.Bulk("arguments");
    WriteArgs(arg.args, reply);
  }
}

void WriteArgs(std::span<const ArgSpec> args, ReplyWriter& reply) {
  reply.Array(args.size());
  for (const ArgSpec& arg : args) WriteArg(arg, reply);
}

void WriteHistory(std::span<const HistoryItem> history, ReplyWriter& reply) {
  reply.Bulk("history");
  reply.Set(history.size());
  for (const HistoryItem& item : history) {
    reply.Array(2);
    reply.Bulk(item.since);
    reply.Bulk(item.change);
  }
}

}  // namespace

void WriteCommandDocs(const CommandRow& row, ReplyWriter& reply) {
  const CommandSpec& spec = *row.spec;
  const bool deprecated = !spec.deprecated_since.empty();
  const bool system = (spec.flags & kCmdSystem) != 0;
  reply.Map(3 + size_t{!spec.complexity.empty()} + size_t{deprecated || system} + size_t{deprecated} +
            size_t{!spec.replaced_by.empty()} + size_t{!spec.history.empty()} + size_t{!spec.args.empty()} +
            size_t{row.subcommand_count != 0});
  reply.Bulk("summary");
  reply.Bulk(spec.summary);
  reply.Bulk("since");
  reply.Bulk(spec.since);
  reply.Bulk("group");
  reply.Bulk(kGroups[static_cast<size_t>(spec.group)]);
  WriteMember("complexity", spec.complexity, reply);
  if (deprecated || system) {
    reply.Bulk("doc_flags");
    reply.Set(size_t{deprecated} + size_t{system});
    if (deprecated) reply.Simple("deprecated");
    if (system) reply.Simple("syscmd");
  }
  WriteMember("deprecated_since", spec.deprecated_since, reply);
  WriteMember("replaced_by", spec.replaced_by, reply);
  if (!spec.history.empty()) WriteHistory(spec.history, reply);
  if (!spec.args.empty()) {
    reply.Bulk("arguments");
    WriteArgs(spec.args, reply);
  }
  if (row.subcommand_count == 0) return;
  reply.Bulk("subcommands");
  reply.Map(row.subcommand_count);
  for (const CommandRow& subcommand : row.subcommands()) {
    char name[kFullNameMax];
    reply.Bulk(FullName(subcommand, name));
    WriteCommandDocs(subcommand, reply);
  }
}

}  // namespace larder::inline v0::commands
