#include "lib/commands/stream_shapes.h"

#include "lib/base/numbers.h"
#include "lib/commands/collection_reply.h"
#include "lib/engine/short.h"
#include "lib/engine/text.h"
#include "lib/memory/block.h"
#include "lib/ops/stream_groups.h"

namespace larder::inline v0::commands {
namespace {

namespace streams = ops::streams;
using streams::StreamId;

constexpr size_t kIdTextMax = 127;
constexpr ErrorText kNoStart{absl::StatusCode::kInvalidArgument, "ERR invalid start ID for the interval"};
constexpr ErrorText kNoEnd{absl::StatusCode::kInvalidArgument, "ERR invalid end ID for the interval"};

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// As the C library reads a number, a sign and blanks before it included, but for a negative one in its shortest form.
bool ParseLooseUint64(Bytes text, uint64_t* value) {
  int64_t exact = 0;
  if (base::ParseInt64(text, &exact)) {
    *value = static_cast<uint64_t>(exact);
    return exact >= 0;
  }
  while (!text.empty() && IsSpace(text[0])) text.remove_prefix(1);
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  if (text.empty()) return false;
  uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    if (__builtin_mul_overflow(number, uint64_t{10}, &number) ||
        __builtin_add_overflow(number, static_cast<uint64_t>(c - '0'), &number)) {
      return false;
    }
  }
  *value = negative ? 0 - number : number;
  return true;
}

bool ParseParts(Bytes text, uint64_t seq, bool* auto_sequence, StreamId* id) {
  if (text.size() > kIdTextMax) return false;
  text = UpToNul(text);
  const size_t dash = text.find('-');
  id->seq = seq;
  if (dash != Bytes::npos) {
    const Bytes behind = text.substr(dash + 1);
    if (auto_sequence != nullptr && behind == "*") {
      *auto_sequence = true;
    } else if (!ParseLooseUint64(behind, &id->seq)) {
      return false;
    }
  }
  return ParseLooseUint64(text.substr(0, dash), &id->ms);
}

// A range's end without its "(".
Result<StreamId> ParseBound(Bytes text, uint64_t seq, bool* exclusive) {
  *exclusive = text.size() > 1 && text[0] == '(';
  if (*exclusive) return ParseStreamId(text.substr(1), seq);
  if (UpToNul(text) == "-") return streams::kMinId;
  if (UpToNul(text) == "+") return streams::kMaxId;
  return ParseStreamId(text, seq);
}

void ReplyText(const streams::Text& text, ReplyWriter& reply) {
  if (text.block != nullptr && text.bytes.size() >= resp::Output::kByReferenceMin) {
    reply.BulkBlock(memory::BlockRef::Share(text.block), static_cast<size_t>(text.bytes.data() - text.block->data()),
                    text.bytes.size());
  } else {
    reply.Bulk(text.bytes);
  }
}

}  // namespace

Result<StreamId> ParseStreamId(Bytes text, uint64_t seq) {
  StreamId id;
  if (!ParseParts(text, seq, nullptr, &id)) return kInvalidStreamId;
  return id;
}

Result<StreamId> ParseNewStreamId(Bytes text, bool* auto_sequence) {
  *auto_sequence = false;
  StreamId id;
  if (!ParseParts(text, 0, auto_sequence, &id)) return kInvalidStreamId;
  return id;
}

Result<StreamId> ParseRangeStart(Bytes text) {
  bool exclusive = false;
  LARDER_ASSIGN_OR_RETURN(StreamId id, ParseBound(text, 0, &exclusive));
  if (exclusive && !id.Increment()) return kNoStart;
  return id;
}

Result<StreamId> ParseRangeEnd(Bytes text) {
  bool exclusive = false;
  LARDER_ASSIGN_OR_RETURN(StreamId id, ParseBound(text, UINT64_MAX, &exclusive));
  if (exclusive && !id.Decrement()) return kNoEnd;
  return id;
}

Error ParseStreamIds(std::span<const Bytes> texts, base::Buffer* ids) {
  for (const Bytes text : texts) {
    LARDER_ASSIGN_OR_RETURN(const StreamId id, ParseStreamId(text, 0));
    if (!ids->Append(Bytes(reinterpret_cast<const char*>(&id), sizeof(id)))) return errors::kAllocationFailed;
  }
  return kOk;
}

void ReplyStreamId(StreamId id, ReplyWriter& reply) {
  streams::IdText text;
  reply.Bulk(streams::FormatId(id, text));
}

void ReplyEntry(const streams::EntryView& entry, ReplyWriter& reply) {
  reply.Array(2);
  ReplyStreamId(entry.id, reply);
  reply.Array(entry.fields * 2);
  entry.ForFields([&](const streams::Text& field, const streams::Text& value) {
    ReplyText(field, reply);
    ReplyText(value, reply);
  });
}

void ReplyEntries(const streams::Stream& stream, size_t first, size_t count, bool backwards, ReplyWriter& reply) {
  reply.Array(count);
  stream.ForRange(first, count, backwards, [&](const streams::EntryView& entry) {
    ReplyEntry(entry, reply);
    return !reply.output().failed();
  });
}

void ReplyEntryOrNull(const streams::Stream& stream, StreamId id, ReplyWriter& reply) {
  if (stream.Contains(id)) {
    stream.ForRange(stream.IndexOf(id), 1, false, [&](const streams::EntryView& entry) {
      ReplyEntry(entry, reply);
      return false;
    });
    return;
  }
  reply.Array(2);
  ReplyStreamId(id, reply);
  reply.NullArray();
}

Result<streams::Stream> OpenForWrite(CommandContext& ctx, Bytes key) {
  LARDER_ASSIGN_OR_RETURN(const keyspace::Place place, streams::LocateStream(ctx.db(), key));
  return streams::StreamAt(place);
}

bool StreamCountIsShort(CommandContext& ctx, std::span<const Bytes> argv, size_t from) {
  for (size_t i = from; i + 1 < argv.size(); ++i) {
    int64_t count = 0;
    if (!base::EqualsIgnoreCase(argv[i], "count")) continue;
    if (base::ParseInt64(argv[i + 1], &count) && count > 0) return count <= static_cast<int64_t>(kShortElements);
  }
  return CollectionIsShort(ctx, argv);
}

}  // namespace larder::inline v0::commands
