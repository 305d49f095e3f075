// COMMAND INFO: ten elements a command. Order inside each list is Redis's, since clients have been seen to compare.
#include <cstdint>

#include "lib/commands/command_command.h"
#include "lib/engine/command_keys.h"

namespace larder::inline v0::commands {
namespace {

struct BitName {
  uint32_t bit;
  Bytes name;
};

constexpr BitName kFlags[] = {{kCmdWrite, "write"},
                              {kCmdReadOnly, "readonly"},
                              {kCmdDenyOom, "denyoom"},
                              {kCmdModule, "module"},
                              {kCmdAdmin, "admin"},
                              {kCmdPubsub, "pubsub"},
                              {kCmdNoscript, "noscript"},
                              {kCmdBlocking, "blocking"},
                              {kCmdLoading, "loading"},
                              {kCmdStale, "stale"},
                              {kCmdSkipMonitor, "skip_monitor"},
                              {kCmdSkipSlowlog, "skip_slowlog"},
                              {kCmdAsking, "asking"},
                              {kCmdFast, "fast"},
                              {kCmdNoAuth, "no_auth"},
                              {kCmdMayReplicate, "may_replicate"},
                              {kCmdNoMandatoryKeys, "no_mandatory_keys"},
                              {kCmdNoAsyncLoading, "no_async_loading"},
                              {kCmdNoMulti, "no_multi"},
                              {kCmdMovableKeys, "movablekeys"},
                              {kCmdAllowBusy, "allow_busy"}};

// Categories that only follow from flags and have no AclCategory bit.
constexpr uint32_t kFastCategory = 1u << 30;
constexpr uint32_t kSlowCategory = 1u << 31;

constexpr BitName kCategories[] = {{kAclKeyspace, "keyspace"},
                                   {kAclRead, "read"},
                                   {kAclWrite, "write"},
                                   {kAclSet, "set"},
                                   {kAclSortedSet, "sortedset"},
                                   {kAclList, "list"},
                                   {kAclHash, "hash"},
                                   {kAclString, "string"},
                                   {kAclBitmap, "bitmap"},
                                   {kAclHyperLogLog, "hyperloglog"},
                                   {kAclGeo, "geo"},
                                   {kAclStream, "stream"},
                                   {kAclPubsub, "pubsub"},
                                   {kAclAdmin, "admin"},
                                   {kFastCategory, "fast"},
                                   {kSlowCategory, "slow"},
                                   {kAclBlocking, "blocking"},
                                   {kAclDangerous, "dangerous"},
                                   {kAclConnection, "connection"},
                                   {kAclTransaction, "transaction"},
                                   {kAclScripting, "scripting"}};

constexpr BitName kKeyFlags[] = {{kKeyReadOnly, "RO"},        {kKeyReadWrite, "RW"},
                                 {kKeyOverwrite, "OW"},       {kKeyRemove, "RM"},
                                 {kKeyAccess, "access"},      {kKeyUpdate, "update"},
                                 {kKeyInsert, "insert"},      {kKeyDelete, "delete"},
                                 {kKeyNotKey, "not_key"},     {kKeyIncomplete, "incomplete"},
                                 {kKeyVariableFlags, "variable_flags"}};

uint32_t CategoriesOf(const CommandSpec& spec) {
  uint32_t bits = spec.categories;
  if ((spec.flags & kCmdWrite) != 0) bits |= kAclWrite;
  if ((spec.flags & kCmdReadOnly) != 0 && (spec.categories & kAclScripting) == 0) bits |= kAclRead;
  if ((spec.flags & kCmdAdmin) != 0) bits |= kAclAdmin | kAclDangerous;
  if ((spec.flags & kCmdPubsub) != 0) bits |= kAclPubsub;
  if ((spec.flags & kCmdBlocking) != 0) bits |= kAclBlocking;
  return bits | ((spec.flags & kCmdFast) != 0 ? kFastCategory : kSlowCategory);
}

// A set of simple strings: "fast", or "@fast" with a prefix.
void WriteBits(uint32_t bits, std::span<const BitName> names, Bytes prefix, ReplyWriter& reply) {
  size_t count = 0;
  for (const BitName& name : names) count += (bits & name.bit) != 0;
  reply.Set(count);
  for (const BitName& name : names) {
    if ((bits & name.bit) == 0) continue;
    char text[32];
    base::CopyBytes(text, prefix);
    base::CopyBytes(text + prefix.size(), name.name);
    reply.Simple(Bytes(text, prefix.size() + name.name.size()));
  }
}

void WriteBegin(const KeySpec& key, ReplyWriter& reply) {
  reply.Bulk("begin_search");
  reply.Map(2);
  reply.Bulk("type");
  switch (key.begin) {
    case KeySpec::kIndex:
      reply.Bulk("index");
      reply.Bulk("spec");
      reply.Map(1);
      reply.Bulk("index");
      reply.Int(key.index);
      return;
    case KeySpec::kKeyword:
      reply.Bulk("keyword");
      reply.Bulk("spec");
      reply.Map(2);
      reply.Bulk("keyword");
      reply.Bulk(key.keyword);
      reply.Bulk("startfrom");
      reply.Int(key.start_from);
      return;
    case KeySpec::kUnknownBegin:
      reply.Bulk("unknown");
      reply.Bulk("spec");
      reply.Map(0);
      return;
  }
}

void WriteFind(const KeySpec& key, ReplyWriter& reply) {
  reply.Bulk("find_keys");
  reply.Map(2);
  reply.Bulk("type");
  switch (key.find) {
    case KeySpec::kRange:
      reply.Bulk("range");
      reply.Bulk("spec");
      reply.Map(3);
      reply.Bulk("lastkey");
      reply.Int(key.last);
      reply.Bulk("keystep");
      reply.Int(key.step);
      reply.Bulk("limit");
      reply.Int(key.limit);
      return;
    case KeySpec::kKeyNum:
      reply.Bulk("keynum");
      reply.Bulk("spec");
      reply.Map(3);
      reply.Bulk("keynumidx");
      reply.Int(key.key_num);
      reply.Bulk("firstkey");
      reply.Int(key.first_key);
      reply.Bulk("keystep");
      reply.Int(key.step);
      return;
    case KeySpec::kUnknownFind:
      reply.Bulk("unknown");
      reply.Bulk("spec");
      reply.Map(0);
      return;
  }
}

void WriteKeySpecs(const CommandSpec& spec, ReplyWriter& reply) {
  reply.Set(spec.keys.size());
  for (const KeySpec& key : spec.keys) {
    reply.Map(key.notes.empty() ? 3 : 4);
    if (!key.notes.empty()) {
      reply.Bulk("notes");
      reply.Bulk(key.notes);
    }
    reply.Bulk("flags");
    WriteKeyFlags(key.flags, reply);
    WriteBegin(key, reply);
    WriteFind(key, reply);
  }
}

}  // namespace

void WriteKeyFlags(uint16_t flags, ReplyWriter& reply) { WriteBits(flags, kKeyFlags, "", reply); }

bool InCategory(const CommandSpec& spec, Bytes category) {
  const uint32_t bits = CategoriesOf(spec);
  for (const BitName& name : kCategories) {
    if (base::EqualsIgnoreCase(name.name, category)) return (bits & name.bit) != 0;
  }
  return false;
}

void WriteCommandInfo(const CommandName& command, ReplyWriter& reply) {
  const CommandSpec& spec = *command.spec;
  char name[kFullNameMax];
  const LegacyRange range = LegacyRangeOf(spec);
  reply.Array(10);
  reply.Bulk(FullName(command, name));
  reply.Int(spec.arity);
  WriteBits(HasMovableKeys(spec) ? spec.flags | kCmdMovableKeys : spec.flags, kFlags, "", reply);
  reply.Int(range.first);
  reply.Int(range.last);
  reply.Int(range.step);
  WriteBits(CategoriesOf(spec), kCategories, "@", reply);
  reply.Set(spec.tips.size());
  for (Bytes tip : spec.tips) reply.Bulk(tip);
  WriteKeySpecs(spec, reply);
  if (spec.subcommands.empty()) {  // 7.0's own inconsistency
    reply.Set(0);
  } else {
    reply.Array(spec.subcommands.size());
  }
  for (const CommandSpec& sub : spec.subcommands) WriteCommandInfo({&sub, &spec}, reply);
}

}  // namespace larder::inline v0::commands
