// SORT and SORT_RO.
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/commands/string_reply.h"
#include "lib/ops/sort.h"

namespace larder::inline v0::commands {

using ops::SortOptions;
using ops::Sorting;

namespace {

// What stands behind the key. GET's patterns are read again for each element: there may be any number of them.
struct SortRequest {
  SortOptions options;
  Bytes destination = {};
  bool stores = false;
  size_t gets = 0;
};

Error ParseSort(ArgReader args, bool may_store, SortRequest* request) {
  SortOptions& options = request->options;
  while (!args.done()) {
    const bool has_more = args.remaining() > 1;
    if (args.Take("ASC")) {
      options.descending = false;
    } else if (args.Take("DESC")) {
      options.descending = true;
    } else if (args.Take("ALPHA")) {
      options.alpha = true;
    } else if (args.remaining() > 2 && args.Take("LIMIT")) {
      LARDER_ASSIGN_OR_RETURN(options.start, args.Int());
      LARDER_ASSIGN_OR_RETURN(options.count, args.Int());
    } else if (may_store && has_more && args.Take("STORE")) {
      request->destination = args.Next();
      request->stores = true;
    } else if (has_more && args.Take("BY")) {
      options.by = args.Next();
      if (options.by.find('*') == Bytes::npos) options.no_sort = true;
    } else if (has_more && args.Take("GET")) {
      args.Next();
      ++request->gets;
    } else {
      return errors::kSyntax;
    }
  }
  options.stores = request->stores;
  return kOk;
}

// How many words follow an option.
size_t WordsOf(Bytes option) {
  if (base::EqualsIgnoreCase(option, "limit")) return 2;
  for (const Bytes word : {"by", "get", "store"}) {
    if (base::EqualsIgnoreCase(option, word)) return 1;
  }
  return 0;
}

// GET's patterns, one after another; "#" if there is none.
class Gets {
 public:
  Gets(ArgReader args, size_t count) : args_(args), all_(args), count_(count) {}

  size_t each() const { return count_ == 0 ? 1 : count_; }
  Bytes Next() {
    if (count_ == 0) return "#";
    while (true) {
      if (args_.done()) args_ = all_;
      const Bytes option = args_.Next();
      Bytes last = option;
      for (size_t i = WordsOf(option); i > 0; --i) last = args_.Next();
      if (base::EqualsIgnoreCase(option, "get")) return last;
    }
  }

 private:
  ArgReader args_;
  const ArgReader all_;
  const size_t count_;
};

Error ReplySorted(Sorting& sorting, Gets gets, ReplyWriter& reply) LARDER_REQUIRES_HOLDER {
  const size_t mark = reply.Mark();
  reply.Array(sorting.size() * gets.each());
  for (size_t i = 0; i < sorting.size(); ++i) {
    for (size_t j = 0; j < gets.each() && !reply.output().failed(); ++j) {
      ops::strings::Text text;
      const Error error = sorting.Get(gets.Next(), sorting[i], &text);
      if (!error.ok()) {
        reply.Rewind(mark);
        return error;
      }
      ReplyText(text, reply);
    }
  }
  return kOk;
}

Error RunSort(CommandContext& ctx, ArgReader args, ReplyWriter& reply, bool may_store) {
  const Bytes key = args.Key();
  SortRequest request;
  LARDER_RETURN_IF_ERROR(ParseSort(args, may_store, &request));
  Sorting sorting(ctx.db(), request.options);
  LARDER_RETURN_IF_ERROR(sorting.Run(ctx.db().Find(key, keyspace::Lookup::kRead)));
  Gets gets(args, request.gets);
  if (!request.stores) return ReplySorted(sorting, gets, reply);
  const size_t count = sorting.size() * gets.each();
  const auto next = [&](size_t i, Bytes* element) {
    base::AssertHolder();
    ops::strings::Text text;
    const Error error = sorting.Get(gets.Next(), sorting[i / gets.each()], &text);
    *element = text.bytes;  // empty if there is none
    return error;
  };
  LARDER_RETURN_IF_ERROR(ops::StoreSorted(ctx.db(), request.destination, count, next, args.argv()));
  reply.Int(static_cast<int64_t>(count));
  return kOk;
}

Error Sort(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return RunSort(ctx, args, reply, true); }
Error SortRo(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return RunSort(ctx, args, reply, false); }

constexpr uint16_t kDestinationFlags = kKeyOverwrite | kKeyUpdate;

// The key, and the last destination.
bool SortKeysOf(std::span<const Bytes> argv, void (*add)(void* arg, size_t position, uint16_t flags), void* arg) {
  if (argv.size() < 2) return false;
  add(arg, 1, kKeyReadOnly | kKeyAccess);
  size_t destination = 0;
  for (size_t i = 2; i < argv.size(); i += 1 + WordsOf(argv[i])) {
    if (base::EqualsIgnoreCase(argv[i], "store") && i + 1 < argv.size()) destination = i + 1;
  }
  if (destination != 0) add(arg, destination, kDestinationFlags);
  return true;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kPatternKeys = {
    .flags = kKeyReadOnly | kKeyAccess, .begin = KeySpec::kUnknownBegin, .find = KeySpec::kUnknownFind,
    .notes = "The keys of BY and GET are made of the elements."};
constexpr KeySpec kSortKeys[] = {
    OneKey(1, kKeyReadOnly | kKeyAccess), kPatternKeys,
    {.flags = kDestinationFlags, .begin = KeySpec::kUnknownBegin, .find = KeySpec::kUnknownFind,
     .notes = "STORE may stand anywhere among the options."}};
constexpr KeySpec kSortRoKeys[] = {OneKey(1, kKeyReadOnly | kKeyAccess), kPatternKeys};
constexpr ArgSpec kLimits[] = {{.name = "offset", .type = ArgType::kInteger},
                               {.name = "count", .type = ArgType::kInteger}};
constexpr ArgSpec kOrders[] = {{.name = "asc", .type = ArgType::kPureToken, .token = "ASC"},
                               {.name = "desc", .type = ArgType::kPureToken, .token = "DESC"}};
constexpr ArgSpec kBy = {.name = "pattern", .type = ArgType::kPattern, .key_spec = 1, .token = "BY", .optional = true};
constexpr ArgSpec kLimit = {
    .name = "offset_count", .type = ArgType::kBlock, .token = "LIMIT", .optional = true, .args = kLimits};
constexpr ArgSpec kGet = {.name = "pattern", .type = ArgType::kPattern, .key_spec = 1, .token = "GET",
                          .optional = true, .multiple = true, .multiple_token = true};
constexpr ArgSpec kOrder = {.name = "order", .type = ArgType::kOneOf, .optional = true, .args = kOrders};
constexpr ArgSpec kAlpha = {.name = "sorting", .type = ArgType::kPureToken, .token = "ALPHA", .optional = true};
constexpr ArgSpec kSortRoArgs[] = {kKeyArg, kBy, kLimit, kGet, kOrder, kAlpha};
constexpr ArgSpec kSortArgs[] = {
    kKeyArg, kBy, kLimit, kGet, kOrder, kAlpha,
    {.name = "destination", .type = ArgType::kKey, .key_spec = 2, .token = "STORE", .optional = true}};

constexpr auto kRows = Rows({.group = Group::kGeneric,
                             .categories = kAclSet | kAclSortedSet | kAclList | kAclDangerous}, {
    {.name = "sort", .run = Sort, .arity = AtLeast(2), .flags = kCmdWrite | kCmdDenyOom | kCmdMovableKeys,
     .keys = kSortKeys, .args = kSortArgs, .summary = "The elements of a list, a set or a sorted set, sorted.",
     .complexity = "O(N + M log M), N = elements of the key, M = those returned", .since = "1.0.0",
     .get_keys = SortKeysOf},
    {.name = "sort_ro", .run = SortRo, .arity = AtLeast(2), .flags = kCmdReadOnly | kCmdMovableKeys,
     .keys = kSortRoKeys, .args = kSortRoArgs, .summary = "As SORT, which this is without STORE.",
     .complexity = "O(N + M log M), N = elements of the key, M = those returned", .since = "7.0.0"},
});

}  // namespace

constinit const Family kSortFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
