// Engine: everything that a command can reach, in one place. One a cache.
#ifndef LARDER_ENGINE_ENGINE_H_
#define LARDER_ENGINE_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/options.h>
#include <larder/stats.h>
#include "lib/base/error.h"
#include "lib/base/holder.h"
#include "lib/engine/blocking.h"
#include "lib/engine/client.h"
#include "lib/engine/command.h"
#include "lib/engine/monitor.h"
#include "lib/engine/pause.h"
#include "lib/engine/rates.h"
#include "lib/engine/read_reasons.h"
#include "lib/engine/table.h"
#include "lib/engine/keyspace_events.h"
#include "lib/engine/pubsub.h"
#include "lib/engine/watch.h"
#include "lib/keyspace/keyspace.h"

namespace larder::inline v0::engine {

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
  virtual Error RequestShutdown(const ShutdownRequest& request, resp::ReplyWriter& reply) LARDER_REQUIRES_HOLDER = 0;
  // An option has been changed by CONFIG SET; the cache applies what it must beyond Engine::SetOptions.
  virtual void OptionsChanged() LARDER_REQUIRES_HOLDER = 0;
  // CONFIG SET is about to change `port`, `bind` or `tls-port` to what `changed` has or, with `tls`, how TLS is done.
  // An error keeps it from doing so, and all listeners stay as they are; *failed says at what. UNIMPLEMENTED: there is
  // a listener, and it has no TLS.
  virtual absl::Status Relisten(const Options& /*changed*/, bool /*tls*/, ListenerPart* /*failed*/)
      LARDER_REQUIRES_HOLDER {
    return absl::OkStatus();
  }
  // CONFIG SET is about to raise maxclients: how many of so many the process has descriptors for.
  virtual uint32_t FittingClients(uint32_t wanted) const { return wanted; }
  virtual void Log(LogLevel level, std::string_view line) = 0;
  // There is now that reason, or no more, why typed reads must come through the executor. The host keeps the set.
  virtual void AddReadReason(ReadReason /*reason*/) LARDER_REQUIRES_HOLDER {}
  virtual void RemoveReadReason(ReadReason /*reason*/) LARDER_REQUIRES_HOLDER {}
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
  // `families`: all commands that there are. Errors: RESOURCE_EXHAUSTED; INVALID_ARGUMENT names the command that two of
  // them have, or that one lacks.
  static absl::StatusOr<std::unique_ptr<Engine>> Create(std::unique_ptr<const Options> options,
                                                        std::span<const Family* const> families,
                                                        Clock& clock, uint64_t seed, EngineHost& host);
  ~Engine();

  keyspace::Keyspace& keyspace() { return *keyspace_; }
  Clock& clock() { return clock_; }
  const CommandTable& commands() const { return commands_; }
  CommandCounters& counters(const CommandRow& row) LARDER_REQUIRES_HOLDER { return counters_[row.index]; }
  Clients& clients() LARDER_REQUIRES_HOLDER { return clients_; }
  WatchTable& watches() LARDER_REQUIRES_HOLDER { return *watches_; }
  PubSub& pubsub() LARDER_REQUIRES_HOLDER { return *pubsub_; }
  Blocking& blocking() LARDER_REQUIRES_HOLDER { return *blocking_; }
  // See Blocking::soonest_ms. Any thread.
  int64_t soonest_timeout_ms() const { return blocking_->soonest_ms(); }
  EngineStats& stats() LARDER_REQUIRES_HOLDER { return stats_; }
  Rates& rates() { return rates_; }
  // Before something is counted at that time.
  void SampleRates(int64_t now_us) LARDER_REQUIRES_HOLDER {
    if (rates_.Due(now_us)) [[unlikely]] SampleRatesNow(now_us);
  }
  NetCounters& net() { return net_; }
  EngineHost& host() { return host_; }
  Monitors& monitors() LARDER_REQUIRES_HOLDER { return monitors_; }
  Pause& pause() { return pause_; }
  // Lets all held clients go on.
  void EndPause() LARDER_REQUIRES_HOLDER;

  // The options in force. Each CONFIG SET puts others in their place, so a reference lasts as long as the command.
  const Options& options() const LARDER_REQUIRES_HOLDER { return *options_; }
  void SetOptions(std::unique_ptr<const Options> options) LARDER_REQUIRES_HOLDER;

  int64_t started_ms() const { return started_ms_; }
  size_t startup_memory() const { return startup_memory_; }  // used before the first key
  int64_t now_ms() LARDER_REQUIRES_HOLDER { return keyspace_->now_ms(); }
  // 40 hexadecimal digits that differ from run to run.
  Bytes run_id() const { return {run_id_, sizeof(run_id_)}; }

  bool active_expire() const LARDER_REQUIRES_HOLDER { return active_expire_; }
  void set_active_expire(bool on) LARDER_REQUIRES_HOLDER {
    active_expire_ = on;
    keyspace_->Owe(keyspace::kOwesSoonerExpiry);
  }

  void ResetStats() LARDER_REQUIRES_HOLDER;  // CONFIG RESETSTAT

  // A client speaks HTTP: says so in the log, at most once a minute.
  void LogHttpAttack() LARDER_REQUIRES_HOLDER;

  // A map from the first word of an error reply to its count: INFO errorstats.
  void CountError(Bytes prefix) LARDER_REQUIRES_HOLDER;
  void ForEachErrorCount(absl::FunctionRef<void(Bytes prefix, uint64_t count)> visit) const LARDER_REQUIRES_HOLDER;

  // What clients take: buffers; large arguments that are arriving, and values that replies keep, in blocks that the
  // heap counts; and watches and subscriptions, which the arena counts. A value that several clients wait for counts for each. Any
  // thread.
  uint64_t clients_memory() const {
    return keyspace_->extra_memory().load(std::memory_order_relaxed) +
           clients_blocks_.load(std::memory_order_relaxed) + watches_->bytes() + pubsub_->bytes();
  }
  std::atomic<uint64_t>& clients_blocks() { return clients_blocks_; }
  // maxmemory-clients in bytes; 0: no limit.
  uint64_t clients_memory_max() const LARDER_REQUIRES_HOLDER { return clients_memory_max_; }
  // Closes the largest clients if all together are over it: to be called when they may have grown. Cheap if they are
  // not.
  void CheckClientsMemory() LARDER_REQUIRES_HOLDER {
    if (clients_memory_max_ != 0 && clients_memory() > clients_look_above_) [[unlikely]] LookAtClientsMemory();
  }
  // What may be evicted has changed.
  void ForgetClientsMemory() LARDER_REQUIRES_HOLDER { clients_look_above_ = clients_memory_max_; }

 private:
  Engine(std::unique_ptr<const Options> options, Clock& clock, EngineHost& host)
      : options_(std::move(options)), clock_(clock), host_(host) {}

  void SampleRatesNow(int64_t now_us) LARDER_REQUIRES_HOLDER;
  void LookAtClientsMemory() LARDER_REQUIRES_HOLDER;

  struct ErrorCount {
    char prefix[24];
    uint8_t size = 0;
    uint64_t count = 0;
  };
  static constexpr size_t kErrorCountsMax = 64;

  std::unique_ptr<const Options> options_ LARDER_GUARDED_BY_HOLDER;
  Clock& clock_;
  EngineHost& host_;
  std::unique_ptr<keyspace::Keyspace> keyspace_;
  CommandTable commands_;
  std::unique_ptr<CommandCounters[]> counters_ LARDER_GUARDED_BY_HOLDER;
  Clients clients_ LARDER_GUARDED_BY_HOLDER;
  std::unique_ptr<WatchTable> watches_;
  std::unique_ptr<PubSub> pubsub_;
  std::unique_ptr<KeyspaceEvents> events_;
  std::unique_ptr<Blocking> blocking_;
  EngineStats stats_ LARDER_GUARDED_BY_HOLDER;
  Rates rates_;
  std::atomic<uint64_t> clients_blocks_{0};
  uint64_t clients_memory_max_ LARDER_GUARDED_BY_HOLDER = 0;
  // Memory of clients up to which looking at each of them is not worth while: the limit, or, when all that is over it
  // belongs to clients that may not be evicted, a little more than there was.
  uint64_t clients_look_above_ LARDER_GUARDED_BY_HOLDER = 0;
  NetCounters net_;
  Pause pause_;
  Monitors monitors_ LARDER_GUARDED_BY_HOLDER{*this};
  ErrorCount errors_[kErrorCountsMax] LARDER_GUARDED_BY_HOLDER;
  int64_t started_ms_ = 0;
  size_t startup_memory_ = 0;
  int64_t attack_logged_ms_ LARDER_GUARDED_BY_HOLDER = INT64_MIN;
  char run_id_[40];
  bool active_expire_ LARDER_GUARDED_BY_HOLDER = true;
};

// Made by Dispatch for the command that it runs: whoever has one is the executor's holder, and by asking it for
// anything says so to clang.
struct CommandContext {
 private:
  Engine& engine_;

 public:
  CommandContext(Engine& engine, ClientState& of, const CommandSpec& row) : engine_(engine), client(of), spec(row) {}

  ClientState& client;
  const CommandSpec& spec;       // the command's row (the subcommand's, if it is one)
  bool minded_reply_mode = false;  // what it has written is what CLIENT REPLY lets through

  Engine& engine() LARDER_ASSERTS_HOLDER { return engine_; }
  keyspace::Keyspace& keyspace() LARDER_ASSERTS_HOLDER { return engine_.keyspace(); }
  keyspace::Db& db() LARDER_ASSERTS_HOLDER { return *client.db; }
  int64_t now_ms() LARDER_ASSERTS_HOLDER { return engine().now_ms(); }
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_ENGINE_H_
