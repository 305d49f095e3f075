// Only short work runs on a stranger's thread.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <larder/cache.h>
#include <larder/options.h>
#include <larder/session.h>
#include "lib/core/core.h"
#include "lib/core/run_once.h"
#include "lib/engine/short.h"
#include "lib/session/direct_client.h"
#include "lib/session/served_session.h"
#include "lib/session/session_batch.h"

namespace larder::session {
namespace {

// SHUTDOWN, which is not short, says on which thread it runs, and is refused.
class Runs {
 public:
  explicit Runs(Options& options) {
    options.background = Background::kTick;
    options.on_shutdown = [this](const ShutdownRequest&) {
      const std::lock_guard<std::mutex> lock(mutex_);
      threads_.push_back(std::this_thread::get_id());
      return absl::FailedPreconditionError("not now");
    };
  }
  std::vector<std::thread::id> threads() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return threads_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::thread::id> threads_;
};

constexpr int kRounds = 100;

// Two threads that call without pause, until they are joined.
class Callers {
 public:
  template <class Call>
  explicit Callers(Call call) {
    for (int i = 0; i < 2; ++i) {
      threads_.emplace_back([this, call] {
        while (!stop_.load(std::memory_order_relaxed)) call();
      });
    }
  }
  ~Callers() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

TEST(ShortTest, AClientsLongCommandsRunOnItsLoopWhileThreadsCallWithoutPause) {
  Options options;
  Runs runs(options);
  auto core = *core::CacheCore::Create(options);
  std::atomic<int> wakes{0};
  SessionBatch batch(*core, [](void* arg) { static_cast<std::atomic<int>*>(arg)->fetch_add(1); }, &wakes);
  ASSERT_TRUE(batch.Prepare());
  auto session = ServedSession::Create(*core, Peer(), nullptr);
  batch.Open(*session);
  const auto run = [&] {
    int seen = wakes.load();
    while (core->executor().SubmitBatch(batch) == executor::Submit::kQueued) {
      while (wakes.load() == seen) std::this_thread::yield();
      seen = wakes.load();
    }
    batch.Reset();
  };
  constexpr std::string_view kRequests = "SET k v\r\nSHUTDOWN\r\nGET k\r\nKEYS *\r\nSHUTDOWN\r\n";
  constexpr std::string_view kReplies = "+OK\r\n-ERR not now\r\n$1\r\nv\r\n*1\r\n$1\r\nk\r\n-ERR not now\r\n";
  {
    const Callers callers([&] { (void)core->executor().Run([&] { (void)core->engine().keyspace().size(); }); });
    for (int round = 0; round < kRounds; ++round) {
      const std::span<char> room = session->PrepareRead();
      std::memcpy(room.data(), kRequests.data(), kRequests.size());
      session->CommitRead(kRequests.size());
      ASSERT_EQ(batch.Parse(*session, ParseQuota()), Parsed::kSome);
      run();
      ASSERT_EQ(session->output().view(), kReplies);
      session->ConsumeOutput(kReplies.size());
    }
  }
  EXPECT_EQ(runs.threads(), std::vector<std::thread::id>(2 * kRounds, std::this_thread::get_id()));
  batch.Close(std::move(session));
  run();
}

TEST(ShortTest, AThreadsLongCommandsRunOnItsOwnThread) {
  Options options;
  Runs runs(options);
  auto cache = *Cache::Open(options);
  auto session = *cache->NewSession();
  auto connection = *cache->NewConnection();
  {
    const Callers callers([&] { (void)cache->Get("k"); });
    for (int round = 0; round < kRounds; ++round) {
      EXPECT_TRUE(cache->Execute({"SHUTDOWN"}).ok());
      EXPECT_TRUE(session->Execute({"SHUTDOWN"}).ok());
      ASSERT_TRUE(connection->Feed("PING\r\nSHUTDOWN\r\nPING\r\n").ok());
      ASSERT_EQ(connection->output(), "+PONG\r\n-ERR not now\r\n+PONG\r\n");
      connection->ConsumeOutput(connection->output().size());
    }
  }
  EXPECT_EQ(runs.threads(), std::vector<std::thread::id>(3 * kRounds, std::this_thread::get_id()));
}

TEST(ShortTest, AFeedInsideUserCodeTakesNothing) {
  auto cache = *Cache::Open(Options());
  auto connection = *cache->NewConnection();
  ASSERT_TRUE(connection->Feed("SET k v\r\nGE").ok());
  ASSERT_TRUE(cache->View("k", [&](std::optional<std::string_view>) {
                     EXPECT_EQ(connection->Feed("T k\r\nPING\r\n").code(), absl::StatusCode::kFailedPrecondition);
                     EXPECT_EQ(connection->output(), "+OK\r\n");
                   }).ok());
  EXPECT_FALSE(connection->closed());
  ASSERT_TRUE(connection->Feed("T k\r\nPING\r\n").ok());
  EXPECT_EQ(connection->output(), "+OK\r\n$1\r\nv\r\n+PONG\r\n");
}

// What CLIENT PAUSE held may go on, but not inside user code.
TEST(ShortTest, OutputInsideUserCodeLosesNoRequestThatWasHeld) {
  Options options;
  auto clock = std::make_shared<ManualClock>();
  options.clock = clock;
  auto cache = *Cache::Open(options);
  auto connection = *cache->NewConnection();
  ASSERT_TRUE(cache->Execute({"CLIENT", "PAUSE", "100"}).ok());
  ASSERT_TRUE(connection->Feed("PING\r\n").ok());
  clock->Advance(absl::Seconds(1));
  ASSERT_TRUE(cache->View("k", [&](std::optional<std::string_view>) { EXPECT_EQ(connection->output(), ""); }).ok());
  EXPECT_EQ(connection->output(), "+PONG\r\n");
}

class IsShortTest : public testing::Test {
 protected:
  IsShortTest() {
    Options options;
    options.background = Background::kTick;
    core_ = *core::CacheCore::Create(options);
  }
  bool IsShort(const std::vector<std::string>& argv) {
    const std::vector<std::string_view> views(argv.begin(), argv.end());
    bool is_short = false;
    EXPECT_TRUE(core_->Run([&] { is_short = core::IsShortOnce(*core_, 0, views); }).ok());
    return is_short;
  }
  static std::vector<std::string> Times(std::vector<std::string> argv, size_t n, const std::string& arg) {
    argv.insert(argv.end(), n, arg);
    return argv;
  }
  void Run(const std::vector<std::string>& argv) {
    const std::vector<std::string_view> views(argv.begin(), argv.end());
    EXPECT_TRUE(core::ExecuteOnce(*core_, 0, views, /*held=*/false).ok());
  }
  std::unique_ptr<core::CacheCore> core_;
};

TEST_F(IsShortTest, ByTheRow) {
  for (const std::vector<std::string>& argv : std::vector<std::vector<std::string>>{
           {"GET", "k"}, {"set", "k", "v"}, {"INCR", "k"}, {"DEL", "k"}, {"PING"}, {"EXPIRE", "k", "1"}, {"DBSIZE"},
           {"CLIENT", "ID"}, {"OBJECT", "ENCODING", "k"}, {"RANDOMKEY"}, {"NOSUCH"}, {"CLIENT", "NOSUCH"}}) {
    EXPECT_TRUE(IsShort(argv)) << argv[0];
  }
  for (const std::vector<std::string>& argv : std::vector<std::vector<std::string>>{
           {"KEYS", "*"}, {"LCS", "a", "b"}, {"DEBUG", "SLEEP", "1"}, {"INFO"}, {"COMMAND"}, {"COMMAND", "DOCS"},
           {"CLIENT", "LIST"}, {"CLIENT", "UNPAUSE"}, {"CONFIG", "SET", "hz", "10"}, {"FLUSHALL"}, {"SHUTDOWN"}}) {
    EXPECT_FALSE(IsShort(argv)) << argv[0];
  }
}

TEST_F(IsShortTest, ByTheNumberOfKeys) {
  for (const char* name : {"MGET", "DEL", "EXISTS", "UNLINK", "TOUCH"}) {
    EXPECT_TRUE(IsShort(Times({name}, 64, "k"))) << name;
    EXPECT_FALSE(IsShort(Times({name}, 65, "k"))) << name;
  }
  EXPECT_TRUE(IsShort(Times({"MSET"}, 128, "k")));
  EXPECT_FALSE(IsShort(Times({"MSET"}, 130, "k")));
  EXPECT_TRUE(IsShort({"SCAN", "0", "COUNT", "64"}));
  EXPECT_FALSE(IsShort({"SCAN", "0", "MATCH", "*", "count", "65"}));
}

TEST_F(IsShortTest, ByTheSizeOfArgumentsAndOfTheValue) {
  EXPECT_TRUE(IsShort({"SET", "k", std::string(60'000, 'v')}));
  EXPECT_FALSE(IsShort({"SET", "k", std::string(70'000, 'v')}));
  Run({"SET", "large", std::string(1'000'000, 'v')});
  EXPECT_TRUE(IsShort({"APPEND", "k", "v"}));
  EXPECT_FALSE(IsShort({"APPEND", "large", "v"}));
  EXPECT_FALSE(IsShort({"SETRANGE", "large", "0", "v"}));
  EXPECT_TRUE(IsShort({"SETRANGE", "k", "100", "v"}));
  EXPECT_FALSE(IsShort({"SETRANGE", "k", "100000000", "v"}));
  EXPECT_TRUE(IsShort({"GET", "large"})) << "by reference";
  EXPECT_TRUE(IsShort({"GETRANGE", "large", "0", "-1"})) << "likewise";
}

TEST_F(IsShortTest, ExecByItsQueue) {
  DirectClient client(*core_);
  ASSERT_TRUE(client.Open().ok());
  const auto execute = [&](std::vector<std::string_view> argv) { EXPECT_TRUE(client.Execute(argv).ok()); };
  const auto is_short = [&](std::vector<std::string_view> argv) {
    bool is = false;
    EXPECT_TRUE(core_->Run([&] { is = client.IsShort(argv); }).ok());
    return is;
  };
  execute({"MULTI"});
  execute({"SET", "k", "v"});
  EXPECT_TRUE(is_short({"EXEC"}));
  EXPECT_TRUE(is_short({"KEYS", "*"})) << "only queued now";
  execute({"KEYS", "*"});
  EXPECT_FALSE(is_short({"EXEC"}));
  EXPECT_TRUE(is_short({"DISCARD"}));
  execute({"DISCARD"});
  EXPECT_FALSE(is_short({"KEYS", "*"}));
  std::vector<std::string> keys;
  for (int i = 0; i < 65; ++i) keys.push_back("k" + std::to_string(i));
  std::vector<std::string_view> watch = {"WATCH"};
  watch.insert(watch.end(), keys.begin(), keys.end());
  execute(watch);
  EXPECT_FALSE(is_short({"UNWATCH"}));
  execute({"UNWATCH"});
  EXPECT_TRUE(is_short({"UNWATCH"}));
}

TEST(ShortTest, TypedCallsWithManyKeysRunOnTheirOwnThread) {
  Options options;
  options.background = Background::kTick;
  auto cache = *Cache::Open(options);
  const auto left_to_threads = [&] { return cache->Stats()->executor.handed_over; };
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("key" + std::to_string(i));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  ASSERT_TRUE(cache->Set("key1", "v").ok());
  const uint64_t before = left_to_threads();
  const Callers callers([&] { (void)cache->Get("k"); });
  // In time each of them meets a busy executor and is handed it.
  for (int wanted = 1; wanted <= 3; ++wanted) {
    while (left_to_threads() - before < static_cast<uint64_t>(wanted)) {
      EXPECT_EQ(cache->MGet(keys)->size(), 1000u);
      EXPECT_EQ(*cache->Exists(std::span<const std::string_view>(keys)), 1);
    }
  }
}

}  // namespace
}  // namespace larder::session
