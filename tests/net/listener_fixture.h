// A cache with a listener in front of it, for tests: a clock set by hand, a log that is kept, peers on real sockets.
#ifndef LARDER_TESTS_NET_LISTENER_FIXTURE_H_
#define LARDER_TESTS_NET_LISTENER_FIXTURE_H_

#include <larder/cache.h>
#include <larder/net/listener.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/net/temp_folder.h"
#include "tests/net/test_client.h"

namespace larder {

// The number behind `field` in a text of INFO or CLIENT LIST; -1 if it is not there.
inline int64_t Field(std::string_view text, std::string_view field) {
  const size_t at = text.find(field);
  return at == std::string_view::npos ? -1 : std::stoll(std::string(text.substr(at + field.size(), 24)));
}

class ListenerFixture : public testing::Test {
 protected:
  void SetUp() override {
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

  static ListenerOptions AnyPort() {
    ListenerOptions where;
    where.bind = {"127.0.0.1"};
    where.any_port = true;
    where.host_keeps.clear();
    return where;
  }
  void Open() {
    absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::Open(options_);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }
  // Opens a cache too, unless there is one.
  void Start(const ListenerOptions& where = AnyPort()) {
    if (cache_ == nullptr) Open();
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, where);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  TestClient Connect() { return TestClient::Tcp(listener_->port()); }
  Reply Run(std::initializer_list<std::string_view> words) {
    absl::StatusOr<Reply> reply = cache_->Execute(words);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return *std::move(reply);
  }
  std::string Info(std::string_view section) { return std::string(Run({"INFO", section}).AsString()); }
  // Waits until a section of INFO has `line`.
  void AwaitInfo(std::string_view section, std::string_view line) {
    while (Info(section).find(line) == std::string::npos) std::this_thread::yield();
  }
  std::vector<std::string> Log() {
    const std::lock_guard<std::mutex> lock(log_mutex_);
    return log_;
  }
  bool Logged(std::string_view part) {
    for (const std::string& line : Log()) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  TempFolder folder_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  Options options_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Listener> listener_;

 private:
  std::mutex log_mutex_;
  std::vector<std::string> log_;
};

}  // namespace larder

#endif  // LARDER_TESTS_NET_LISTENER_FIXTURE_H_
