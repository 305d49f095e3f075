#include "lib/engine/engine.h"

#include <cstring>
#include <new>

#include "lib/base/error_texts.h"
#include "lib/base/hash.h"
#include "lib/base/random.h"
#include "lib/base/status.h"
#include "lib/engine/client_eviction.h"
#include "lib/engine/text.h"

namespace larder::inline v0::engine {
namespace {

struct Policy {
  keyspace::EvictionOrder order;
  bool volatile_only;
};

Policy PolicyOf(MaxmemoryPolicy policy) {
  using keyspace::EvictionOrder;
  switch (policy) {
    case MaxmemoryPolicy::kNoeviction: return {EvictionOrder::kNone, false};
    case MaxmemoryPolicy::kVolatileTtl: return {EvictionOrder::kTtl, true};
    case MaxmemoryPolicy::kVolatileRandom: return {EvictionOrder::kRandom, true};
    case MaxmemoryPolicy::kAllkeysRandom: return {EvictionOrder::kRandom, false};
    case MaxmemoryPolicy::kVolatileLru: return {EvictionOrder::kLru, true};
    case MaxmemoryPolicy::kAllkeysLru: return {EvictionOrder::kLru, false};
    case MaxmemoryPolicy::kVolatileLfu: return {EvictionOrder::kLfu, true};
    case MaxmemoryPolicy::kAllkeysLfu: return {EvictionOrder::kLfu, false};
    case MaxmemoryPolicy::kVolatileS3Fifo: return {EvictionOrder::kS3Fifo, true};
    case MaxmemoryPolicy::kAllkeysS3Fifo: return {EvictionOrder::kS3Fifo, false};
  }
  return {EvictionOrder::kNone, false};
}

void ApplyTo(keyspace::KeyspaceConfig& config, const Options& options) {
  const Policy policy = PolicyOf(options.maxmemory_policy);
  config.maxmemory = options.maxmemory;
  config.eviction = policy.order;
  config.evict_volatile_only = policy.volatile_only;
  config.access.lfu_log_factor = static_cast<uint32_t>(options.lfu_log_factor);
  config.access.lfu_decay_minutes = static_cast<uint32_t>(options.lfu_decay_time);
  config.eviction_samples = options.maxmemory_samples;
  config.string_bytes_max = options.proto_max_bulk_len;
  config.hash_packed_entries_max = static_cast<uint64_t>(options.hash_max_listpack_entries);
  config.hash_packed_value_max = static_cast<uint64_t>(options.hash_max_listpack_value);
  config.zset_packed_entries_max = static_cast<uint64_t>(options.zset_max_listpack_entries);
  config.zset_packed_value_max = static_cast<uint64_t>(options.zset_max_listpack_value);
  config.intset_entries_max = static_cast<uint64_t>(options.set_max_intset_entries);
  config.stream_node_entries_max = static_cast<uint64_t>(options.stream_node_max_entries);
  config.stream_node_bytes_max = static_cast<uint64_t>(options.stream_node_max_bytes);
  config.memory = options.memory;
}

absl::Status NoMemory() {
  return base::NoMemory(base::kNoMemoryForCache);
}

absl::Status FaultOf(CommandTable::Fault fault, Bytes culprit) {
  if (fault == CommandTable::Fault::kNoMemory) return NoMemory();
  base::Buffer text;
  TextWriter out(text);
  out << "Options::families: ";
  switch (fault) {
    case CommandTable::Fault::kTwice: out << "the command '" << culprit << "' is there already"; break;
    case CommandTable::Fault::kNoContainer: out << "there is no command '" << culprit << "' to have subcommands"; break;
    case CommandTable::Fault::kNoFamily: out << "one of them is null"; break;
    case CommandTable::Fault::kNoGroup: out << "the command '" << culprit << "' has no group"; break;
    case CommandTable::Fault::kNoFunction: out << "the command '" << culprit << "' has no function"; break;
    default:
      out << "there are more than 65,534 commands, or the name '" << culprit << "' has not 1 to 32 letters";
      break;
  }
  return text.failed() ? NoMemory() : base::MakeStatus(absl::StatusCode::kInvalidArgument, text.view());
}

// A percentage is of maxmemory, and no limit if there is no maxmemory.
uint64_t ClientsMemoryMax(const Options& options) {
  const int64_t value = options.maxmemory_clients;
  if (value >= 0) return static_cast<uint64_t>(value);
  const uint64_t percent = static_cast<uint64_t>(-value);
  return options.maxmemory / 100 * percent + options.maxmemory % 100 * percent / 100;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(std::unique_ptr<const Options> options,
                                                       std::span<const Family* const> families, Clock& clock,
                                                       uint64_t seed, EngineHost& host) {
  std::unique_ptr<Engine> engine(new (std::nothrow) Engine(std::move(options), clock, host));
  if (engine == nullptr) return NoMemory();
  base::AssertHolder();  // nobody else knows of it yet
  keyspace::KeyspaceConfig config;
  config.databases = engine->options().databases;
  config.seed = seed;
  ApplyTo(config, engine->options());
  engine->keyspace_ = keyspace::Keyspace::Create(config, clock);
  if (engine->keyspace_ == nullptr || engine->keyspace_->db(0) == nullptr) return NoMemory();
  engine->watches_.reset(new (std::nothrow) WatchTable(*engine->keyspace_));
  engine->pubsub_.reset(new (std::nothrow) PubSub(*engine->keyspace_, host));
  engine->blocking_.reset(new (std::nothrow) Blocking(*engine));
  if (engine->watches_ == nullptr || engine->pubsub_ == nullptr || engine->blocking_ == nullptr) return NoMemory();
  engine->events_.reset(new (std::nothrow) KeyspaceEvents(engine->keyspace_->effects(), *engine->pubsub_));
  if (engine->events_ == nullptr) return NoMemory();
  engine->events_->Configure(engine->options().notify_keyspace_events);
  Bytes culprit;
  const CommandTable::Fault fault = engine->commands_.Build(families, &culprit);
  if (fault != CommandTable::Fault::kNone) return FaultOf(fault, culprit);
  engine->counters_.reset(new (std::nothrow) CommandCounters[engine->commands_.rows().size()]);
  if (engine->counters_ == nullptr) return NoMemory();
  engine->clients_memory_max_ = engine->clients_look_above_ = ClientsMemoryMax(engine->options());
  engine->started_ms_ = clock.NowUs() / 1000;
  engine->startup_memory_ = engine->keyspace_->used_memory();
  // Everybody may read the run id: it tells nothing of the seed.
  base::Random random(base::DeriveSeed(seed, base::kRunId) ^ static_cast<uint64_t>(clock.NowUs()));
  for (char& digit : engine->run_id_) digit = "0123456789abcdef"[random.Below(16)];
  return engine;
}

Engine::~Engine() = default;

void Engine::SetOptions(std::unique_ptr<const Options> options) {
  options_ = std::move(options);
  keyspace::KeyspaceConfig config = keyspace_->config();
  ApplyTo(config, *options_);
  keyspace_->Configure(config);
  events_->Configure(options_->notify_keyspace_events);
  clients_memory_max_ = clients_look_above_ = ClientsMemoryMax(*options_);
  CheckClientsMemory();
  host_.OptionsChanged();
}

void Engine::EndPause() {
  pause_.End();
  keyspace_->HoldExpiry(0);
  for (ClientState* client = clients_.first(); client != nullptr; client = client->in_clients.next) {
    if (client->held.exchange(false, std::memory_order_relaxed)) client->io->Resume();
  }
  keyspace_->Owe(keyspace::kOwesSoonerExpiry);  // active expiry may go on
}

void Engine::SampleRatesNow(int64_t now_us) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  rates_.Sample(now_us,
                {{stats_.commands_processed, net_.input_bytes.load(kRelaxed), net_.output_bytes.load(kRelaxed)}});
}

void Engine::LookAtClientsMemory() {
  const uint64_t used = clients_memory();
  // Clients that are on their way out give their memory back soon; until then each look is worth while.
  const bool going = EvictClients(*this, clients_memory_max_);
  clients_look_above_ = going ? clients_memory_max_ : used + clients_memory_max_ / 64;
}

void Engine::ResetStats() {
  rates_.Reset();
  stats_ = EngineStats{};
  keyspace_->stats() = keyspace::KeyspaceStats{};
  keyspace_->reads().Reset();
  keyspace_->steps().Reset();
  for (size_t i = 0; i < commands_.rows().size(); ++i) counters_[i] = CommandCounters{};
  for (ErrorCount& error : errors_) error = ErrorCount{};
  for (std::atomic<uint64_t>* counter :
       {&net_.connections_received, &net_.connections_rejected, &net_.input_bytes, &net_.output_bytes, &net_.reads,
        &net_.writes, &net_.limit_disconnections_query, &net_.limit_disconnections_output}) {
    counter->store(0, std::memory_order_relaxed);
  }
}

void Engine::LogHttpAttack() {
  constexpr int64_t kEveryMs = 60'000;
  const int64_t now = now_ms();
  if (attack_logged_ms_ != INT64_MIN && now - attack_logged_ms_ < kEveryMs) return;
  attack_logged_ms_ = now;
  host_.Log(
      LogLevel::kWarning,
      "Possible SECURITY ATTACK detected: a client has sent POST or Host:, as a web browser does when a page makes it "
      "speak to this port (cross protocol scripting). Its connection is closed.");
}

void Engine::CountError(Bytes prefix) {
  ++stats_.error_replies;
  prefix = prefix.substr(0, sizeof(ErrorCount::prefix));
  for (ErrorCount& error : errors_) {
    if (error.size == 0) {
      base::CopyBytes(error.prefix, prefix);
      error.size = static_cast<uint8_t>(prefix.size());
    }
    if (Bytes(error.prefix, error.size) == prefix) {
      ++error.count;
      return;
    }
  }
}

void Engine::ForEachErrorCount(absl::FunctionRef<void(Bytes prefix, uint64_t count)> visit) const {
  for (const ErrorCount& error : errors_) {
    if (error.count != 0) visit({error.prefix, error.size}, error.count);
  }
}

}  // namespace larder::inline v0::engine
