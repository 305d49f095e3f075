// ClientState: what the executor knows of one client, whoever its bytes come from.
//
// A session owns one. Commands see it through CommandContext; CLIENT LIST and CLIENT KILL see all of them through
// Clients, the registry.
//
// Threads: the executor's holder, but for the fields that say otherwise.
#ifndef LARDER_ENGINE_CLIENT_H_
#define LARDER_ENGINE_CLIENT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/base/intrusive_list.h"
#include "lib/engine/client_kind.h"
#include "lib/engine/subscription.h"
#include "lib/memory/block.h"

namespace larder::inline v0::keyspace {
class Db;
}

namespace larder::inline v0::resp {
class Output;
class ReplyWriter;
}

namespace larder::inline v0::engine {

class ClientPolicy;
class MessageReceiver;  // pubsub.h
class WaitOwner;
struct CommandRow;
struct Waiter;
class MultiState;  // MULTI's queue and WATCH's keys; multi_state.h

// The one who moves a client's bytes: a listener's connection, an in-memory connection, or nobody (direct sessions).
class ClientIo {
 public:
  // For CLIENT LIST and memory accounting; may be called from the executor's holder at any time.
  virtual size_t input_bytes() const = 0;       // qbuf
  virtual size_t input_free() const = 0;        // qbuf-free
  virtual size_t output_bytes() const = 0;      // obl + omem: replies not yet sent
  virtual size_t output_list_length() const = 0;  // oll
  virtual char const* events() const = 0;       // "r", "rw", ...
  virtual size_t memory() const = 0;            // all that it holds for the client, MULTI's queue included
  // The client is to be closed soon: wakes the owner's loop. Called on any thread, holding the executor; must not call
  // back.
  virtual void CloseSoon() = 0;
  // What CLIENT PAUSE has held may be tried again: wakes the owner. Likewise.
  virtual void Resume() = 0;
  // Makes ready for Push. False if there is no memory. While a command of the client's runs.
  virtual bool PreparePush() = 0;
  // Bytes that answer no request of its own, sent after all that it was answered before. Never fails: a client for
  // which there is no memory, or that is over its output limit, is closed. Called on any thread, holding the executor;
  // must not call back.
  virtual void Push(Bytes bytes) = 0;
  virtual void PushOutput(const resp::Output& output) = 0;
  // Who gets published messages in place of their text; nullptr: nobody, they are pushed.
  virtual MessageReceiver* receiver() { return nullptr; }

 protected:
  ~ClientIo() = default;
};

// CLIENT REPLY. OFF lasts until ON; SKIP silences the command after the one that asked for it, and a blank request is a
// command here too. Both count from the place where they stand: inside EXEC, what is written before OFF stays.
class ReplyMode {
 public:
  // What is written now is taken back.
  bool silent() const { return (bits_ & (kOff | kSkip)) != 0; }
  void On() { bits_ &= kSkipNext; }
  void Off() { bits_ |= kOff; }
  void Skip() {
    if ((bits_ & kOff) == 0) bits_ |= kSkipNext;
  }
  void Reset() { bits_ &= kSkip; }  // RESET after SKIP is silent itself
  void CommandEnded() {
    if ((bits_ & (kSkip | kSkipNext)) != 0) [[unlikely]] {
      bits_ = static_cast<uint8_t>((bits_ & kOff) | ((bits_ & kSkipNext) != 0 ? kSkip : 0));
    }
  }

 private:
  static constexpr uint8_t kOff = 1;
  static constexpr uint8_t kSkip = 2;
  static constexpr uint8_t kSkipNext = 4;
  uint8_t bits_ = 0;
};

// What a command that runs is writing, and where in the output its own reply begins.
struct ReplyInProgress {
  resp::ReplyWriter* writer;
  size_t mark;
};

struct ClientState {
  uint64_t id = 0;
  ClientKind kind = ClientKind::kDirect;
  uint8_t protocol = 2;
  bool monitor = false;             // gets MONITOR's lines; by Monitors
  // Its command has changed what its next requests are held to, or waits: those of the batch that follow do not run as
  // they were parsed. By the session.
  bool cuts_batch = false;
  int fd = -1;
  uint32_t peer_size = 0;           // how much of `addresses` is the peer's
  // By itself, or it came when there was no password. Without it a client may do what it likes as long as there is
  // none.
  bool authenticated = true;
  bool one_shot = false;            // Cache::Execute: commands with kCmdNeedsSession are refused
  bool close_after_reply = false;   // QUIT, a protocol error, CLIENT KILL of oneself
  bool no_evict = false;            // CLIENT NO-EVICT
  std::atomic<bool> close_now{false};  // killed; read by the owner on its own thread
  // CLIENT PAUSE holds its next request: set by the holder, cleared by the holder or by the owner, who keeps the
  // request and then tries it again.
  std::atomic<bool> held{false};
  ReplyMode reply_mode;
  // Its command waits, and nothing else of it runs (blocking.h): set by the holder, ended by wait_owner.
  std::atomic<bool> waiting{false};
  bool in_exec = false;             // EXEC runs its queue: nothing waits

  keyspace::Db* db = nullptr;
  WaitOwner* wait_owner = nullptr;  // who waits for its commands; null: they cannot wait
  Waiter* waiter = nullptr;         // by Blocking

  const ClientPolicy* policy = nullptr;  // what its listener's host has reserved; null: nothing

  base::Buffer name;                // CLIENT SETNAME
  base::Buffer addresses;           // addr and laddr, one behind the other. Bounded.
  // "127.0.0.1:50000", "/path/of.sock:0", "" for direct ones.
  Bytes peer() const { return addresses.view().substr(0, peer_size); }
  Bytes local() const { return addresses.view().substr(peer_size); }
  bool SetAddresses(Bytes peer, Bytes local);  // false without memory
  size_t names_memory() const { return name.capacity() + addresses.capacity(); }

  int64_t created_ms = 0;
  int64_t last_interaction_ms = 0;
  const CommandRow* last_command = nullptr;
  size_t argv_bytes = 0;            // argv-mem, of the command that runs
  memory::BlockRef* large_argument = nullptr;  // what one of its arguments stands in: a command may keep it

  MultiState* transaction = nullptr;  // made on first MULTI or WATCH; the session deletes it
  ClientSubscriptions subscriptions;    // by PubSub
  ReplyInProgress* reply_in_progress = nullptr;  // while a command of a subscriber's runs
  ClientIo* io = nullptr;
  // Without an io: what its session has counted, MULTI's queue included. The session writes it, also after its command.
  std::atomic<size_t> direct_bytes{0};

  base::ListLinks<ClientState> in_monitors;
  base::ListLinks<ClientState> in_clients;
  ClientState* next_in_bucket = nullptr;  // of Clients
};

// Whether the client is of this machine: protection that says "local" lets it pass.
inline bool IsLocal(const ClientState& client) {
  const Bytes peer = client.peer();
  return client.kind != ClientKind::kTcp || peer.substr(0, 10) == "127.0.0.1:" || peer.substr(0, 6) == "[::1]:";
}

// CLIENT SETNAME's and HELLO's: printable ASCII without blanks; "" takes the name away.
Error SetName(ClientState& client, Bytes name);

// Killed, and only its owner does not know yet.
inline bool Gone(const ClientState& client) { return client.close_now.load(std::memory_order_relaxed); }

// All clients, in the order of their ids, and found by them.
class Clients {
 public:
  Clients() = default;
  ~Clients();
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  // Gives the client its id and its place.
  void Add(ClientState* client) LARDER_REQUIRES_HOLDER;
  void Remove(ClientState* client) LARDER_REQUIRES_HOLDER;
  // nullptr if there is none. O(1).
  ClientState* Find(uint64_t id) const LARDER_REQUIRES_HOLDER;
  ClientState* first() const LARDER_REQUIRES_HOLDER { return all_.front(); }
  size_t count() const LARDER_REQUIRES_HOLDER { return count_; }
  // How many clients Find has looked at. For tests of what things cost.
  uint64_t steps() const LARDER_REQUIRES_HOLDER { return steps_; }

 private:
  static constexpr size_t kBucketsMin = 16;

  ClientState*& BucketOf(uint64_t id) const LARDER_REQUIRES_HOLDER { return buckets_[id & (bucket_count_ - 1)]; }
  void Resize(size_t bucket_count) LARDER_REQUIRES_HOLDER;

  base::IntrusiveList<ClientState, &ClientState::in_clients> all_ LARDER_GUARDED_BY_HOLDER;
  size_t count_ LARDER_GUARDED_BY_HOLDER = 0;
  uint64_t last_id_ LARDER_GUARDED_BY_HOLDER = 0;
  ClientState* few_[kBucketsMin] LARDER_GUARDED_BY_HOLDER = {};
  ClientState** buckets_ LARDER_GUARDED_BY_HOLDER = few_;
  size_t bucket_count_ LARDER_GUARDED_BY_HOLDER = kBucketsMin;  // a power of two
  mutable uint64_t steps_ LARDER_GUARDED_BY_HOLDER = 0;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_CLIENT_H_
