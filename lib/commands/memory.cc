// MEMORY: what keys and the cache take. Sizes are counted as they change, so that nothing is estimated: SAMPLES, which
// tells Redis how much of a large value to look at, changes nothing here.
#include <initializer_list>

#include "lib/base/buffer.h"
#include "lib/commands/families.h"
#include "lib/commands/help.h"
#include "lib/commands/memory_figures.h"
#include "lib/commands/shapes.h"
#include "lib/engine/stats.h"
#include "lib/engine/text.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::commands {
namespace {

// ---- USAGE ----------------------------------------------------------------------------------------------------------

Error MemoryUsage(CommandContext& ctx, ArgReader args, ReplyWriter& reply) {
  const Bytes key = args.Key();
  while (!args.done()) {
    if (args.remaining() < 2 || !args.Take("samples")) return errors::kSyntax;
    LARDER_ASSIGN_OR_RETURN(const int64_t samples, args.Int());
    if (samples < 0) return errors::kSyntax;
  }
  const keyspace::Entry* const entry = ctx.db().Find(key, keyspace::Lookup::kPeek);
  if (entry == nullptr) {
    reply.Null();
  } else {
    reply.Int(static_cast<int64_t>(keyspace::Keyspace::BytesOf(*entry)));
  }
  return kOk;
}

// ---- STATS ----------------------------------------------------------------------------------------------------------

// Fields of a map whose number is known when all have been written.
class FieldsReply {
 public:
  explicit FieldsReply(ReplyWriter& reply) : reply_(reply), mark_(reply.BeginDeferred()) {}
  void End() { reply_.EndDeferredMap(mark_, count_); }

  void Int(Bytes name, int64_t value) {
    Name(name);
    reply_.Int(value);
  }
  void Int(Bytes name, uint64_t value) { Int(name, static_cast<int64_t>(value)); }
  void Double(Bytes name, double value) {
    Name(name);
    reply_.Double(value);
  }
  void Zeros(std::initializer_list<Bytes> names) {
    for (const Bytes name : names) Int(name, int64_t{0});
  }
  void RatioAndBytes(Bytes ratio, Bytes bytes, uint64_t a, uint64_t b) {
    Double(ratio, MemoryFigures::Ratio(a, b));
    Int(bytes, MemoryFigures::Minus(a, b));
  }
  void Name(Bytes name) {
    reply_.Bulk(name);
    ++count_;
  }

 private:
  ReplyWriter& reply_;
  const size_t mark_;
  size_t count_ = 0;
};

// Each database that has keys. Expiries are in entries, and have no table of their own.
void DatabaseFields(keyspace::Keyspace& keyspace, FieldsReply& fields, ReplyWriter& reply) LARDER_REQUIRES_HOLDER {
  for (int i = 0; i < keyspace.dbs_end(); ++i) {
    keyspace::Db* const db = keyspace.db_if_made(i);
    if (db == nullptr || db->size() == 0) continue;
    char name[3 + base::kIntChars] = {'d', 'b', '.'};
    const char* const end = base::WriteUint64(static_cast<uint64_t>(i), name + 3);
    fields.Name({name, static_cast<size_t>(end - name)});
    FieldsReply of_db(reply);
    of_db.Int("overhead.hashtable.main", uint64_t{db->table().memory()});
    of_db.Zeros({"overhead.hashtable.expires", "overhead.hashtable.slot-to-keys"});
    of_db.End();
  }
}

Error MemoryStats(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  const Stats stats = StatsOf(ctx.engine());
  const MemoryFigures figures(ctx.engine(), stats);
  FieldsReply fields(reply);
  fields.Int("peak.allocated", figures.peak);
  fields.Int("total.allocated", figures.used);
  fields.Int("startup.allocated", figures.startup);
  fields.Zeros({"replication.backlog", "clients.slaves"});
  fields.Int("clients.normal", figures.clients);
  fields.Zeros({"cluster.links", "aof.buffer", "lua.caches", "functions.caches"});
  DatabaseFields(ctx.keyspace(), fields, reply);
  fields.Int("overhead.total", figures.overhead);
  fields.Int("keys.count", stats.keys);
  fields.Int("keys.bytes-per-key", stats.keys == 0 ? 0 : (figures.used - figures.startup) / stats.keys);
  fields.Int("dataset.bytes", figures.dataset);
  fields.Double("dataset.percentage", figures.DatasetPercent());
  fields.Double("peak.percentage", figures.PeakPercent());
  fields.Int("allocator.allocated", figures.allocated);
  fields.Int("allocator.active", figures.active);
  fields.Int("allocator.resident", figures.active);
  fields.RatioAndBytes("allocator-fragmentation.ratio", "allocator-fragmentation.bytes", figures.active,
                       figures.allocated);
  fields.RatioAndBytes("allocator-rss.ratio", "allocator-rss.bytes", figures.active, figures.active);
  fields.RatioAndBytes("rss-overhead.ratio", "rss-overhead.bytes", figures.resident, figures.active);
  fields.RatioAndBytes("fragmentation", "fragmentation.bytes", figures.resident, figures.used);
  fields.End();
  return kOk;
}

// ---- DOCTOR and MALLOC-STATS ----------------------------------------------------------------------------------------

// What is worth a word, and what can be done about it.
void Diagnose(const MemoryFigures& figures, size_t clients, TextWriter& out) {
  constexpr uint64_t kLittle = 5 << 20;
  constexpr uint64_t kMuchFree = 10 << 20;
  constexpr uint64_t kMuchForAClient = 200 << 10;
  if (figures.used < kLittle) {
    out << "The cache holds less than 5 MB: too little for its use of memory to say anything.\n";
    return;
  }
  bool healthy = true;
  const auto report = [&]() -> TextWriter& {
    healthy = false;
    return out << " * ";
  };
  if (figures.used < figures.peak / 3 * 2) {
    report().Human(figures.peak) << " were used at the peak, and ";
    out.Human(figures.used) << " are now. Memory that stays with the cache is given back by MEMORY PURGE.\n";
  }
  if (figures.active > figures.allocated + kMuchFree && figures.active > figures.allocated / 5 * 7) {
    report().Human(figures.active) << " are held for ";
    out.Human(figures.allocated) << " of keys and values. What is nearly empty is emptied in the background.\n";
  }
  if (clients != 0 && figures.clients / clients > kMuchForAClient) {
    report() << "Each client takes ";
    out.Human(figures.clients / clients) << " on average. CLIENT LIST names those that do not read their replies, and "
        << "client-output-buffer-limit and maxmemory-clients limit them.\n";
  }
  if (healthy) out << "Nothing about the cache's use of memory is out of the ordinary.\n";
}

Error MemoryDoctor(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  const Stats stats = StatsOf(ctx.engine());
  base::Buffer text;
  TextWriter out(text);
  Diagnose(MemoryFigures(ctx.engine(), stats), stats.connected_clients, out);
  if (text.failed()) return errors::kAllocationFailed;
  reply.Verbatim("txt", text.view());
  return kOk;
}

Error MemoryMallocStats(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  const Stats stats = StatsOf(ctx.engine());
  base::Buffer text;
  TextWriter(text) << "arena: " << stats.used_memory_arena << " bytes in " << stats.arena_blocks << " blocks\n"
                   << "values over 16 KB: " << stats.used_memory_blocks << " bytes\n"
                   << "values over 1 KB: " << stats.value_blocks << " in either\n"
                   << "free, never touched, or lost to rounding: " << stats.memory_free << " bytes\n";
  if (text.failed()) return errors::kAllocationFailed;
  reply.Verbatim("txt", text.view());
  return kOk;
}

// ---- PURGE and HELP -------------------------------------------------------------------------------------------------

// In steps, between which others have their turn.
Error MemoryPurge(CommandContext& ctx, ArgReader, ReplyWriter& reply) {
  constexpr int64_t kStepNs = 50'000;
  if (ctx.keyspace().blocks().GiveBack(kStepNs)) return errors::kUnfinished;
  reply.Ok();
  return kOk;
}

Error MemoryHelp(CommandContext&, ArgReader, ReplyWriter& reply) {
  constexpr Bytes kLines[] = {
      "DOCTOR",
      "    Tell what is out of the ordinary in the use of memory, and what can be done.",
      "MALLOC-STATS",
      "    Tell how the cache's own allocator is used.",
      "PURGE",
      "    Give free memory back to the system.",
      "STATS",
      "    List what memory is used for.",
      "USAGE <key> [SAMPLES <count>]",
      "    Count the bytes that <key> and its value take. All of the value is counted,",
      "    whatever SAMPLES says.",
  };
  WriteHelp(reply, "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", kLines);
  return kOk;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr std::string_view kEachShard[] = {"nondeterministic_output", "request_policy:all_shards",
                                           "response_policy:special"};
constexpr KeySpec kKey[] = {OneKey(2, kKeyReadOnly)};
constexpr ArgSpec kUsageArgs[] = {
    kKeyArg, {.name = "count", .type = ArgType::kInteger, .token = "SAMPLES", .optional = true}};

constexpr auto kSubcommands = Rows({.group = Group::kServer}, {
    {.name = "doctor", .run = MemoryDoctor, .arity = Exactly(2), .tips = kEachShard,
     .summary = "What is out of the ordinary in the use of memory.", .complexity = "O(N), N = databases",
     .since = "4.0.0"},
    {.name = "help", .run = MemoryHelp, .arity = Exactly(2), .flags = kCmdLoading | kCmdStale,
     .summary = "Lists the subcommands.", .complexity = "O(1)", .since = "4.0.0"},
    {.name = "malloc-stats", .run = MemoryMallocStats, .arity = Exactly(2), .tips = kEachShard,
     .summary = "How the cache's own allocator is used.", .complexity = "O(N), N = databases", .since = "4.0.0"},
    {.name = "purge", .run = MemoryPurge, .arity = Exactly(2), .tips = kAllShards,
     .summary = "Gives free memory back to the system.", .complexity = "O(N), N = free pieces of memory",
     .since = "4.0.0"},
    {.name = "stats", .run = MemoryStats, .arity = Exactly(2), .tips = kEachShard,
     .summary = "What memory is used for.", .complexity = "O(N), N = databases", .since = "4.0.0"},
    {.name = "usage", .run = MemoryUsage, .arity = AtLeast(3), .flags = kReads, .keys = kKey, .args = kUsageArgs,
     .summary = "The bytes that a key and its value take.", .complexity = "O(1)", .since = "4.0.0"},
});

constexpr auto kRows = Rows({.group = Group::kServer}, {
    {.name = "memory", .arity = AtLeast(2), .summary = "What memory is used for; a container of subcommands.",
     .complexity = "Each subcommand says its own.", .since = "4.0.0"},
});

}  // namespace

constinit const Family kMemoryFamily = {.commands = kRows, .container = "memory", .subcommands = kSubcommands};

}  // namespace larder::inline v0::commands
