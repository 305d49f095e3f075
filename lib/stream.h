// Stream: a handle on a stream, Redis's log of entries, each with an ID that grows and fields with values; read by
// whoever likes, or by consumer groups, in which each entry goes to one consumer that acknowledges it.
//
//   larder::Stream events(cache, "events");
//   absl::StatusOr<larder::StreamId> id = events.Add({{"type", "login"}, {"user", "ada"}}, {.length_max = 10000});
//   absl::StatusOr<std::vector<larder::StreamEntry>> all = events.Range();
//   absl::Status made = events.CreateGroup("workers", larder::StreamId());
//   absl::StatusOr<std::vector<larder::StreamEntry>> mine = events.ReadGroup("workers", "me", 10);
//   absl::StatusOr<int64_t> done = events.Acknowledge("workers", {mine->front().id});
//
// A handle is made from a Cache, a Database or a Transaction, and is valid as long as that; from a Transaction, its
// calls are the Transaction's. It keeps a copy of the key. A stream stays when its last entry goes.
//
// Threads, errors, ownership: as cache.h says of every call. FAILED_PRECONDITION if another type is at the key;
// INVALID_ARGUMENT also for what Redis calls NOGROUP: there is no such stream or group. DATA_LOSS if a consumer was
// given entries, which are pending now, and there is no memory to return them.
// Costs: a call is a command, whose reply is parsed: more than a call of the other types takes.
//
// The Blocking calls wait until there are entries, as list.h tells ("Waiting"):
//
//   absl::StatusOr<std::vector<larder::StreamEntry>> more = events.BlockingReadAfter(*id, 100, absl::Milliseconds(5));
//
// Scan shows the stream as it was when the walk began, while others add and delete: see collection_range.h.
#ifndef LARDER_STREAM_H_
#define LARDER_STREAM_H_

#include <charconv>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include <larder/cache.h>
#include <larder/collection_range.h>
#include <larder/internal/commanded.h>
#include <larder/internal/handle.h>
#include <larder/internal/stream_walk.h>
#include <larder/internal/waiting.h>

namespace larder::inline v0 {

// Milliseconds of Unix time, usually, and a number within them. In order.
struct StreamId {
  uint64_t ms = 0;
  uint64_t sequence = 0;

  static constexpr StreamId Max() { return {UINT64_MAX, UINT64_MAX}; }
  friend auto operator<=>(const StreamId&, const StreamId&) = default;
};

struct StreamEntry {
  StreamId id;
  std::vector<std::pair<std::string, std::string>> fields;  // in their order

  // The value of the first such field, or nullopt.
  std::optional<std::string_view> Find(std::string_view field) const {
    for (const auto& [name, value] : fields) {
      if (name == field) return std::string_view(value);
    }
    return std::nullopt;
  }
};

// An entry that was read by a consumer and is not acknowledged.
struct PendingEntry {
  StreamId id;
  std::string consumer;
  absl::Duration idle;
  int64_t deliveries = 0;
};

namespace internal {

inline namespace LARDER_INTERNAL_FLAVOR {

// An ID as a command's word.
class IdText {
 public:
  explicit IdText(StreamId id) {
    char* end = std::to_chars(room_, room_ + sizeof(room_), id.ms).ptr;
    *end++ = '-';
    size_ = std::to_chars(end, room_ + sizeof(room_), id.sequence).ptr - room_;
  }
  std::string_view view() const { return {room_, size_}; }

 private:
  char room_[48];
  size_t size_;
};

inline StreamId IdOf(std::string_view text) {
  StreamId id;
  const char* const end = text.data() + text.size();
  const char* const dash = std::from_chars(text.data(), end, id.ms).ptr;
  if (dash != end) std::from_chars(dash + 1, end, id.sequence);
  return id;
}

// [id, [field, value, ...]]; a nil in place of the fields: the entry is deleted.
inline StreamEntry EntryOf(ReplyView reply) {
  StreamEntry entry{IdOf(reply[0].string_view()), {}};
  const ReplyView fields = reply[1];
  for (size_t i = 0; i + 1 < fields.size(); i += 2) {
    entry.fields.emplace_back(fields[i].string_view(), fields[i + 1].string_view());
  }
  return entry;
}
inline absl::StatusOr<std::vector<StreamEntry>> EntriesOf(const absl::StatusOr<Reply>& reply) {
  return VectorOf<StreamEntry>(reply, EntryOf);
}
// A reply of XREAD of one stream, as a map or as an array of pairs.
inline absl::StatusOr<std::vector<StreamEntry>> ReadOf(const absl::StatusOr<Reply>& reply, std::string_view key) {
  if (!reply.ok()) return reply.status();
  std::vector<StreamEntry> result;
  ReplyView entries;
  if (reply->type() == ReplyView::Type::kMap) {
    entries = reply->Find(key).value_or(ReplyView());
  } else if (!reply->empty()) {
    entries = (*reply)[0][1];
  }
  absl::Status filled = FillResult([&] {
    for (const ReplyView entry : entries) result.push_back(EntryOf(entry));
  });
  if (!filled.ok()) return filled;
  return result;
}

inline void MakeElement(const StreamWalk& walk, StreamEntry* entry) {
  const StreamEntryFacts facts = walk.facts();
  entry->id = {facts.ms, facts.sequence};
  entry->fields.resize(facts.fields);  // the strings' memory is used again
  for (size_t i = 0; i < facts.fields; ++i) {
    entry->fields[i].first.assign(walk.Text(2 * i));
    entry->fields[i].second.assign(walk.Text(2 * i + 1));
  }
}

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace internal

using StreamRange = CollectionRange<StreamEntry, internal::StreamWalk>;

class Stream : public internal::KeyHandle {
  using Pair = std::pair<std::string_view, std::string_view>;
  using Ids = std::span<const StreamId>;
  using ListedIds = std::initializer_list<StreamId>;
  using Entries = absl::StatusOr<std::vector<StreamEntry>>;

 public:
  struct AddOptions {
    std::optional<StreamId> id = std::nullopt;  // nullopt: made of the cache's clock
    int64_t length_max = -1;                    // MAXLEN: older entries go; -1: none
    bool approximately = true;                  // a few more may stay, which is much cheaper
    bool create = true;                         // false (NOMKSTREAM): nothing is done if there is no stream
  };

  Stream(const Database& database, std::string_view key) : KeyHandle(database, key) {}

  // XADD: the entry's ID; 0-0 if nothing was added. INVALID_ARGUMENT if the ID is not above the last one, or without
  // fields.
  absl::StatusOr<StreamId> Add(std::span<const Pair> fields) const { return Add(fields, AddOptions()); }
  absl::StatusOr<StreamId> Add(std::span<const Pair> fields, const AddOptions& options) const;
  absl::StatusOr<StreamId> Add(std::initializer_list<Pair> fields) const { return Add(fields, AddOptions()); }
  absl::StatusOr<StreamId> Add(std::initializer_list<Pair> fields, const AddOptions& options) const {
    return Add(std::span(fields.begin(), fields.size()), options);
  }
  // XLEN.
  absl::StatusOr<int64_t> Size() const {
    return internal::IntegerOf(internal::Execute(target_, internal::Words("XLEN", key_)));
  }
  // XRANGE, XREVRANGE: entries from `first` to `last`, both included, at most `count` (-1: all); from the last one down.
  Entries Range(StreamId first = {}, StreamId last = StreamId::Max(), int64_t count = -1) const {
    return RangeOf("XRANGE", first, last, count);
  }
  Entries ReverseRange(StreamId last = StreamId::Max(), StreamId first = {}, int64_t count = -1) const {
    return RangeOf("XREVRANGE", last, first, count);
  }
  // The entries from `first` to `last`, both included, fetched some at a time.
  StreamRange Scan(StreamId first = {}, StreamId last = StreamId::Max()) const {
    return StreamRange(
        internal::StreamWalk(target_, key_, {first.ms, first.sequence, last.ms, last.sequence, 0, 0}));
  }
  // XREAD: up to `count` entries behind this one (-1 or 0: all).
  Entries ReadAfter(StreamId after, int64_t count = -1) const;
  // XREAD BLOCK: the same, and if there is none, waits for one; none when the time is over. With "$": waits for entries
  // that are added after this call has begun.
  Entries BlockingReadAfter(StreamId after, int64_t count, absl::Duration timeout,
                            const std::stop_token& stop = {}) const {
    return WaitFor(internal::Words(), internal::IdText(after).view(), count, timeout, stop);
  }
  Entries BlockingReadNew(int64_t count, absl::Duration timeout, const std::stop_token& stop = {}) const {
    return WaitFor(internal::Words(), "$", count, timeout, stop);
  }
  // XDEL: how many there were. XTRIM MAXLEN: how many went.
  absl::StatusOr<int64_t> Delete(Ids ids) const { return WithIds(internal::Words("XDEL", key_), ids); }
  absl::StatusOr<int64_t> Delete(ListedIds ids) const { return Delete(Ids(ids.begin(), ids.size())); }
  absl::StatusOr<int64_t> Trim(int64_t length_max) const;

  // XGROUP CREATE with MKSTREAM: a group that is given what comes behind `after`. INVALID_ARGUMENT if there is such a
  // group.
  absl::Status CreateGroup(std::string_view group, StreamId after) const;
  // XGROUP DESTROY: whether there was one.
  absl::StatusOr<bool> DestroyGroup(std::string_view group) const;
  // XREADGROUP with ">": up to `count` entries (-1 or 0: all) that no consumer of the group was given; they are pending
  // then.
  Entries ReadGroup(std::string_view group, std::string_view consumer, int64_t count = -1) const {
    return ReadGroupFrom(group, consumer, ">", count);
  }
  // XREADGROUP BLOCK with ">": the same, and if there is none, waits for one; none when the time is over. ABORTED if
  // the stream goes meanwhile, INVALID_ARGUMENT if the group goes. Entries that were given to the consumer are returned,
  // or DATA_LOSS tells that they are pending.
  Entries BlockingReadGroup(std::string_view group, std::string_view consumer, int64_t count, absl::Duration timeout,
                            const std::stop_token& stop = {}) const;
  // XREADGROUP with an ID: the consumer's own pending entries behind it. Those that were deleted have no fields.
  Entries ReadPending(std::string_view group, std::string_view consumer, StreamId after = {},
                      int64_t count = -1) const {
    return ReadGroupFrom(group, consumer, internal::IdText(after).view(), count);
  }
  // XACK: how many were pending; 0 also if there is no such stream or group.
  absl::StatusOr<int64_t> Acknowledge(std::string_view group, Ids ids) const {
    internal::Words words("XACK", key_);
    words.Add(group);
    return WithIds(std::move(words), ids);
  }
  absl::StatusOr<int64_t> Acknowledge(std::string_view group, ListedIds ids) const {
    return Acknowledge(group, Ids(ids.begin(), ids.size()));
  }
  // XPENDING: up to `count` pending entries of the group, in order.
  absl::StatusOr<std::vector<PendingEntry>> Pending(std::string_view group, int64_t count) const;
  // XAUTOCLAIM: gives `consumer` up to `count` entries that have been pending for at least `idle`, from `start` on.
  // INVALID_ARGUMENT for a count below 1.
  Entries Claim(std::string_view group, std::string_view consumer, absl::Duration idle, int64_t count,
                StreamId start = {}) const;

 private:
  Entries RangeOf(std::string_view name, StreamId from, StreamId to, int64_t count) const;
  Entries ReadGroupFrom(std::string_view group, std::string_view consumer, std::string_view id, int64_t count) const;
  Entries WaitFor(internal::Words words, std::string_view id, int64_t count, absl::Duration timeout,
                  const std::stop_token& stop) const;
  absl::StatusOr<int64_t> WithIds(internal::Words words, Ids ids) const;
};

// ---- Inline ---------------------------------------------------------------------------------------------------------

inline absl::StatusOr<StreamId> Stream::Add(std::span<const Pair> fields, const AddOptions& options) const {
  const internal::Digits length(options.length_max);
  const internal::IdText id(options.id.value_or(StreamId()));
  internal::Words words("XADD", key_);
  if (!options.create) words.Add("NOMKSTREAM");
  if (options.length_max >= 0) {
    words.Add("MAXLEN");
    words.Add(options.approximately ? "~" : "=");
    words.Add(length.view());
  }
  words.Add(options.id.has_value() ? id.view() : "*");
  for (const auto& [field, value] : fields) {
    words.Add(field);
    words.Add(value);
  }
  const absl::StatusOr<Reply> reply = internal::Execute(target_, words);
  if (!reply.ok()) return reply.status();
  return internal::IdOf(reply->string_view());
}

inline Stream::Entries Stream::RangeOf(std::string_view name, StreamId from, StreamId to, int64_t count) const {
  const internal::IdText first(from), second(to);
  const internal::Digits most(count);
  internal::Words words(name, key_);
  words.Add(first.view());
  words.Add(second.view());
  if (count >= 0) {
    words.Add("COUNT");
    words.Add(most.view());
  }
  return internal::EntriesOf(internal::Execute(target_, words));
}

inline Stream::Entries Stream::ReadAfter(StreamId after, int64_t count) const {
  const internal::IdText id(after);
  const internal::Digits most(count);
  internal::Words words;
  words.Add("XREAD");
  if (count >= 0) {
    words.Add("COUNT");
    words.Add(most.view());
  }
  words.Add("STREAMS");
  words.Add(key_);
  words.Add(id.view());
  return internal::ReadOf(internal::Execute(target_, words), key_);
}

inline absl::StatusOr<int64_t> Stream::WithIds(internal::Words words, Ids ids) const {
  if (ids.empty()) return 0;
  std::vector<internal::IdText> texts;
  absl::Status filled = internal::FillResult([&] { for (const StreamId id : ids) texts.emplace_back(id); });
  if (!filled.ok()) return filled;
  for (const internal::IdText& text : texts) words.Add(text.view());
  return internal::IntegerOf(internal::Execute(target_, words));
}

inline absl::StatusOr<int64_t> Stream::Trim(int64_t length_max) const {
  const internal::Digits length(length_max);
  internal::Words words("XTRIM", key_);
  words.Add("MAXLEN");
  words.Add(length.view());
  return internal::IntegerOf(internal::Execute(target_, words));
}

inline absl::Status Stream::CreateGroup(std::string_view group, StreamId after) const {
  const internal::IdText id(after);
  internal::Words words("XGROUP", "CREATE");
  words.Add(key_);
  words.Add(group);
  words.Add(id.view());
  words.Add("MKSTREAM");
  return internal::Execute(target_, words).status();
}

inline absl::StatusOr<bool> Stream::DestroyGroup(std::string_view group) const {
  internal::Words words("XGROUP", "DESTROY");
  words.Add(key_);
  words.Add(group);
  return internal::BoolOf(internal::Execute(target_, words));
}

inline Stream::Entries Stream::ReadGroupFrom(std::string_view group, std::string_view consumer, std::string_view id,
                                             int64_t count) const {
  const internal::Digits most(count);
  internal::Words words("XREADGROUP", "GROUP");
  words.Add(group);
  words.Add(consumer);
  if (count >= 0) {
    words.Add("COUNT");
    words.Add(most.view());
  }
  words.Add("STREAMS");
  words.Add(key_);
  words.Add(id);
  const absl::StatusOr<Reply> reply = internal::Execute(target_, words);
  return internal::TakenOut(reply.ok(), internal::ReadOf(reply, key_));
}

// `words`: XREADGROUP's first ones, or none for XREAD.
inline Stream::Entries Stream::WaitFor(internal::Words words, std::string_view id, int64_t count,
                                       absl::Duration timeout, const std::stop_token& stop) const {
  const internal::WaitLimit limit(timeout, internal::WaitLimit::Unit::kMilliseconds);
  const internal::Digits most(count);
  if (words.all().empty()) words.Add("XREAD");
  if (count >= 0) {
    words.Add("COUNT");
    words.Add(most.view());
  }
  words.Add("BLOCK");
  words.Add(limit.view());
  words.Add("STREAMS");
  words.Add(key_);
  words.Add(id);
  const absl::StatusOr<Reply> reply = internal::ExecuteStoppable(target_, words, limit, stop);
  return internal::TakenOut(reply.ok() && id == ">", internal::ReadOf(reply, key_));
}
inline Stream::Entries Stream::BlockingReadGroup(std::string_view group, std::string_view consumer, int64_t count,
                                                 absl::Duration timeout, const std::stop_token& stop) const {
  internal::Words words("XREADGROUP", "GROUP");
  words.Add(group);
  words.Add(consumer);
  return WaitFor(std::move(words), ">", count, timeout, stop);
}

inline absl::StatusOr<std::vector<PendingEntry>> Stream::Pending(std::string_view group, int64_t count) const {
  const internal::Digits most(count);
  internal::Words words("XPENDING", key_);
  words.Add(group);
  words.Add("-");
  words.Add("+");
  words.Add(most.view());
  return internal::VectorOf<PendingEntry>(internal::Execute(target_, words), [](ReplyView entry) {
    return PendingEntry{internal::IdOf(entry[0].string_view()), std::string(entry[1].string_view()),
                        absl::Milliseconds(entry[2].integer()), entry[3].integer()};
  });
}

inline Stream::Entries Stream::Claim(std::string_view group, std::string_view consumer, absl::Duration idle,
                                     int64_t count, StreamId start) const {
  const internal::Digits idle_ms(absl::ToInt64Milliseconds(idle));
  const internal::Digits most(count);
  const internal::IdText id(start);
  internal::Words words("XAUTOCLAIM", key_);
  words.Add(group);
  words.Add(consumer);
  words.Add(idle_ms.view());
  words.Add(id.view());
  words.Add("COUNT");
  words.Add(most.view());
  const absl::StatusOr<Reply> reply = internal::Execute(target_, words);
  if (!reply.ok()) return reply.status();
  std::vector<StreamEntry> result;
  absl::Status filled = internal::FillResult([&] {
    for (const ReplyView entry : (*reply)[1]) result.push_back(internal::EntryOf(entry));
  });
  if (!filled.ok()) return internal::StatusOf(internal::kResultLost);
  return result;
}

}  // namespace larder::inline v0

#endif  // LARDER_STREAM_H_
