// The value of a stream, as it is stored; what is done with it is in streams.h and stream_groups.h.
//
// A stream is some numbers and five trees. All that grows is a record of one of them, so that a copy of a stream shares
// everything with it, and freeing, compaction and undoing need to know of nothing but trees.
//
//   tree      in the order of                  the rest of a record
//   entries   0, ID                            fields and values; only values if the fields are those of its node
//   nodes     0, the node's first ID           NodeInfo; the names of the fields of its first entry
//   names     owner, name                      number. Groups belong to owner 0, consumers to their group's number
//   spaces    0, number                        SpaceInfo of a group or consumer; its name
//             1 (consumers) or 2, number       nothing: it is dead, and what it has left is to be swept
//   pending   group's number, ID               PendingInfo: whose it is, since when, how often it was delivered
//             consumer's number, ID            nothing: it is one of this consumer's
//
// An ID is coded as its distance from the milliseconds of the stream's first entry ever, in as few bytes as that needs
// (ds::Numbers): an entry of two fields with 10 bytes each takes 30 bytes.
//
// Nodes. Redis keeps entries in nodes of stream-node-max-entries or stream-node-max-bytes, and trimming with ~ removes
// whole nodes. Here nodes are nothing but bookkeeping beside the entries: which IDs, how many entries are left and how
// many were deleted, and how many bytes Redis's listpack would have, so that they begin and end where Redis's do.
//
// The dead. A group that is destroyed and a consumer that is deleted may have a million pending entries. Only their
// names go at once, so that nobody finds them; a StreamSweep, which waits among the garbage as a structure does, frees
// the rest in steps. Until then the pending tree has records whose consumer is dead: who reads it skips them. What a
// sweep frees is told to the database (Structure::bytes) by the next change of the stream, or when it ends.
//
// Threads: the executor's holder.
#ifndef LARDER_OPS_STREAM_VALUE_H_
#define LARDER_OPS_STREAM_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lib/base/bytes.h"
#include "lib/base/holder.h"
#include "lib/ds/counted_tree.h"
#include "lib/ds/packed.h"
#include "lib/keyspace/structure.h"

namespace larder::inline v0::ops::streams {

struct StreamId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  bool operator==(const StreamId& other) const = default;
  bool operator<(const StreamId& other) const { return ms != other.ms ? ms < other.ms : seq < other.seq; }
  bool operator>(const StreamId& other) const { return other < *this; }
  bool operator<=(const StreamId& other) const { return !(other < *this); }
  bool operator>=(const StreamId& other) const { return !(*this < other); }
  bool is_zero() const { return ms == 0 && seq == 0; }
  // The next and the previous one. False: there is none.
  bool Increment() {
    if (seq != UINT64_MAX) return ++seq, true;
    if (ms == UINT64_MAX) return false;
    return ++ms, seq = 0, true;
  }
  bool Decrement() {
    if (seq != 0) return --seq, true;
    if (ms == 0) return false;
    return --ms, seq = UINT64_MAX, true;
  }
};
inline constexpr StreamId kMinId{};
inline constexpr StreamId kMaxId{UINT64_MAX, UINT64_MAX};

enum TreeIndex : uint8_t { kEntries, kNodes, kNames, kSpaces, kPending, kTreeCount };

inline constexpr ds::RecordFormat kOnePart{0, 1, ds::RecordFormat::Order::kNumbers};
inline constexpr ds::RecordFormat kTwoParts{0, 2, ds::RecordFormat::Order::kNumbers};
inline constexpr ds::RecordFormat kNameFormat{8, 2, ds::RecordFormat::Order::kSorted};
inline constexpr uint64_t kDeadConsumers = 1;
inline constexpr uint64_t kDeadGroups = 2;

struct NodeInfo {
  uint64_t last_major = 0;  // of the last entry that came into it, deleted or not
  uint64_t last_minor = 0;
  uint64_t bytes = 0;  // of Redis's listpack, but for its two counts
  uint32_t entries = 0;
  uint32_t deleted = 0;
  uint32_t fields = 0;  // of its first entry
  uint32_t unused = 0;
};

struct SpaceInfo {
  enum Kind : uint8_t { kGroup, kConsumer };
  Kind kind = kGroup;
  bool dead = false;
  uint32_t group = 0;          // a consumer's
  uint64_t pending = 0;
  uint64_t last_ms = 0;        // a group's last delivered ID
  uint64_t last_seq = 0;
  int64_t entries_read = -1;   // a group's; -1: not known
  uint64_t dead_pending = 0;   // a group's: records of consumers that are dead
  int64_t seen_ms = 0;         // a consumer's
  uint64_t consumers = 0;      // a group's

  StreamId last() const { return {last_ms, last_seq}; }
  void set_last(StreamId id) {
    last_ms = id.ms;
    last_seq = id.seq;
  }
};

// Coded in kPendingBytes.
struct PendingInfo {
  uint32_t consumer = 0;
  int64_t delivered_ms = 0;
  uint64_t deliveries = 0;
};
inline constexpr size_t kPendingBytes = 4 + 6 + 8;
void WritePending(char* to, const PendingInfo& info);
PendingInfo ReadPending(const char* from);

struct StreamSweep;

struct StreamRoot : keyspace::Structure {
  explicit StreamRoot(const base::HashSeed* seed);
  void CountBytes();

  ds::CountedTree& tree(TreeIndex index) { return trees[index]; }
  const ds::CountedTree& tree(TreeIndex index) const { return trees[index]; }
  size_t length() const { return trees[kEntries].size(); }

  // REQUIRES: the stream has, or had, entries from this time on.
  ds::Numbers Coded(StreamId id, uint64_t space = 0) const { return {space, id.ms - base_ms, id.seq}; }
  // The same where only the order matters.
  ds::Numbers Floor(StreamId id, uint64_t space = 0) const {
    return id.ms < base_ms ? ds::Numbers{space, 0, 0} : Coded(id, space);
  }
  StreamId Decoded(const ds::Numbers& numbers) const { return {numbers.major + base_ms, numbers.minor}; }

  ds::CountedTree trees[kTreeCount];
  StreamSweep* sweep = nullptr;
  uint64_t base_ms = 0;
  StreamId last_id;
  StreamId max_deleted;
  uint64_t entries_added = 0;
  uint64_t dead = 0;  // groups and consumers
  bool has_base = false;
};

// nullptr without memory.
StreamRoot* NewStream(memory::Heap& heap, const base::HashSeed* seed) LARDER_REQUIRES_HOLDER;
StreamRoot* CloneStream(memory::Heap& heap, const StreamRoot& root) LARDER_REQUIRES_HOLDER;
// What is in no entry. REQUIRES: it has few records, or shares them.
void FreeStream(memory::Heap& heap, StreamRoot* root) LARDER_REQUIRES_HOLDER;

// Codes what is pending from another time on. REQUIRES: there are no entries. False without memory.
bool Rebase(memory::Heap& heap, StreamRoot* root, uint64_t base_ms) LARDER_REQUIRES_HOLDER;

// What frees the rest of the dead in steps, to be handed to Garbage; nullptr if there is one already, or no memory, in
// which case the next change of the stream asks again.
keyspace::Structure* NewSweep(memory::Heap& heap, StreamRoot* root) LARDER_REQUIRES_HOLDER;

// The first record of a space of the pending tree, or of any tree in order of Numbers, that is not before `numbers`:
// its index.
size_t IndexOf(const ds::CountedTree& tree, const ds::Numbers& numbers);
// What follows the Numbers in the first part.
inline const char* PayloadOf(const char* record) {
  Bytes part;
  ds::ReadPart(record, &part);
  ds::Numbers numbers;
  return ds::ReadNumbers(part.data(), &numbers);
}
template <class T>
T PayloadAs(const char* record) {
  T value;
  std::memcpy(static_cast<void*>(&value), PayloadOf(record), sizeof(T));
  return value;
}
template <class T>
void SetPayload(char* record, const T& value) {
  std::memcpy(const_cast<char*>(PayloadOf(record)), &value, sizeof(T));
}

// ---- What Redis's listpack takes ------------------------------------------------------------------------------------

size_t ListpackBytes(int64_t number);
size_t ListpackBytes(Bytes text);
inline constexpr size_t kListpackEmpty = 7;  // its header and end
// The node as a whole.
inline uint64_t ListpackBytes(const NodeInfo& node) {
  return node.bytes + ListpackBytes(int64_t{node.entries}) + ListpackBytes(int64_t{node.deleted});
}

}  // namespace larder::inline v0::ops::streams

#endif  // LARDER_OPS_STREAM_VALUE_H_
