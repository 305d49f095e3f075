// Monitors: the clients in MONITOR mode, and the lines that they get.
//
//   +1700000000.123456 [0 127.0.0.1:50000] "SET" "key" "a value\n"
//
// A session's command appears as it was sent, after it has run (so that SELECT shows the new database, and EXEC comes
// behind what it ran). A typed call appears by its canonical command, Execute and a Session by their argv; both come
// from "larder", as does an in-memory connection, which has no address either. Commands of administrators are left out
// and passwords are "(redacted)", as in Redis.
//
// Cost while nobody listens: one load and one branch a command, in dispatch; one compare of a typed call.
// Memory: a client that does not read is closed by client-output-buffer-limit, and one whose line there is no memory
// for at once: it must not miss a line unknowingly.
#ifndef LARDER_ENGINE_MONITOR_H_
#define LARDER_ENGINE_MONITOR_H_

#include <cstdint>
#include <span>
#include <utility>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/holder.h"
#include "lib/engine/client.h"

namespace larder::inline v0::engine {

class Engine;
struct CommandSpec;

// Who a typed call comes from, in MONITOR's lines.
inline constexpr Bytes kOwnCaller = "larder";

class Monitors {
 public:
  explicit Monitors(Engine& engine) : engine_(engine) {}

  bool any() const LARDER_REQUIRES_HOLDER { return !all_.empty(); }
  // REQUIRES: the client is none, and its io has prepared for pushes.
  void Add(ClientState& client) LARDER_REQUIRES_HOLDER;
  // Nothing for a client that is none.
  void Remove(ClientState& client) LARDER_REQUIRES_HOLDER;

  // A command of the client's has run. REQUIRES: any().
  void Ran(const ClientState& client, const CommandSpec& spec, std::span<const Bytes> argv) LARDER_REQUIRES_HOLDER;

  // The same for a call whose argv is put together here: BeginLine, Add..., EndLine. REQUIRES: any(). Whoever adds to a
  // line has these from the engine, and so is the holder.
  void BeginLine(int64_t now_us, int db, Bytes who, Bytes before = "") LARDER_REQUIRES_HOLDER;
  void Add(Bytes argument) LARDER_ASSERTS_HOLDER;
  void Add(const char* argument) LARDER_ASSERTS_HOLDER { Add(Bytes(argument)); }
  void Add(int64_t argument) LARDER_ASSERTS_HOLDER;
  void Add(double argument) LARDER_ASSERTS_HOLDER;
  void Add(std::span<const Bytes> arguments) LARDER_ASSERTS_HOLDER {
    for (Bytes argument : arguments) Add(argument);
  }
  void Add(std::span<const std::pair<Bytes, Bytes>> arguments) LARDER_ASSERTS_HOLDER {
    for (const auto& [key, value] : arguments) {
      Add(key);
      Add(value);
    }
  }
  void EndLine() LARDER_REQUIRES_HOLDER;

 private:
  Engine& engine_;
  base::IntrusiveList<ClientState, &ClientState::in_monitors> all_ LARDER_GUARDED_BY_HOLDER;
  base::Buffer line_ LARDER_GUARDED_BY_HOLDER;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_MONITOR_H_
