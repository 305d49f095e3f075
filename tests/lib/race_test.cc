// Every typed call in a loop beside whatever changes what the calls look at before they have the executor: FLUSHALL,
// SWAPDB, CONFIG SET, CLIENT. For ThreadSanitizer, which knows a race when two threads come to the same place, whatever
// they find there; without it the test says that nothing crashes and that no call is refused for a reason of its own.
#include <larder/cache.h>

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace larder {
namespace {

constexpr int kRounds = 60;

class RaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto cache = Cache::Open({.background = Background::kThread,
                              .maxmemory = 64 << 20,
                              .maxmemory_policy = MaxmemoryPolicy::kAllkeysLru,
                              .enable_debug_command = ProtectedAction::kYes});
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }

  // Runs `calls` on two threads while a third goes through `changes`, kRounds times.
  void Beside(const std::vector<std::vector<std::string_view>>& changes,
              const std::function<void(int thread, int i)>& calls) {
    std::atomic<bool> done{false};
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; !done; ++i) {
          calls(t, i);
          if (i == 0) ++ready;
        }
      });
    }
    while (ready != 2) std::this_thread::yield();
    for (int round = 0; round < kRounds; ++round) {
      for (const auto& argv : changes) {
        const auto reply = cache_->Execute(argv);
        ASSERT_TRUE(reply.ok()) << argv[0] << ": " << reply.status();
        EXPECT_FALSE(reply->is_error()) << argv[0] << ": " << reply->string_view();
      }
      std::this_thread::yield();
    }
    done = true;
    for (std::thread& thread : threads) thread.join();
  }

  static void Fine(const absl::Status& status) { EXPECT_TRUE(status.ok()) << status; }

  // Each typed call once, of small values and of such as are prepared before the executor is taken.
  void EachTypedCall(const Database& db, int i) {
    static const std::string large(40'000, 'v');
    const std::string key = "k" + std::to_string(i % 7);
    const std::string number = "n" + std::to_string(i % 7);
    const std::string_view two[] = {key, number};
    std::string into;
    Fine(db.Set(key, i % 3 == 0 ? std::string_view(large) : "v", {.ttl = absl::Milliseconds(1 + i % 5)}).status());
    Fine(db.Get(key).status());
    Fine(db.Get(key, &into).status());
    Fine(db.View(key, [](std::optional<std::string_view>) {}));
    Fine(db.SetAndGet(key, "w").status());
    Fine(db.MGet(two).status());
    Fine(db.MSet({{key, "1"}, {number, "2"}}));
    Fine(db.Increment(number).status());
    Fine(db.IncrementFloat("f" + number, 0.5).status());  // Increment of the other thread takes no fraction
    Fine(db.Delete(number).status());
    Fine(db.Append(key, "x").status());
    Fine(db.SetRange(key, 3, "y").status());
    Fine(db.GetRange(key, 0, -1).status());
    Fine(db.Exists(key).status());
    Fine(db.Expire(key, absl::Seconds(1)).status());
    Fine(db.ExpireAt(key, absl::Now() + absl::Seconds(1)).status());
    Fine(db.Ttl(key).status());
    Fine(db.Persist(key).status());
    ScanRange keys = db.Scan({.match = "k*"});
    for (const std::string& each : keys) EXPECT_EQ(each[0], 'k');
    Fine(keys.status());
    Fine(db.Size().status());
    Fine(db.GetOrLoad("load:" + key, absl::Milliseconds(1), []() -> absl::StatusOr<std::string> {
             return "v";
           }).status());
    Fine(db.Execute({"GETEX", key, "PX", "5"}).status());
  }

  std::unique_ptr<Cache> cache_;
};

TEST_F(RaceTest, TypedCallsBesideFlushes) {
  Beside({{"FLUSHALL"}, {"FLUSHDB"}, {"SET", "k1", "v"}}, [&](int, int i) { EachTypedCall(*cache_, i); });
}

TEST_F(RaceTest, TypedCallsOfTwoDatabasesBesideSwaps) {
  const Database one = *cache_->Db(1);
  Beside({{"SWAPDB", "0", "1"}, {"SET", "k1", "v"}, {"MOVE", "k1", "1"}, {"FLUSHDB"}},
         [&](int thread, int i) { EachTypedCall(thread == 0 ? *cache_ : one, i); });
}

const std::vector<std::vector<std::string_view>> kSettings = {
    {"CONFIG", "SET", "maxmemory", "8mb", "maxmemory-policy", "allkeys-s3fifo"},
    {"CONFIG", "SET", "maxmemory-policy", "allkeys-lfu", "lfu-log-factor", "5", "lfu-decay-time", "2"},
    {"CONFIG", "SET", "maxmemory", "64mb", "maxmemory-policy", "allkeys-lru", "maxmemory-samples", "3"},
    {"CONFIG", "SET", "hz", "100", "active-expire-effort", "5", "loglevel", "debug"},
    {"CONFIG", "SET", "hz", "10", "active-expire-effort", "1", "loglevel", "notice"},
    {"CONFIG", "SET", "proto-max-bulk-len", "64mb", "client-query-buffer-limit", "64mb"},
    {"CONFIG", "SET", "proto-max-bulk-len", "512mb", "maxmemory-clients", "32mb", "maxclients", "500"},
    {"CONFIG", "SET", "client-output-buffer-limit", "normal 32mb 16mb 60", "maxclients", "1000", "maxmemory-clients",
     "0"},
    {"CONFIG", "RESETSTAT"},
    {"CONFIG", "GET", "*"},
    {"INFO", "everything"},
};

TEST_F(RaceTest, TypedCallsBesideSettings) {
  Beside(kSettings, [&](int, int i) { EachTypedCall(*cache_, i); });
}

TEST_F(RaceTest, WhatIsAskedOfTheWholeCacheBesideSettings) {
  Beside(kSettings, [&](int, int i) {
    Fine(cache_->Stats().status());
    Fine(cache_->Tick(absl::Now()).status());
    Fine(cache_->Db(i % 16).status());
    Fine(cache_->ExecuteAsync({"SET", "k", "v"}, [](absl::StatusOr<Reply>) {}));
    Fine(cache_->Atomically([&](Transaction& t) { return t.Set("k", "v").status(); }));
  });
}

// What a client may do depends on the password, and is looked at before the executor is had.
TEST_F(RaceTest, ClientsBesidePasswordsAndEachOther) {
  std::vector<std::vector<std::string_view>> changes = kSettings;
  for (std::vector<std::string_view> argv : {std::vector<std::string_view>{"CONFIG", "SET", "requirepass", "secret"},
                                             {"CLIENT", "LIST"},
                                             {"CONFIG", "SET", "requirepass", ""},
                                             {"CLIENT", "PAUSE", "1", "WRITE"},
                                             {"CLIENT", "UNPAUSE"},
                                             {"FLUSHALL"}}) {
    changes.push_back(std::move(argv));
  }
  std::unique_ptr<RespConnection> connections[2] = {*cache_->NewConnection(), *cache_->NewConnection()};
  std::unique_ptr<Session> sessions[2] = {*cache_->NewSession(), *cache_->NewSession()};
  Beside(changes, [&](int thread, int i) {
    RespConnection& connection = *connections[thread];
    Fine(connection.Feed("MULTI\r\nSET a b\r\nEXEC\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n"));
    Fine(connection.Feed(i % 2 == 0 ? "MONITOR\r\n" : "RESET\r\n"));
    connection.ConsumeOutput(connection.output().size());
    if (connection.closed()) connections[thread] = *cache_->NewConnection();
    Session& session = *sessions[thread];
    Fine(session.Execute({"WATCH", "a"}).status());
    Fine(session.Execute({"MULTI"}).status());
    Fine(session.Execute({"INCR", "b"}).status());
    Fine(session.Execute({"EXEC"}).status());
    if (i % 8 == 0) sessions[thread] = *cache_->NewSession();
  });
}

}  // namespace
}  // namespace larder
