// What the tests of a listener share: a cache with a listener in front of it, by epoll or, in another run, by io_uring.
#ifndef LARDER_TESTS_NET_LISTENER_TESTING_H_
#define LARDER_TESTS_NET_LISTENER_TESTING_H_

#include <larder/cache.h>
#include <larder/net/listener.h>
#include <larder/net/uring.h>

#include <dirent.h>
#include <stdlib.h>

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/net/temp_folder.h"
#include "tests/net/test_client.h"

namespace larder {

// The names in a folder of /proc, without the descriptor that reads it.
inline std::set<std::string> Entries(const char* path) {
  std::set<std::string> names;
  DIR* dir = opendir(path);
  while (const dirent* entry = readdir(dir)) names.insert(entry->d_name);
  names.erase(std::to_string(dirfd(dir)));
  closedir(dir);
  return names;
}

class ListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (getenv("LARDER_TEST_IO_URING") != nullptr) options_.ae_api = AeApi::kIoUring;
    options_.clock = clock_;
    options_.log = [this](LogLevel, std::string_view line) {
      const std::lock_guard<std::mutex> lock(log_mutex_);
      log_.emplace_back(line);
    };
  }
  void TearDown() override {
    listener_.reset();
    cache_.reset();
  }
  void Open() {
    absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::Open(options_);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }
  static ListenerOptions AnyPort() {
    ListenerOptions where;
    where.bind = {"127.0.0.1"};
    where.any_port = true;
    where.io_uring = &Uring();
    return where;
  }
  void Start(ListenerOptions where = AnyPort()) {
    where.io_uring = &Uring();
    where.host_keeps.clear();
    if (cache_ == nullptr) Open();
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, where);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  TestClient Connect() { return TestClient::Tcp(listener_->port()); }
  bool Logged(std::string_view part) {
    const std::lock_guard<std::mutex> lock(log_mutex_);
    for (const std::string& line : log_) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  TempFolder folder_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  Options options_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Listener> listener_;
  std::mutex log_mutex_;
  std::vector<std::string> log_;
};

}  // namespace larder

#endif  // LARDER_TESTS_NET_LISTENER_TESTING_H_
