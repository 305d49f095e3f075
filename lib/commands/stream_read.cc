// XREAD and XREADGROUP.
#include <algorithm>
#include <memory>
#include <new>

#include "lib/commands/blocking_shapes.h"
#include "lib/commands/families.h"
#include "lib/commands/shapes.h"
#include "lib/commands/stream_shapes.h"
#include "lib/engine/short.h"
#include "lib/engine/text.h"
#include "lib/ops/stream_groups.h"

namespace larder::inline v0::commands {
namespace {

namespace streams = ops::streams;
using streams::Stream;
using streams::StreamId;

constexpr ErrorText kUnbalanced{
    absl::StatusCode::kInvalidArgument,
    "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."};
constexpr ErrorText kGroupInRead{
    absl::StatusCode::kInvalidArgument,
    "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."};
constexpr ErrorText kNoAckInRead{
    absl::StatusCode::kInvalidArgument,
    "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."};
constexpr ErrorText kMissingGroup{absl::StatusCode::kInvalidArgument, "ERR Missing GROUP option for XREADGROUP"};
constexpr ErrorText kNewInRead{
    absl::StatusCode::kInvalidArgument,
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."};
constexpr ErrorText kLastInGroup{
    absl::StatusCode::kInvalidArgument,
    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
    "specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."};

struct ReadOptions {
  bool of_group = false;
  bool has_group = false;
  streams::Reading reading;
  bool blocks = false;
  int64_t timeout_ms = 0;  // 0: for ever
  std::span<const Bytes> keys;
  std::span<const Bytes> ids;
};

Error ParseReadOptions(ArgReader args, ReadOptions* options) {
  while (!args.done()) {
    const Bytes word = args.Next();
    if (!args.done() && base::EqualsIgnoreCase(word, "block")) {
      LARDER_ASSIGN_OR_RETURN(options->timeout_ms, args.Int(errors::kTimeoutNotInteger));
      if (options->timeout_ms < 0) return errors::kTimeoutNegative;
      options->blocks = true;
    } else if (!args.done() && base::EqualsIgnoreCase(word, "count")) {
      LARDER_ASSIGN_OR_RETURN(const int64_t count, args.Int());
      options->reading.count = static_cast<size_t>(std::max<int64_t>(count, 0));
    } else if (!args.done() && base::EqualsIgnoreCase(word, "streams")) {
      if (args.remaining() % 2 != 0) return kUnbalanced;
      const size_t streams = args.remaining() / 2;
      options->keys = args.rest().first(streams);
      options->ids = args.rest().subspan(streams);
      break;
    } else if (args.remaining() >= 2 && base::EqualsIgnoreCase(word, "group")) {
      if (!options->of_group) return kGroupInRead;
      options->has_group = true;
      options->reading.group = args.Next();
      options->reading.consumer = args.Next();
    } else if (base::EqualsIgnoreCase(word, "noack")) {
      if (!options->of_group) return kNoAckInRead;
      options->reading.no_ack = true;
    } else {
      return errors::kSyntax;
    }
  }
  if (options->keys.empty()) return errors::kSyntax;
  if (options->of_group && !options->has_group) return kMissingGroup;
  return kOk;
}

// Where reading of each stream begins. *is_new: what the group was not given yet.
Result<StreamId> ParseAfter(const ReadOptions& options, const Stream& stream, Bytes text, bool* is_new) {
  *is_new = false;
  if (text == "$") {
    if (options.of_group) return kLastInGroup;
    return stream.exists() ? stream.root().last_id : streams::kMinId;
  }
  if (text == ">") {
    if (!options.of_group) return kNewInRead;
    *is_new = true;
    return streams::kMaxId;
  }
  LARDER_ASSIGN_OR_RETURN(const StreamId id, ParseStreamId(text, 0));
  *is_new = options.of_group && id == streams::kMaxId;  // Redis takes the one for the other
  return id;
}

// Whether what the command says of each stream makes sense, before any of them is read. Errors: kReplied.
Error CheckStreams(CommandContext& ctx, const ReadOptions& options, ReplyWriter& reply) LARDER_REQUIRES_HOLDER {
  for (size_t i = 0; i < options.keys.size(); ++i) {
    const Bytes key = options.keys[i];
    LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), key));
    streams::Space group;
    if (options.of_group &&
        (!stream.exists() || !streams::FindGroup(stream.root(), options.reading.group, &group))) {
      reply.Error({"NOGROUP No such key '", UpToNul(key), "' or consumer group '", UpToNul(options.reading.group),
                   "' in XREADGROUP with GROUP option"});
      return kReplied;
    }
    bool is_new = false;
    LARDER_RETURN_IF_ERROR(ParseAfter(options, stream, options.ids[i], &is_new).error());
  }
  return kOk;
}

// What is replied for each stream that has something: in RESP3 all of it is a map.
class ReadReply {
 public:
  explicit ReadReply(ReplyWriter& reply) : reply_(reply) {}
  void Begin(Bytes key) {
    if (served_++ == 0) mark_ = reply_.BeginDeferred();
    if (reply_.protocol() == 2) reply_.Array(2);
    reply_.Bulk(key);
  }
  bool any() const { return served_ != 0; }
  void End() {
    reply_.protocol() == 2 ? reply_.EndDeferredArray(mark_, served_) : reply_.EndDeferredMap(mark_, served_);
  }

 private:
  ReplyWriter& reply_;
  size_t served_ = 0;
  size_t mark_ = 0;
};

Error ServeRead(CommandContext& ctx, const ReadOptions& options, size_t i, ReadReply& to, ReplyWriter& reply)
    LARDER_REQUIRES_HOLDER {
  LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), options.keys[i]));
  bool is_new = false;
  LARDER_ASSIGN_OR_RETURN(const StreamId after, ParseAfter(options, stream, options.ids[i], &is_new));
  const size_t first = stream.IndexBehind(after);
  size_t count = stream.length() - first;
  if (options.reading.count != 0) count = std::min(count, options.reading.count);
  if (count == 0) return kOk;
  to.Begin(options.keys[i]);
  ReplyEntries(stream, first, count, false, reply);
  return kOk;
}

Error ServeGroup(CommandContext& ctx, const ReadOptions& options, size_t i, ReadReply& to, ReplyWriter& reply)
    LARDER_REQUIRES_HOLDER {
  const Bytes key = options.keys[i];
  bool is_new = false;
  LARDER_ASSIGN_OR_RETURN(const StreamId after, ParseAfter(options, Stream(), options.ids[i], &is_new));
  LARDER_RETURN_IF_ERROR(streams::Open(ctx.db(), key).error());  // Redis counts this lookup too
  size_t first = 0;
  size_t given = 0;
  base::Buffer ids;
  if (is_new) {
    LARDER_RETURN_IF_ERROR(streams::DeliverNew(ctx.db(), key, options.reading, &first, &given));
    if (given == 0) return kOk;
  } else {
    LARDER_RETURN_IF_ERROR(streams::DeliverAgain(ctx.db(), key, options.reading, after, &ids));
  }
  LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), key, keyspace::Lookup::kPeek));
  to.Begin(key);
  if (is_new) {
    ReplyEntries(stream, first, given, false, reply);
    return kOk;
  }
  reply.Array(streams::IdCount(ids));
  for (size_t id = 0; id < streams::IdCount(ids) && !reply.output().failed(); ++id) {
    ReplyEntryOrNull(stream, streams::IdIn(ids, id), reply);
  }
  return kOk;
}

// ---- Waiting --------------------------------------------------------------------------------------------------------

constexpr ErrorText kStreamIsGone{absl::StatusCode::kAborted, "UNBLOCKED the stream key no longer exists"};
constexpr ErrorText kGroupIsGone{absl::StatusCode::kNotFound,
                                 "NOGROUP the consumer group this client was blocked on no longer exists"};

// A stream that is ready replies what it has behind the ID, even if that has been deleted again meanwhile.
Error ServeWaitingRead(CommandContext& ctx, std::span<const Bytes> argv, const ReadyKey& ready, ReplyWriter& reply,
                       bool* served) {
  base::AssertHolder();
  ReadOptions options;
  LARDER_RETURN_IF_ERROR(ParseReadOptions(ArgReader(argv, 1), &options));
  const Bytes key = ready.key;
  LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), key, keyspace::Lookup::kPeek));
  bool is_new = false;
  LARDER_ASSIGN_OR_RETURN(const StreamId after, ParseAfter(options, stream, options.ids[ready.index], &is_new));
  if (!stream.exists() || stream.root().last_id <= after) return kOk;
  const size_t first = stream.IndexBehind(after);
  size_t count = stream.length() - first;
  if (options.reading.count != 0) count = std::min(count, options.reading.count);
  ReadReply to(reply);
  to.Begin(key);
  ReplyEntries(stream, first, count, false, reply);
  to.End();
  *served = true;
  return kOk;
}

Error ServeWaitingGroup(CommandContext& ctx, std::span<const Bytes> argv, const ReadyKey& ready, ReplyWriter& reply,
                        bool* served) {
  base::AssertHolder();
  const Bytes key = ready.key;
  ReadOptions options;
  options.of_group = true;
  LARDER_RETURN_IF_ERROR(ParseReadOptions(ArgReader(argv, 1), &options));
  const Result<Stream> opened = streams::Open(ctx.db(), key, keyspace::Lookup::kPeek);
  if (!opened.ok() || !opened->exists()) return kStreamIsGone;
  streams::Space group;
  if (!streams::FindGroup(opened->root(), options.reading.group, &group)) return kGroupIsGone;
  if (opened->root().last_id <= StreamId{group.info.last_ms, group.info.last_seq}) return kOk;
  size_t first = 0;
  size_t given = 0;
  const streams::Reading& reading = options.reading;
  LARDER_RETURN_IF_ERROR(streams::DeliverNew(ctx.db(), key, reading, &first, &given));
  if (given == 0) {  // deleted again; Redis makes the consumer nevertheless
    const Bytes command[] = {"XGROUP", "CREATECONSUMER", key, reading.group, reading.consumer};
    LARDER_RETURN_IF_ERROR(streams::CreateConsumer(ctx.db(), key, reading.group, reading.consumer, command).error());
  }
  LARDER_ASSIGN_OR_RETURN(const Stream stream, streams::Open(ctx.db(), key, keyspace::Lookup::kPeek));
  ReadReply to(reply);
  to.Begin(key);
  ReplyEntries(stream, first, given, false, reply);
  to.End();
  *served = true;
  return kOk;
}

// The reader waits with the arguments that it gave, but for "$", which means the last entry that there is now.
Error WaitForEntries(CommandContext& ctx, std::span<const Bytes> argv, const ReadOptions& options)
    LARDER_REQUIRES_HOLDER {
  const size_t streams_count = options.keys.size();
  const std::unique_ptr<Bytes[]> kept(new (std::nothrow) Bytes[argv.size()]);
  const std::unique_ptr<streams::IdText[]> texts(new (std::nothrow) streams::IdText[streams_count]);
  if (kept == nullptr || texts == nullptr) return errors::kAllocationFailed;
  std::copy(argv.begin(), argv.end(), kept.get());
  Bytes* const ids = kept.get() + argv.size() - streams_count;
  for (size_t i = 0; i < streams_count; ++i) {
    if (ids[i] != "$") continue;
    LARDER_ASSIGN_OR_RETURN(const Stream stream,
                            streams::Open(ctx.db(), options.keys[i], keyspace::Lookup::kPeek));
    ids[i] = streams::FormatId(stream.exists() ? stream.root().last_id : streams::kMinId, texts[i]);
  }
  return ctx.engine().blocking().Add(ctx, {.keys = options.keys,
                                           .argv = {kept.get(), argv.size()},
                                           .serve = options.of_group ? ServeWaitingGroup : ServeWaitingRead,
                                           .type = keyspace::Type::kStream,
                                           .timeout_ms = options.timeout_ms,
                                           .ends_with_key = options.of_group});
}

Error Read(CommandContext& ctx, ArgReader args, bool of_group, ReplyWriter& reply) {
  base::AssertHolder();
  ReadOptions options;
  options.of_group = of_group;
  LARDER_RETURN_IF_ERROR(ParseReadOptions(args, &options));
  LARDER_RETURN_IF_ERROR(CheckStreams(ctx, options, reply));
  ReadReply to(reply);
  for (size_t i = 0; i < options.keys.size() && !reply.output().failed(); ++i) {
    const Error error = of_group ? ServeGroup(ctx, options, i, to, reply) : ServeRead(ctx, options, i, to, reply);
    if (error.ok()) continue;
    // What the group has been given of other streams is the consumer's already: it is replied, and this stream is one
    // that has nothing now.
    if (of_group && to.any()) break;
    return error;
  }
  if (to.any()) {
    to.End();
  } else if (options.blocks && engine::Blocking::MayWait(ctx.client)) {
    return WaitForEntries(ctx, args.argv(), options);
  } else {
    reply.NullArray();
  }
  return kOk;
}

Error XRead(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return Read(ctx, args, false, reply); }
Error XReadGroup(CommandContext& ctx, ArgReader args, ReplyWriter& reply) { return Read(ctx, args, true, reply); }

// Few entries are asked for, or each stream has few elements.
bool ReadIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  base::AssertHolder();  // who asks has the executor
  ReadOptions options;
  options.of_group = true;
  (void)ParseReadOptions(ArgReader(argv, 1), &options);
  const size_t count = options.reading.count;
  if (count != 0 && count * options.keys.size() <= kShortElements) return true;
  for (const Bytes key : options.keys) {
    const keyspace::Entry* const entry = ctx.db().FindUnchanged(key);
    if (entry == nullptr || entry->type() != keyspace::Type::kStream) continue;
    if (entry->structure()->kind->Count(*entry->structure()) > kShortElements) return false;
  }
  return true;
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

constexpr KeySpec kStreamsKeys(int start_from) {
  return {.flags = kKeyReadOnly | kKeyAccess, .begin = KeySpec::kKeyword, .keyword = "STREAMS",
          .start_from = start_from, .last = -1, .step = 1, .limit = 2};
}
constexpr KeySpec kReadKeySpec[] = {kStreamsKeys(1)};
constexpr KeySpec kGroupKeySpec[] = {kStreamsKeys(4)};
constexpr ArgSpec kStreamsArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec = 0, .multiple = true},
                                    {.name = "id", .type = ArgType::kString, .multiple = true}};
constexpr ArgSpec kCountArg = {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .optional = true};
constexpr ArgSpec kBlockArg = {.name = "milliseconds", .type = ArgType::kInteger, .token = "BLOCK", .optional = true};
constexpr ArgSpec kStreamsArg = {.name = "streams", .type = ArgType::kBlock, .token = "STREAMS", .args = kStreamsArgs};
constexpr ArgSpec kReadArgs[] = {kCountArg, kBlockArg, kStreamsArg};
constexpr ArgSpec kGroupConsumer[] = {{.name = "group", .type = ArgType::kString},
                                      {.name = "consumer", .type = ArgType::kString}};
constexpr ArgSpec kReadGroupArgs[] = {
    {.name = "group_consumer", .type = ArgType::kBlock, .token = "GROUP", .args = kGroupConsumer},
    kCountArg,
    kBlockArg,
    {.name = "noack", .type = ArgType::kPureToken, .token = "NOACK", .optional = true},
    kStreamsArg};

constexpr auto kRows = Rows({.group = Group::kStream, .categories = kAclStream}, {
    {.name = "xread", .run = XRead, .arity = AtLeast(4),
     .flags = kReads | kBlocks | kCmdMovableKeys, .keys = kReadKeySpec, .args = kReadArgs,
     .summary = "The entries of streams behind the given IDs.",
     .complexity = "O(log N + M) for each stream, M = entries returned", .since = "5.0.0", .is_short = ReadIsShort},
    {.name = "xreadgroup", .run = XReadGroup, .arity = AtLeast(7),
     .flags = kWrites | kBlocks | kCmdMovableKeys, .keys = kGroupKeySpec, .args = kReadGroupArgs,
     .summary = "The entries of streams that a group was not given yet, or those that are pending with a consumer.",
     .complexity = "O(M log N) for each stream, M = entries returned", .since = "5.0.0", .is_short = ReadIsShort},
});

}  // namespace

constinit const Family kStreamReadFamily = {.commands = kRows};

}  // namespace larder::inline v0::commands
