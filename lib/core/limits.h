// LiveLimits: the present values of options that sessions and listeners read on their own threads.
//
// Options belong to the executor's holder; CONFIG SET publishes the values that others need here. Each is read on its
// own, so no two of them need to agree.
#ifndef LARDER_CORE_LIMITS_H_
#define LARDER_CORE_LIMITS_H_

#include <atomic>
#include <cstdint>

#include <larder/options.h>

namespace larder::inline v0::core {

struct LiveLimits {
  struct Output {
    std::atomic<uint64_t> hard{0};
    std::atomic<uint64_t> soft{0};
    std::atomic<int64_t> soft_seconds{0};
  };

  std::atomic<uint64_t> bulk_bytes_max{0};
  std::atomic<uint64_t> maxmemory{0};  // 0: no limit
  std::atomic<uint64_t> query_buffer_bytes_max{0};
  std::atomic<uint32_t> maxclients{0};
  std::atomic<uint64_t> clients_memory_max{0};  // maxmemory-clients in bytes, 0: no limit; CacheCore writes it
  std::atomic<uint64_t> async_bytes_max{0};
  std::atomic<int> timeout_seconds{0};
  std::atomic<int> tcp_keepalive_seconds{0};
  std::atomic<int> authentication_timeout_seconds{0};
  std::atomic<bool> refuse_strangers{false};  // protected-mode is on and there is no password
  std::atomic<bool> needs_password{false};
  std::atomic<LogLevel> log_level{LogLevel::kNotice};
  std::atomic<int> hz{10};
  std::atomic<int> active_expire_effort{1};
  Output output_normal, output_replica, output_pubsub;

  void Publish(const Options& options) {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    bulk_bytes_max.store(options.proto_max_bulk_len, kRelaxed);
    maxmemory.store(options.maxmemory, kRelaxed);
    query_buffer_bytes_max.store(options.client_query_buffer_limit, kRelaxed);
    maxclients.store(options.maxclients, kRelaxed);
    async_bytes_max.store(options.async_bytes_max, kRelaxed);
    timeout_seconds.store(options.timeout, kRelaxed);
    tcp_keepalive_seconds.store(options.tcp_keepalive, kRelaxed);
    authentication_timeout_seconds.store(options.authentication_timeout, kRelaxed);
    refuse_strangers.store(options.protected_mode && options.requirepass.empty(), kRelaxed);
    needs_password.store(!options.requirepass.empty(), kRelaxed);
    log_level.store(options.loglevel, kRelaxed);
    hz.store(options.hz, kRelaxed);
    active_expire_effort.store(options.active_expire_effort, kRelaxed);
    Publish(output_normal, options.output_limit_normal);
    Publish(output_replica, options.output_limit_replica);
    Publish(output_pubsub, options.output_limit_pubsub);
  }

 private:
  static void Publish(Output& to, const OutputBufferLimit& from) {
    to.hard.store(from.hard, std::memory_order_relaxed);
    to.soft.store(from.soft, std::memory_order_relaxed);
    to.soft_seconds.store(from.soft_seconds, std::memory_order_relaxed);
  }
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_LIMITS_H_
