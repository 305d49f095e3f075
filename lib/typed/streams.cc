// The ops of the walk through a stream. See internal/stream_walk.h.
#include <larder/internal/stream_walk.h>

#include <algorithm>

#include "lib/ops/streams.h"
#include "lib/typed/collections.h"
#include "lib/typed/op.h"

namespace larder::inline v0::typed {
namespace {

namespace streams = ops::streams;
using internal::CollectionPin;
using internal::StreamEntryFacts;
using internal::StreamSpan;

bool AddEntry(const streams::EntryView& entry, FetchedList* to) {
  const StreamEntryFacts facts{entry.id.ms, entry.id.seq, entry.fields};
  bool filled = to->Add({reinterpret_cast<const char*>(&facts), sizeof(facts)});
  entry.ForFields([&](const streams::Text& field, const streams::Text& value) {
    filled = filled && AddCopiedOrPinned(field.bytes, field.block, to) &&
             AddCopiedOrPinned(value.bytes, value.block, to);
  });
  return filled;
}

// The next entries of the span.
Error AddEntries(const streams::Stream& stream, StreamSpan* span, FetchedList* to) {
  bool filled = true;
  size_t bytes = 0;
  const size_t most = std::min(internal::kWalkBatch, span->end - span->next);
  stream.ForRange(span->next, most, false, [&](const streams::EntryView& entry) {
    filled = AddEntry(entry, to);
    if (!filled) return false;
    ++span->next;
    bytes += entry.values.bytes.size();
    return bytes < kWalkBatchBytes;
  });
  return FilledError(filled);
}

Error PinStream(const OpAt& at, core::CacheCore* core, CollectionPin* pin, StreamSpan* span, FetchedList* to) {
  LARDER_ASSIGN_OR_RETURN(const streams::Stream stream, streams::Open(at.db(), at.key));
  span->next = stream.IndexOf({span->first_ms, span->first_sequence});
  span->end = std::max(span->next, stream.IndexBehind({span->last_ms, span->last_sequence}));
  LARDER_RETURN_IF_ERROR(AddEntries(stream, span, to));
  return span->next == span->end ? kOk : PinClone(at, stream.root(), nullptr, core, pin);
}

}  // namespace

Error PinStreamValue(const OpAt& at, const keyspace::Entry& entry, core::CacheCore* core, CollectionPin* pin,
                     size_t* size, size_t* fetched, FetchedList* to) {
  const streams::Stream stream(static_cast<const streams::StreamRoot*>(entry.structure()));
  StreamSpan span{.end = stream.length()};
  LARDER_RETURN_IF_ERROR(AddEntries(stream, &span, to));
  *size = span.end;
  *fetched = span.next;
  return span.next == span.end ? kOk : PinClone(at, stream.root(), nullptr, core, pin);
}

namespace {

void ShowPinStream(engine::Monitors& to, Bytes key, core::CacheCore*, CollectionPin*, StreamSpan* span, FetchedList*) {
  streams::IdText room;
  to.Add(key);
  to.Add(streams::FormatId({span->first_ms, span->first_sequence}, room));
  to.Add(streams::FormatId({span->last_ms, span->last_sequence}, room));
}

Error ReadPinnedStream(const OpAt& at, const CollectionPin* pin, StreamSpan* span, FetchedList* to) {
  (void)at;
  return AddEntries(streams::Stream(static_cast<const streams::StreamRoot*>(&PinnedRoot(*pin))), span, to);
}
// What MONITOR is not told: the walk was shown when it began.
void ShowNothing(engine::Monitors&, Bytes, const CollectionPin*, StreamSpan*, FetchedList*) {}

}  // namespace
}  // namespace larder::inline v0::typed

namespace larder::inline v0::internal {

constexpr TypedOp<core::CacheCore*, CollectionPin*, StreamSpan*, FetchedList*> kPinStream =
    typed::OpOf<core::CacheCore*, CollectionPin*, StreamSpan*, FetchedList*>(
        {.name = "XRANGE", .access = Access::kReads, .keys = KeyCount::kOne, .run = typed::By<typed::PinStream>,
         .show = typed::By<typed::ShowPinStream>});
constexpr TypedOp<const CollectionPin*, StreamSpan*, FetchedList*> kReadPinnedStream =
    typed::OpOf<const CollectionPin*, StreamSpan*, FetchedList*>(
        {.name = {}, .access = Access::kReads, .keys = KeyCount::kNone, .run = typed::By<typed::ReadPinnedStream>,
         .start = typed::By<typed::StartReadPinned<const CollectionPin*, StreamSpan*, FetchedList*>>,
         .show = typed::By<typed::ShowNothing>});

}  // namespace larder::inline v0::internal
