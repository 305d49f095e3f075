// What the stream commands do with entries, once for them and for typed calls; consumer groups are in stream_groups.h,
// how a stream is stored in stream_value.h; see ops/strings.h for what all ops share.
#ifndef LARDER_OPS_STREAMS_H_
#define LARDER_OPS_STREAMS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/base/numbers.h"
#include "lib/keyspace/db.h"
#include "lib/memory/block.h"
#include "lib/ops/stream_value.h"

namespace larder::inline v0::ops::streams {

inline constexpr ErrorText kIdTooSmall{
    absl::StatusCode::kInvalidArgument,
    "ERR The ID specified in XADD is equal or smaller than the target stream top item"};
inline constexpr ErrorText kIdsExhausted{
    absl::StatusCode::kOutOfRange, "ERR The stream has exhausted the last possible ID, unable to add more items"};
inline constexpr ErrorText kSetIdTooSmall{
    absl::StatusCode::kInvalidArgument, "ERR The ID specified in XSETID is smaller than the target stream top item"};
inline constexpr ErrorText kSetIdTooFewAdded{
    absl::StatusCode::kInvalidArgument,
    "ERR The entries_added specified in XSETID is smaller than the target stream length"};
inline constexpr ErrorText kSetIdBelowDeleted{
    absl::StatusCode::kInvalidArgument,
    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"};

// "ms-seq".
struct IdText {
  char room[2 * base::kIntChars + 1];
};
Bytes FormatId(StreamId id, IdText& text);

// ---- Reading --------------------------------------------------------------------------------------------------------

// A field or a value; `block` is what it lies in, if it is one.
struct Text {
  Bytes bytes;
  memory::Block* block = nullptr;
};

struct EntryView {
  StreamId id;
  size_t fields = 0;
  Text names;   // of fields, where they are the node's
  Text values;  // or names and values in turn

  void ForFields(absl::FunctionRef<void(const Text& field, const Text& value)> visit) const;
};

// The stream at a key. Of no use after the next change.
class Stream {
 public:
  Stream() = default;
  explicit Stream(const StreamRoot* root) : root_(root) {}

  bool exists() const { return root_ != nullptr; }
  const StreamRoot& root() const { return *root_; }
  size_t length() const { return root_ == nullptr ? 0 : root_->length(); }
  size_t nodes() const { return root_->tree(kNodes).size(); }
  bool Contains(StreamId id) const;
  // How many entries are before this one, or (Behind) not after it.
  size_t IndexOf(StreamId id) const;
  size_t IndexBehind(StreamId id) const { return id.Increment() ? IndexOf(id) : length(); }
  // REQUIRES: index < length().
  StreamId IdAt(size_t index) const;
  // `count` entries from `first` on, or, `backwards`, from `first` down, until `visit` returns false.
  void ForRange(size_t first, size_t count, bool backwards, absl::FunctionRef<bool(const EntryView&)> visit) const;
  // 0-0 without entries.
  StreamId first_id() const { return length() == 0 ? kMinId : IdAt(0); }

 private:
  const StreamRoot* root_ = nullptr;
};

// Errors: kWrongType.
Result<Stream> Open(keyspace::Db& db, Bytes key, keyspace::Lookup how = keyspace::Lookup::kRead)
    LARDER_REQUIRES_HOLDER;
Result<keyspace::Place> LocateStream(keyspace::Db& db, Bytes key) LARDER_REQUIRES_HOLDER;
inline Stream StreamAt(const keyspace::Entry* entry) {
  return entry == nullptr ? Stream() : Stream(static_cast<const StreamRoot*>(entry->structure()));
}

// ---- Changing -------------------------------------------------------------------------------------------------------

struct Trim {
  enum Strategy : uint8_t { kNone, kMaxLen, kMinId } strategy = kNone;
  bool approximate = false;  // whole nodes only
  uint64_t length_max = 0;
  StreamId id_min;
  uint64_t entries_max = 0;  // how many may go, 0: any number
};

struct NewId {
  enum Kind : uint8_t { kGiven, kAuto, kAutoSequence } kind = kGiven;
  StreamId id;
};

// XADD ("xadd", and "xtrim" if something went): the ID. Not *added: there is no stream, and `create` is false. Errors:
// kIdTooSmall, kIdsExhausted.
Result<StreamId> Add(keyspace::Db& db, Bytes key, const NewId& id, bool create, const Trim& trim,
                     std::span<const Bytes> fields_and_values, bool* added) LARDER_REQUIRES_HOLDER;
// XTRIM ("xtrim"): how many entries went.
Result<int64_t> TrimTo(keyspace::Db& db, Bytes key, const Trim& trim) LARDER_REQUIRES_HOLDER;
// XDEL ("xdel"): how many there were. The IDs are read by `id_at`.
Result<int64_t> Delete(keyspace::Db& db, Bytes key, size_t count, absl::FunctionRef<StreamId(size_t)> id_at,
                       std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;
// XSETID ("xsetid"). `added`: -1 for as it is. Errors: kNoSuchKey and those above.
Error SetId(keyspace::Db& db, Bytes key, StreamId id, int64_t added, StreamId max_deleted,
            std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::ops::streams

#endif  // LARDER_OPS_STREAMS_H_
