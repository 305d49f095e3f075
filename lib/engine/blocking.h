// Blocking: the clients whose command waits for a key (BLPOP and its like) or for time alone (WAIT), and who is served.
//
//     WaitedKey ──► WaitPlace ⇄ WaitPlace ⇄ ...    down: all who wait for the key, in the order in which they came
//     (database,       │
//      key)            ▼
//     Waiter: one client, its command's arguments, and a place at each of its keys, in one piece of memory
//
// How it goes:
//   - A command that finds nothing calls Add and writes no reply. Its client is then *waiting*: whoever serves the
//     client runs nothing more of it until WaitOwner::WaitOver.
//   - The table listens to effects, while anybody waits. A key that has come to be, or a stream that has a new entry,
//     is only marked *ready* there: O(1), nothing runs within somebody's change.
//   - At the end of the command, EXEC or Atomically, still under the same hold on the executor, ServeReady goes through
//     the ready keys, in the order in which they became so, and gives what is there to those who wait, in the order in
//     which they came. What a waiter does may make further keys ready (a chain of BLMOVE): it goes on until none is.
//   - A waiter is served by running its command's `serve` for the one key that is ready, never for others that it waits
//     for. A value of another type leaves it waiting. XREADGROUP also ends, with an error, when its stream or group is
//     gone.
//   - Waiters with a time limit stand in a heap as well. One whose time is over gets nothing more, even if nobody has
//     told it so yet.
//
// Memory: a waiter is the arena's and has all that it needs, so that serving it allocates nothing but its reply. If
// there is none for that, the reply is an error and the value stays.
// Costs: coming and going O(its keys), and O(log n) with a time limit. A change costs O(1) for a key that is waited
// for, and nothing while nobody waits. To serve costs the waiters that are looked at: for lists and sorted sets those that
// get something, for streams all who wait for the stream, as in Redis.
//
// Threads: the executor's holder, but for soonest_ms().
#ifndef LARDER_ENGINE_BLOCKING_H_
#define LARDER_ENGINE_BLOCKING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/base/holder.h"
#include "lib/base/intrusive_list.h"
#include "lib/ds/hash_table.h"
#include "lib/engine/key_id.h"
#include "lib/keyspace/effects.h"
#include "lib/keyspace/entry.h"
#include "lib/keyspace/keyspace.h"
#include "lib/resp/output.h"
#include "lib/resp/writer.h"

namespace larder::inline v0::engine {

class Engine;
struct ClientState;
struct CommandContext;
struct CommandSpec;
struct Waiter;
struct WaitedKey;

// Who waits for a client's command: a session, a thread, a call of ExecuteAsync.
class WaitOwner {
 public:
  // The wait is over, and `reply` is the answer, which may be taken (Output::Swap). Null: there is none, because the
  // cache is being closed or the client was killed. The owner sets client.waiting to false when the answer is where the
  // client's next requests cannot overtake it. Called on any thread, holding the executor; it must not call back.
  virtual void WaitOver(resp::Output* reply) LARDER_REQUIRES_HOLDER = 0;

 protected:
  ~WaitOwner() = default;
};

// The key that is ready, and where it first stands among those that Add was given.
struct ReadyKey {
  Bytes key;
  size_t index = 0;
};

// Tries to give the client what it waits for of a key, which is of the right type: *served, and the reply is written;
// or nothing has happened. An error ends the wait too. `argv`: as Add was given it.
using ServeFn = Error (*)(CommandContext& ctx, std::span<const Bytes> argv, const ReadyKey& ready,
                          resp::ReplyWriter& reply, bool* served);

// What a command waits for.
struct WaitFor {
  std::span<const Bytes> keys = {};  // one that is there twice counts once
  std::span<const Bytes> argv = {};  // for `serve`; kept as a copy
  ServeFn serve = nullptr;
  keyspace::Type type = keyspace::Type::kList;
  int64_t timeout_ms = 0;    // 0: none
  bool ends_with_key = false;  // XREADGROUP: serve is also called when the key is gone or has another type
  bool counts = false;         // WAIT: the answer is 0 when the time is over, and not nil
};

// One waiter at one of its keys.
struct WaitPlace {
  Waiter* waiter = nullptr;
  WaitedKey* key = nullptr;
  size_t index = 0;  // the key's, among the command's
  base::ListLinks<WaitPlace> in_key;
};

// One client that waits. Its places, its arguments and their bytes follow it in memory.
struct Waiter {
  ClientState* client = nullptr;
  const CommandSpec* spec = nullptr;
  ServeFn serve = nullptr;
  std::span<const Bytes> argv;
  std::span<WaitPlace> places;
  int64_t until_ms = INT64_MAX;
  size_t heap_at = 0;
  size_t bytes = 0;  // of its memory
  keyspace::Type type = keyspace::Type::kList;
  bool timed = false;
  bool ends_with_key = false;
  bool counts = false;
  bool silent = false;  // CLIENT REPLY OFF or SKIP when it began
  base::ListLinks<Waiter> in_all;
};

// A key that somebody waits for. Found by its id (key_id.h), which follows it in memory.
struct WaitedKey {
  static constexpr size_t kTypes = 6;
  base::IntrusiveList<WaitPlace, &WaitPlace::in_key> places;  // in the order in which they came
  uint32_t wanted[kTypes] = {};  // how many wait for a value of that type
  uint32_t ends_with_key = 0;    // how many are to hear of its end
  bool is_stream = false;        // what is there is a stream, as far as effects have told
  bool ready = false;
  bool pinned = false;  // it is being served, and stays even if nobody waits for it any more
  base::ListLinks<WaitedKey> in_ready;
  base::ListLinks<WaitedKey> in_all;
  size_t id_size = 0;

  Bytes id() const { return {reinterpret_cast<const char*>(this + 1), id_size}; }
  Bytes key() const { return KeyInId(id()); }
  int db() const { return DbInId(id()); }
  size_t footprint() const { return sizeof(WaitedKey) + id_size; }
};

class Blocking final : public keyspace::EffectListener {
 public:
  explicit Blocking(Engine& engine);
  ~Blocking();  // REQUIRES: nobody waits.
  Blocking(const Blocking&) = delete;
  Blocking& operator=(const Blocking&) = delete;

  // Whether the client's command may wait: not within EXEC or Atomically.
  static bool MayWait(const ClientState& client);
  // Has the client wait. Errors: kAllocationFailed. REQUIRES: MayWait; it does not wait yet.
  Error Add(CommandContext& ctx, const WaitFor& what) LARDER_REQUIRES_HOLDER;

  // A key is ready, and ServeReady is to be called at the end of what runs.
  bool any_ready() const LARDER_REQUIRES_HOLDER { return !ready_.empty(); }
  void ServeReady() LARDER_REQUIRES_HOLDER;

  // CLIENT UNBLOCK: as if the time were over, or with an error. REQUIRES: the client waits.
  void Unblock(ClientState& client, bool with_error) LARDER_REQUIRES_HOLDER;
  // The client is no more, or waits no more: forgets its wait, and tells nobody. Does nothing if it does not wait.
  void Forget(ClientState& client) LARDER_REQUIRES_HOLDER;
  // The client was killed: its owner is told that there is no answer. Does nothing if it does not wait.
  void Cancel(ClientState& client) LARDER_REQUIRES_HOLDER;
  // The cache is closed.
  void CancelAll() LARDER_REQUIRES_HOLDER;
  // Ends the waits of up to `max` whose time is over. Returns true if there may be more.
  bool TimeOutSome(int64_t now_ms, size_t max) LARDER_REQUIRES_HOLDER;

  // When the first time is over; INT64_MAX: none. Any thread may ask, and what it hears may be old news.
  int64_t soonest_ms() const { return soonest_ms_.load(std::memory_order_relaxed); }
  size_t waiters() const LARDER_REQUIRES_HOLDER { return count_; }
  size_t timed() const LARDER_REQUIRES_HOLDER { return heap_size_; }
  size_t keys() const LARDER_REQUIRES_HOLDER { return keys_.size(); }
  // How many waiters and keys have been looked at one after the other. For tests of what things cost.
  uint64_t steps() const LARDER_REQUIRES_HOLDER { return steps_; }

  void OnEffect(const keyspace::Effect& effect) override LARDER_REQUIRES_HOLDER;

 private:
  struct KeyPolicy {
    using Element = WaitedKey*;
    static constexpr bool kExpires = false;
    base::HashSeed seed;
    uint64_t Hash(const WaitedKey* key) const { return HashOf(key->id()); }
    uint64_t HashOf(Bytes id) const { return base::HashBytes(id, seed); }
    static bool Matches(const WaitedKey* key, Bytes id) { return key->id() == id; }
  };

  Waiter* Make(CommandContext& ctx, const WaitFor& what) LARDER_REQUIRES_HOLDER;
  void Free(Waiter* waiter) LARDER_REQUIRES_HOLDER;
  bool AddPlace(Waiter* waiter, int db, std::span<const Bytes> keys, size_t index) LARDER_REQUIRES_HOLDER;
  void RemovePlaces(Waiter* waiter) LARDER_REQUIRES_HOLDER;
  void Unlink(Waiter* waiter) LARDER_REQUIRES_HOLDER;
  void ForgetKeyIfEmpty(WaitedKey* key) LARDER_REQUIRES_HOLDER;
  void Finish(Waiter* waiter, resp::Output* reply) LARDER_REQUIRES_HOLDER;
  void TimeOut(Waiter* waiter) LARDER_REQUIRES_HOLDER;

  void MarkReady(WaitedKey* key) LARDER_REQUIRES_HOLDER;
  void MarkDb(int db, bool flushed) LARDER_REQUIRES_HOLDER;
  const keyspace::Entry* EntryAt(const WaitedKey& key) LARDER_REQUIRES_HOLDER;
  bool IsAwaitedType(const keyspace::Entry* entry) LARDER_REQUIRES_HOLDER;
  WaitedKey* Find(int db, Bytes key, bool* failed) LARDER_REQUIRES_HOLDER;
  void ServeKey(WaitedKey* key, int64_t now_ms) LARDER_REQUIRES_HOLDER;
  bool ServeOne(Waiter* waiter, const ReadyKey& ready, int64_t now_ms) LARDER_REQUIRES_HOLDER;

  bool HeapPush(Waiter* waiter) LARDER_REQUIRES_HOLDER;
  void HeapRemove(Waiter* waiter) LARDER_REQUIRES_HOLDER;
  void HeapPlace(Waiter* waiter, size_t at) LARDER_REQUIRES_HOLDER;
  void HeapSettle(Waiter* waiter, size_t at) LARDER_REQUIRES_HOLDER;
  void PublishSoonest() LARDER_REQUIRES_HOLDER;
  void Listen(bool on) LARDER_REQUIRES_HOLDER;

  Engine& engine_;
  keyspace::Keyspace& keyspace_;
  ds::HashTable<KeyPolicy> keys_ LARDER_GUARDED_BY_HOLDER;
  base::IntrusiveList<WaitedKey, &WaitedKey::in_ready> ready_ LARDER_GUARDED_BY_HOLDER;
  base::IntrusiveList<WaitedKey, &WaitedKey::in_all> all_keys_ LARDER_GUARDED_BY_HOLDER;
  base::IntrusiveList<Waiter, &Waiter::in_all> all_ LARDER_GUARDED_BY_HOLDER;
  size_t count_ LARDER_GUARDED_BY_HOLDER = 0;
  size_t count_of_type_[WaitedKey::kTypes] LARDER_GUARDED_BY_HOLDER = {};  // of those that wait for keys
  Waiter** heap_ LARDER_GUARDED_BY_HOLDER = nullptr;
  size_t heap_size_ LARDER_GUARDED_BY_HOLDER = 0;
  size_t heap_capacity_ LARDER_GUARDED_BY_HOLDER = 0;
  std::atomic<int64_t> soonest_ms_{INT64_MAX};
  resp::Output reply_ LARDER_GUARDED_BY_HOLDER;  // being written for the waiter that is served
  uint64_t steps_ LARDER_GUARDED_BY_HOLDER = 0;
  bool listening_ LARDER_GUARDED_BY_HOLDER = false;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_BLOCKING_H_
