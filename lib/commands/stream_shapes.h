// What the files of stream commands share: IDs in arguments, entries in replies.
#ifndef LARDER_COMMANDS_STREAM_SHAPES_H_
#define LARDER_COMMANDS_STREAM_SHAPES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/commands/family.h"
#include "lib/ops/streams.h"
#include "lib/resp/writer.h"

namespace larder::inline v0::commands {

inline constexpr ErrorText kInvalidStreamId{absl::StatusCode::kInvalidArgument,
                                            "ERR Invalid stream ID specified as stream command argument"};

// "ms" or "ms-seq", as Redis reads it: also " 7", "+7" and "007". Without a sequence it is `seq`. Errors:
// kInvalidStreamId.
Result<ops::streams::StreamId> ParseStreamId(Bytes text, uint64_t seq);
// The same, or "ms-*": *auto_sequence.
Result<ops::streams::StreamId> ParseNewStreamId(Bytes text, bool* auto_sequence);
// An end of a range: also "-", "+", and "(" before an ID that does not belong to it. Errors: kInvalidStreamId, or that
// there is no ID beyond it.
Result<ops::streams::StreamId> ParseRangeStart(Bytes text);
Result<ops::streams::StreamId> ParseRangeEnd(Bytes text);
// All of them into `ids`, from which ops::streams::IdIn reads them. Errors: kInvalidStreamId, kAllocationFailed.
Error ParseStreamIds(std::span<const Bytes> texts, base::Buffer* ids);

void ReplyStreamId(ops::streams::StreamId id, ReplyWriter& reply);
// [id, [field, value...]]
void ReplyEntry(const ops::streams::EntryView& entry, ReplyWriter& reply);
// An array of entries.
void ReplyEntries(const ops::streams::Stream& stream, size_t first, size_t count, bool backwards, ReplyWriter& reply);
// The entry with this ID, or [id, nil].
void ReplyEntryOrNull(const ops::streams::Stream& stream, ops::streams::StreamId id, ReplyWriter& reply);

// A lookup that is no read of the value for INFO's hits and misses, as of commands that write. Errors: kWrongType.
Result<ops::streams::Stream> OpenForWrite(CommandContext& ctx, Bytes key);

// For rows: few elements are asked for by the COUNT behind argv[from], or there are few.
bool StreamCountIsShort(CommandContext& ctx, std::span<const Bytes> argv, size_t from);

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_STREAM_SHAPES_H_
