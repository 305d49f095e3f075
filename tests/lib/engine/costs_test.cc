// What commands cost with many clients, keys and watches, counted in steps: no loop within a loop.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <larder/clock.h>
#include "lib/base/random.h"
#include "lib/commands/families.h"
#include "lib/engine/dispatch.h"
#include "lib/engine/multi_state.h"

namespace larder::engine {
namespace {

class NoHost final : public EngineHost {
 public:
  Error RequestShutdown(const ShutdownRequest&, resp::ReplyWriter&) override { return kOk; }
  void OptionsChanged() override {}
  void Log(LogLevel, std::string_view) override {}
  std::string_view poller_name() const override { return {}; }
  int tcp_port() const override { return 0; }
};

class CostsTest : public testing::Test {
 protected:
  CostsTest() {
    clock_ = std::make_unique<ManualClock>();
    engine_ = *Engine::Create(std::make_unique<Options>(), commands::CoreFamilies(), *clock_, /*seed=*/7, host_);
  }
  ~CostsTest() override {
    while (!clients_.empty()) Leave(clients_.size() - 1);
  }

  ClientState& Join() {
    clients_.push_back(std::make_unique<ClientState>());
    clients_.back()->db = engine_->keyspace().db(0);
    engine_->clients().Add(clients_.back().get());
    return *clients_.back();
  }
  void Leave(size_t i) {
    ClientState& client = *clients_[i];
    DropMultiState(*engine_, client);
    engine_->clients().Remove(&client);
    delete client.transaction;
    clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::string Run(ClientState& client, const std::vector<std::string>& argv) {
    const std::vector<Bytes> views(argv.begin(), argv.end());
    resp::Output output;
    resp::ReplyWriter reply(output, 2);
    Dispatch(*engine_, client, views, reply, clock_->NowUs());
    return std::string(output.view());
  }
  // How many watches were looked at meanwhile.
  template <class F>
  uint64_t WatchSteps(F&& fn) {
    const uint64_t before = engine_->watches().steps();
    fn();
    return engine_->watches().steps() - before;
  }
  static std::vector<std::string> Watch(size_t keys, const std::string& prefix = "k") {
    std::vector<std::string> argv = {"WATCH"};
    for (size_t i = 0; i < keys; ++i) argv.push_back(prefix + std::to_string(i));
    return argv;
  }

  NoHost host_;
  std::unique_ptr<ManualClock> clock_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::unique_ptr<ClientState>> clients_;
};

constexpr size_t kClients = 300;
constexpr size_t kKeys = 100;

TEST_F(CostsTest, AWatchCostsTheSameHoweverManyWatchTheKey) {
  for (size_t i = 0; i < kClients; ++i) Join();
  const uint64_t added = WatchSteps([&] {
    for (auto& client : clients_) EXPECT_EQ(Run(*client, Watch(kKeys)), "+OK\r\n");
    for (auto& client : clients_) EXPECT_EQ(Run(*client, Watch(kKeys)), "+OK\r\n") << "a second time it is nothing new";
  });
  EXPECT_EQ(added, 0u);
  EXPECT_EQ(engine_->watches().keys(), kKeys);
  // UNWATCH, EXEC, DISCARD and going away: one step for each key that was watched, EXEC another to see that it is
  // there.
  EXPECT_EQ(WatchSteps([&] { Run(*clients_[0], {"UNWATCH"}); }), kKeys);
  EXPECT_EQ(WatchSteps([&] {
              Run(*clients_[kClients / 2], {"MULTI"});
              EXPECT_EQ(Run(*clients_[kClients / 2], {"EXEC"}), "*0\r\n");
            }),
            2 * kKeys);
  EXPECT_EQ(WatchSteps([&] {
              Run(*clients_[kClients - 1], {"MULTI"});
              Run(*clients_[kClients - 1], {"DISCARD"});
            }),
            kKeys);
  EXPECT_EQ(WatchSteps([&] {
              while (!clients_.empty()) Leave(clients_.size() / 2);
            }),
            (kClients - 3) * kKeys);
  EXPECT_EQ(engine_->watches().keys(), 0u);
  EXPECT_EQ(engine_->watches().bytes(), 0u);
}

TEST_F(CostsTest, AClientIsToldOnceThatAKeyHasChanged) {
  ClientState& writer = Join();
  for (size_t i = 0; i < kClients; ++i) Run(Join(), {"WATCH", "hot", "other"});
  EXPECT_EQ(WatchSteps([&] { Run(writer, {"SET", "hot", "1"}); }), kClients);
  EXPECT_EQ(WatchSteps([&] {
              for (int i = 0; i < 1000; ++i) Run(writer, {"INCR", "hot"});
            }),
            0u);
  // Whose EXEC will fail need not look at its other keys.
  ClientState& one = *clients_.back();
  Run(one, {"MULTI"});
  EXPECT_EQ(WatchSteps([&] { EXPECT_EQ(Run(one, {"EXEC"}), "*-1\r\n"); }), 1u) << "`other` is watched no longer";
  EXPECT_EQ(WatchSteps([&] { EXPECT_EQ(Run(*clients_[1], Watch(kKeys)), "+OK\r\n"); }), 0u) << "and watches no more";
}

TEST_F(CostsTest, AFlushLooksAtTheWatchedKeysOfItsDatabase) {
  ClientState& client = Join();
  for (int db = 0; db < 16; ++db) {
    Run(client, {"SELECT", std::to_string(db)});
    Run(client, Watch(db == 3 ? 1000 : 1));
  }
  EXPECT_EQ(WatchSteps([&] { Run(client, {"FLUSHALL"}); }), 1015u) << "and not sixteen times as many";
  EXPECT_EQ(WatchSteps([&] { Run(client, {"SWAPDB", "3", "4"}); }), 1001u);
}

TEST_F(CostsTest, AllWatchesTogetherCountEachKeyOnce) {
  for (size_t i = 0; i < 3; ++i) Run(Join(), {"WATCH", "shared", "key" + std::to_string(i)});
  const auto sum = [&] {
    size_t bytes = 0;
    for (const auto& client : clients_) bytes += client->transaction->watch_bytes;
    return bytes;
  };
  EXPECT_GT(clients_[0]->transaction->watch_bytes, clients_[1]->transaction->watch_bytes) << "the first counts the key";
  EXPECT_EQ(clients_[1]->transaction->watch_bytes, clients_[2]->transaction->watch_bytes);
  EXPECT_EQ(sum(), engine_->watches().bytes());
  Leave(0);
  EXPECT_NE(clients_[0]->transaction->watch_bytes, clients_[1]->transaction->watch_bytes) << "and then another";
  EXPECT_EQ(sum(), engine_->watches().bytes());
  Run(*clients_[1], {"SET", "shared", "v"});
  EXPECT_EQ(sum(), engine_->watches().bytes());
  EXPECT_EQ(engine_->watches().keys(), 2u);
}

// Clients come, watch, change and go at random; a map says whose EXEC must fail.
TEST_F(CostsTest, RandomWatchesAgreeWithAModel) {
  constexpr uint64_t kSeed = 41;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  base::Random random(kSeed);
  ClientState& writer = Join();
  struct Model {
    std::vector<std::pair<int, std::string>> watched;
    bool changed = false;
  };
  std::vector<Model> models(1);
  for (int step = 0; step < 20'000; ++step) {
    const size_t i = 1 + random.Below(clients_.size());
    const std::string key = "k" + std::to_string(random.Below(6));
    const int db = static_cast<int>(random.Below(2));
    if (i >= clients_.size()) {
      if (clients_.size() < 9) {
        Join();
        models.emplace_back();
      }
      continue;
    }
    ClientState& client = *clients_[i];
    switch (random.Below(5)) {
      case 0:
      case 1:
        Run(client, {"SELECT", std::to_string(db)});
        Run(client, {"WATCH", key, key});
        if (!models[i].changed) models[i].watched.emplace_back(db, key);
        break;
      case 2:
        Run(writer, {"SELECT", std::to_string(db)});
        Run(writer, {"SET", key, std::to_string(step)});
        for (Model& model : models) {
          for (const auto& watched : model.watched) model.changed |= watched == std::pair(db, key);
        }
        break;
      case 3:
        Run(client, {"MULTI"});
        EXPECT_EQ(Run(client, {"EXEC"}), models[i].changed ? "*-1\r\n" : "*0\r\n");
        models[i] = Model();
        break;
      case 4:
        if (random.Below(4) != 0) break;
        Leave(i);
        models.erase(models.begin() + static_cast<std::ptrdiff_t>(i));
        break;
    }
  }
  while (clients_.size() > 1) Leave(1);
  EXPECT_EQ(engine_->watches().keys(), 0u);
  EXPECT_EQ(engine_->watches().bytes(), 0u);
}

TEST_F(CostsTest, ClientsAreFoundByIdWithoutAWalk) {
  for (size_t i = 0; i < 5000; ++i) Join();
  for (size_t i = 0; i < 2500; ++i) Leave(clients_.size() - 1 - i);  // every second one
  std::vector<std::string> argv = {"CLIENT", "LIST", "ID"};
  for (const auto& client : clients_) argv.push_back(std::to_string(client->id));
  const uint64_t before = engine_->clients().steps();
  const std::string list = Run(*clients_[0], argv);
  EXPECT_EQ(static_cast<size_t>(std::count(list.begin(), list.end(), '\n')), clients_.size() + 2);
  const uint64_t steps = engine_->clients().steps() - before;
  EXPECT_GE(steps, clients_.size());
  EXPECT_LE(steps, 3 * clients_.size());
  EXPECT_EQ(engine_->clients().Find(999'999), nullptr);
  EXPECT_EQ(engine_->clients().Find(0), nullptr);
}

TEST_F(CostsTest, KillByIdLooksAtOneClient) {
  for (size_t i = 0; i < 100; ++i) Join();
  const uint64_t before = engine_->clients().steps();
  EXPECT_EQ(Run(*clients_[0], {"CLIENT", "KILL", "ID", std::to_string(clients_[70]->id)}), ":1\r\n");
  EXPECT_EQ(engine_->clients().steps() - before, 1u);
  EXPECT_TRUE(clients_[70]->close_now.load());
}

}  // namespace
}  // namespace larder::engine
