// What the stream commands do with consumer groups, once for them and for typed calls; see streams.h, stream_value.h.
//
// Redis touches no key for what groups do, so that nobody who WATCHes the stream is told: Change::watched is false
// here.
#ifndef LARDER_OPS_STREAM_GROUPS_H_
#define LARDER_OPS_STREAM_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/keyspace/db.h"
#include "lib/ops/streams.h"

namespace larder::inline v0::ops::streams {

inline constexpr ErrorText kBusyGroup{absl::StatusCode::kAlreadyExists,
                                      "BUSYGROUP Consumer Group name already exists"};
// No reply: who calls composes one that names key and group.
inline constexpr ErrorText kNoGroup{absl::StatusCode::kNotFound, "NOGROUP No such consumer group"};

// A group or a consumer.
struct Space {
  uint32_t number = 0;
  SpaceInfo info;
};

// ---- Reading --------------------------------------------------------------------------------------------------------

bool FindGroup(const StreamRoot& root, Bytes name, Space* group);
bool FindConsumer(const StreamRoot& root, const Space& group, Bytes name, Space* consumer);
// Visits in order of their names. `visit` returns false to end.
using VisitSpace = absl::FunctionRef<bool(Bytes name, const Space& space)>;
void ForGroups(const StreamRoot& root, VisitSpace visit);
void ForConsumers(const StreamRoot& root, const Space& group, VisitSpace visit);
size_t GroupCount(const StreamRoot& root);
// A consumer's name.
Bytes NameOf(const StreamRoot& root, uint32_t consumer);

// Whether an entry at or behind `from` may have been deleted, other than from the front of the stream.
bool HasDeleted(const StreamRoot& root, StreamId from);
// How many of the entries ever added are up to `id`; -1: nobody knows.
int64_t EntriesUpTo(const StreamRoot& root, StreamId id);
// How many entries the group has not been given. False: nobody knows.
bool LagOf(const StreamRoot& root, const Space& group, int64_t* lag);

// What is pending in a group. False: it is not.
bool FindPending(const StreamRoot& root, const Space& group, StreamId id, PendingInfo* info);
// The same of its record in kPending.
bool ReadLiving(const StreamRoot& root, const Space& group, const char* record, PendingInfo* info);
// Goes through what is pending in a group, in order of IDs.
class PendingWalk {
 public:
  PendingWalk(const StreamRoot& root, const Space& group, StreamId from);
  bool done() const { return done_; }
  StreamId id() const { return id_; }
  const PendingInfo& info() const { return info_; }
  void Next();

 private:
  void Settle();
  void Seek(const ds::Numbers& from);
  bool IsDead(uint32_t consumer);
  bool NextOfLive(const ds::Numbers& from, ds::Numbers* next) const;

  const StreamRoot& root_;
  const Space group_;
  ds::CountedTree::Cursor cursor_;
  bool done_ = false;
  StreamId id_;
  PendingInfo info_;
  uint32_t looked_at_ = 0;  // the consumer that was asked about last
  bool was_dead_ = false;
};
// The first and the last ID. REQUIRES: group.info.pending != 0.
StreamId FirstPending(const StreamRoot& root, const Space& group);
StreamId LastPending(const StreamRoot& root, const Space& group);
// The IDs that are pending with a consumer, from `from` on, until `visit` returns false.
void ForOwned(const StreamRoot& root, const Space& consumer, StreamId from, absl::FunctionRef<bool(StreamId id)> visit);

// ---- Changing -------------------------------------------------------------------------------------------------------

// XGROUP CREATE ("xgroup-create"). `id`: nullptr for the stream's last. Where nothing is a stream is made. Errors:
// kBusyGroup.
Error CreateGroup(keyspace::Db& db, Bytes key, Bytes name, const StreamId* id, int64_t entries_read,
                  std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;
// The following want the stream to be there. Errors: kNoGroup, but for DestroyGroup.
// XGROUP SETID ("xgroup-setid").
Error SetGroupId(keyspace::Db& db, Bytes key, Bytes name, const StreamId* id, int64_t entries_read,
                 std::span<const Bytes> command) LARDER_REQUIRES_HOLDER;
// XGROUP DESTROY ("xgroup-destroy"). False if there is none.
Result<bool> DestroyGroup(keyspace::Db& db, Bytes key, Bytes name, std::span<const Bytes> command)
    LARDER_REQUIRES_HOLDER;
// XGROUP CREATECONSUMER ("xgroup-createconsumer"). False if it is there.
Result<bool> CreateConsumer(keyspace::Db& db, Bytes key, Bytes group, Bytes name, std::span<const Bytes> command)
    LARDER_REQUIRES_HOLDER;
// XGROUP DELCONSUMER ("xgroup-delconsumer"): how many entries were pending with it.
Result<int64_t> DeleteConsumer(keyspace::Db& db, Bytes key, Bytes group, Bytes name, std::span<const Bytes> command)
    LARDER_REQUIRES_HOLDER;

// XACK: how many were pending. Without stream or group none is.
Result<int64_t> Acknowledge(keyspace::Db& db, Bytes key, Bytes group, size_t count,
                            absl::FunctionRef<StreamId(size_t)> id_at, std::span<const Bytes> command)
    LARDER_REQUIRES_HOLDER;

// XREADGROUP's > : gives the consumer, which is made if need be, up to `count` entries (0: all) that the group was not
// given yet. They are `*given` entries from index *first on; without any nothing is changed.
struct Reading {
  Bytes group;
  Bytes consumer;
  size_t count = 0;
  bool no_ack = false;
};
Error DeliverNew(keyspace::Db& db, Bytes key, const Reading& reading, size_t* first, size_t* given)
    LARDER_REQUIRES_HOLDER;
// XREADGROUP's other IDs: what is pending with the consumer, which is made if need be, behind `after`, is delivered
// once more. `ids` gets the IDs.
Error DeliverAgain(keyspace::Db& db, Bytes key, const Reading& reading, StreamId after, base::Buffer* ids)
    LARDER_REQUIRES_HOLDER;

struct Claim {
  Bytes group;
  Bytes consumer;
  int64_t idle_min_ms = 0;
  bool just_id = false;
  // XCLAIM alone.
  int64_t delivered_ms = -1;   // -1: now
  int64_t deliveries = -1;     // -1: one more, or as many with just_id
  bool force = false;
  StreamId last_id;            // of the group, if it is greater
};
// XCLAIM. `claimed` gets the IDs that the consumer has now.
Error ClaimSome(keyspace::Db& db, Bytes key, const Claim& claim, size_t count,
                absl::FunctionRef<StreamId(size_t)> id_at, std::span<const Bytes> command, base::Buffer* claimed)
    LARDER_REQUIRES_HOLDER;
// XAUTOCLAIM: goes through what is pending from `from` on. `deleted` gets IDs of entries that are no more, *next where
// to go on, 0-0 if nothing is left.
Error ClaimIdle(keyspace::Db& db, Bytes key, const Claim& claim, StreamId from, size_t count,
                std::span<const Bytes> command, base::Buffer* claimed, base::Buffer* deleted, StreamId* next)
    LARDER_REQUIRES_HOLDER;

// IDs in a buffer.
inline size_t IdCount(const base::Buffer& ids) { return ids.size() / sizeof(StreamId); }
StreamId IdIn(const base::Buffer& ids, size_t index);

}  // namespace larder::inline v0::ops::streams

#endif  // LARDER_OPS_STREAM_GROUPS_H_
