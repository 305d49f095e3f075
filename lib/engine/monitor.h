// Monitors: the clients in MONITOR mode, and the lines that they get.
//
//   +1700000000.123456 [0 127.0.0.1:50000] "SET" "key" "a value\n"
//
// A session's command appears as it was sent, after it has run (so that SELECT shows the new database, and EXEC comes
// behind what it ran). A typed call appears by its canonical command, Execute and a Session by their argv; both come from
// "larder", as does an in-memory connection, which has no address either. Commands of administrators are left out and
// passwords are "(redacted)", as in Redis.
//
// Cost while nobody listens: one load and one branch a command, in dispatch; one compare of a typed call.
// Memory: a client that does not read is closed by client-output-buffer-limit, and one whose line there is no memory for
// at once: it must not miss a line unknowingly.
// Threads: the executor's holder.
#ifndef LARDER_ENGINE_MONITOR_H_
#define LARDER_ENGINE_MONITOR_H_

#include <cstdint>
#include <span>
#include <utility>

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/engine/client.h"

namespace larder::inline v0::engine {

class Engine;
struct CommandSpec;

// Who a typed call comes from, in MONITOR's lines.
inline constexpr Bytes kOwnCaller = "larder";

class Monitors {
 public:
  explicit Monitors(Engine& engine) : engine_(engine) {}

  bool any() const { return !all_.empty(); }
  // REQUIRES: the client is none, and its io has prepared for pushes.
  void Add(ClientState& client);
  // Nothing for a client that is none.
  void Remove(ClientState& client);

  // A command of the client's has run. REQUIRES: any().
  void Ran(const ClientState& client, const CommandSpec& spec, std::span<const Bytes> argv);

  // The same for a call whose argv is put together here: BeginLine, Add..., EndLine. REQUIRES: any().
  void BeginLine(int64_t now_us, int db, Bytes who, Bytes before = "");
  void Add(Bytes argument);
  void Add(const char* argument) { Add(Bytes(argument)); }
  void Add(int64_t argument);
  void Add(double argument);
  void Add(std::span<const Bytes> arguments) {
    for (Bytes argument : arguments) Add(argument);
  }
  void Add(std::span<const std::pair<Bytes, Bytes>> arguments) {
    for (const auto& [key, value] : arguments) {
      Add(key);
      Add(value);
    }
  }
  void EndLine();

 private:
  Engine& engine_;
  base::IntrusiveList<ClientState, &ClientState::in_monitors> all_;
  base::Buffer line_;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_MONITOR_H_
