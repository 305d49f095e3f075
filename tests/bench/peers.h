// What is compared inside the process: a bare map, the same map behind a mutex, and a cache. The same three words each.
#ifndef LARDER_TESTS_BENCH_PEERS_H_
#define LARDER_TESTS_BENCH_PEERS_H_

#include <larder/cache.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace larder::bench {

class BareMap {
 public:
  bool Get(std::string_view key, std::string* value) {
    const auto it = map_.find(absl::string_view(key.data(), key.size()));
    if (it == map_.end()) return false;
    value->assign(it->second);
    return true;
  }
  void Set(std::string_view key, std::string_view value) {
    const auto it = map_.find(absl::string_view(key.data(), key.size()));
    if (it != map_.end()) {
      it->second.assign(value);
    } else {
      map_.emplace(key, value);
    }
  }

 private:
  absl::flat_hash_map<std::string, std::string> map_;
};

class LockedMap {
 public:
  bool Get(std::string_view key, std::string* value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return map_.Get(key, value);
  }
  void Set(std::string_view key, std::string_view value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    map_.Set(key, value);
  }

 private:
  std::mutex mutex_;
  BareMap map_;
};

class Ours {
 public:
  Ours() : Ours(Options()) {}
  explicit Ours(const Options& options) : cache_(OpenOrDie(options)) {}
  bool Get(std::string_view key, std::string* value) { return *cache_->Get(key, value); }
  void Set(std::string_view key, std::string_view value) {
    if (!cache_->Set(key, value).ok()) std::abort();
  }
  void Set(std::string_view key, std::string_view value, absl::Duration ttl) {
    if (!cache_->Set(key, value, {.ttl = ttl}).ok()) std::abort();
  }
  size_t GetMany(std::span<const std::string_view> keys) { return ManyOf(*cache_, keys); }
  Cache& cache() { return *cache_; }

 private:
  static std::unique_ptr<Cache> OpenOrDie(const Options& options) {
    auto cache = Cache::Open(options);
    if (!cache.ok()) std::abort();
    return *std::move(cache);
  }
  // How many were found. Into the same strings each time.
  size_t ManyOf(Cache& cache, std::span<const std::string_view> keys) {
    size_t found = 0;
    if (!cache.MGet(keys, &values_).ok()) std::abort();
    for (const std::optional<std::string>& value : values_) found += value.has_value() ? 1 : 0;
    return found;
  }

  std::unique_ptr<Cache> cache_;
  std::vector<std::optional<std::string>> values_;
};

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_PEERS_H_
