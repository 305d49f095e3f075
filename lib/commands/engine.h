// Engine: everything that a command can reach, in one place. One a cache; guarded by the executor.
#ifndef LARDER_COMMANDS_ENGINE_H_
#define LARDER_COMMANDS_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include <larder/options.h>
#include <larder/stats.h>
#include "lib/base/error.h"
#include "lib/commands/client.h"
#include "lib/commands/command.h"
#include "lib/commands/table.h"
#include "lib/commands/watch.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::commands {

// Counted by listeners and sessions outside the executor, shown by INFO.
struct NetCounters {
  std::atomic<uint64_t> connections_received{0};
  std::atomic<uint64_t> connections_rejected{0};
  std::atomic<uint64_t> input_bytes{0};
  std::atomic<uint64_t> output_bytes{0};
  std::atomic<uint64_t> reads{0};
  std::atomic<uint64_t> writes{0};
  std::atomic<uint64_t> limit_disconnections_query{0};
  std::atomic<uint64_t> limit_disconnections_output{0};
};

struct EngineStats {
  uint64_t commands_processed = 0;
  uint64_t error_replies = 0;
  uint64_t evicted_clients = 0;
};

// INFO's instantaneous figures: means over the time between two INFOs that are at least a second apart.
struct Rates {
  int64_t since_ms = 0;
  uint64_t commands = 0;  // the counters as they were then
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
  double ops_per_second = 0;
  double input_kbps = 0;
  double output_kbps = 0;
};

// One command's counts, beside its row: INFO commandstats.
struct CommandCounters {
  uint64_t calls = 0;
  uint64_t usec = 0;
  uint64_t rejected = 0;
  uint64_t failed = 0;
};

// At what a listener failed to do as CONFIG SET says.
enum class ListenerPart : uint8_t { kTls, kTlsPort, kPort };

// What the engine asks of the cache around it. All are called by the executor's holder.
class EngineHost {
 public:
  // SHUTDOWN. kOk: the host was asked (the reply to the client is none); otherwise the refusal.
  virtual Error RequestShutdown(const ShutdownRequest& request, resp::ReplyWriter& reply) = 0;
  // An option has been changed by CONFIG SET; the cache applies what it must beyond Engine::SetOptions.
  virtual void OptionsChanged() = 0;
  // CONFIG SET is about to change `port`, `bind` or `tls-port` to what `changed` has or, with `tls`, how TLS is done.
  // An error keeps it from doing so; *failed says at what. UNIMPLEMENTED: there is a listener, and it has no TLS.
  virtual absl::Status Relisten(const Options& /*changed*/, bool /*tls*/, ListenerPart* /*failed*/) {
    return absl::OkStatus();
  }
  virtual void Log(LogLevel level, std::string_view line) = 0;
  // For INFO: name of the poller, listening TCP port; "" and 0 with no listener.
  virtual std::string_view poller_name() const = 0;
  virtual int tcp_port() const = 0;
  // Adds what the engine cannot know: the executor's figures.
  virtual void AddStats(Stats&) const {}

 protected:
  ~EngineHost() = default;
};

class Engine {
 public:
  // nullptr when there is no memory.
  static std::unique_ptr<Engine> Create(std::unique_ptr<const Options> options, Clock& clock, uint64_t seed,
                                        EngineHost& host);
  ~Engine();

  keyspace::Keyspace& keyspace() { return *keyspace_; }
  Clock& clock() { return clock_; }
  const CommandTable& commands() const { return commands_; }
  CommandCounters& counters(const CommandSpec& spec) { return counters_[commands_.IndexOf(spec)]; }
  Clients& clients() { return clients_; }
  WatchTable& watches() { return *watches_; }
  EngineStats& stats() { return stats_; }
  Rates& rates() { return rates_; }
  NetCounters& net() { return net_; }
  EngineHost& host() { return host_; }

  // The options in force. Each CONFIG SET puts others in their place, so a reference lasts as long as the command.
  const Options& options() const { return *options_; }
  void SetOptions(std::unique_ptr<const Options> options);

  int64_t started_ms() const { return started_ms_; }
  int64_t now_ms() { return keyspace_->now_ms(); }
  // 40 hexadecimal digits that differ from run to run.
  Bytes run_id() const { return {run_id_, sizeof(run_id_)}; }

  bool active_expire() const { return active_expire_; }
  void set_active_expire(bool on) { active_expire_ = on; }

  void ResetStats();  // CONFIG RESETSTAT

  // A map from the first word of an error reply to its count: INFO errorstats.
  void CountError(Bytes prefix);
  void ForEachErrorCount(absl::FunctionRef<void(Bytes prefix, uint64_t count)> visit) const;

 private:
  Engine(std::unique_ptr<const Options> options, Clock& clock, EngineHost& host)
      : options_(std::move(options)), clock_(clock), host_(host) {}

  struct ErrorCount {
    char prefix[24];
    uint8_t size = 0;
    uint64_t count = 0;
  };
  static constexpr size_t kErrorCountsMax = 64;

  std::unique_ptr<const Options> options_;
  Clock& clock_;
  EngineHost& host_;
  std::unique_ptr<keyspace::Keyspace> keyspace_;
  CommandTable commands_;
  std::unique_ptr<CommandCounters[]> counters_;
  Clients clients_;
  std::unique_ptr<WatchTable> watches_;
  EngineStats stats_;
  Rates rates_;
  NetCounters net_;
  ErrorCount errors_[kErrorCountsMax];
  int64_t started_ms_ = 0;
  char run_id_[40];
  bool active_expire_ = true;
};

struct CommandContext {
  Engine& engine;
  ClientState& client;
  const CommandSpec& spec;       // the command's row (the subcommand's, if it is one)
  keyspace::Keyspace& keyspace() { return engine.keyspace(); }
  keyspace::Db& db() { return *client.db; }
  int64_t now_ms() { return engine.now_ms(); }
};

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_ENGINE_H_
