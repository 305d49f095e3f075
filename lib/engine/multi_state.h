// MultiState: MULTI's queue and WATCH's keys of one client.
#ifndef LARDER_ENGINE_MULTI_STATE_H_
#define LARDER_ENGINE_MULTI_STATE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/holder.h"
#include "lib/engine/table.h"
#include "lib/engine/watch.h"
#include "lib/resp/argv.h"

namespace larder::inline v0::engine {

class Engine;
struct ClientState;

// Threads: the executor's holder.
class MultiState {
 public:
  bool open = false;      // between MULTI and EXEC or DISCARD
  bool broken = false;    // a command was refused while queuing: EXEC aborts
  bool changed = false;   // a watched key has changed: EXEC replies nil
  uint32_t flags = 0;     // of all queued commands together
  Watch* watches = nullptr;
  size_t watch_count = 0;  // how many, and what they take; by WatchTable
  size_t watch_bytes = 0;

  // Copies the command to the queue's end. False when there is no memory; nothing was queued then.
  bool Queue(const CommandRow& row, std::span<const Bytes> argv);
  size_t queued() const { return queued_; }
  // The queue's; the watches' is watch_bytes.
  size_t memory() const { return queue_.capacity(); }

  // Whether the queue and the watches are so few that running and forgetting all of them is short: see short.h.
  bool IsShort() const;

  // Room for the arguments of each of the queue's commands. False when there is no memory.
  bool MakeRoom(resp::ArgVector* argv) const;

  // Visits the queue in order: visit(row, argv). REQUIRES: MakeRoom(argv).
  template <class Visit>
  void ForEach(resp::ArgVector* argv, Visit&& visit) const {
    size_t at = 0;
    for (size_t i = 0; i < queued_; ++i) {
      const CommandRow* const row = Decode(&at, argv);
      visit(*row, argv->span());
    }
  }

  // Forgets queue and flags; the watches are WatchTable's to remove.
  void Reset();

 private:
  const CommandRow* Decode(size_t* at, resp::ArgVector* argv) const;

  base::Buffer queue_;  // per command: its row, argc, the lengths, the bytes
  size_t queued_ = 0;
  size_t argc_max_ = 0;
  size_t argc_sum_ = 0;
  bool all_short_ = true;
};

inline bool InMulti(const MultiState* transaction) { return transaction != nullptr && transaction->open; }

// The client's transaction, made on first use. nullptr when there is no memory.
MultiState* MultiStateOf(ClientState& client);
// DISCARD's effect, whatever the state: queue and watches forgotten.
void DropMultiState(Engine& engine, ClientState& client) LARDER_REQUIRES_HOLDER;

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_MULTI_STATE_H_
