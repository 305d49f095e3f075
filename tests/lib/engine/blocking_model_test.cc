// Random traffic of clients that wait, against a model of Redis's rules: first come, first served per key; keys in the
// order in which they became ready; after the whole command or transaction; chains of moves.
#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include <larder/cache.h>
#include <larder/clock.h>
#include <larder/session.h>

namespace larder {
namespace {

constexpr int kClients = 12;
constexpr int kKeys = 5;

struct Wait {
  int client;
  std::vector<std::string> keys;
  std::string destination;  // of a BLMOVE
  int64_t until_ms;         // 0: none
};

class Model {
 public:
  std::map<std::string, std::deque<std::string>> lists;
  std::vector<Wait> waits;  // in the order in which they came
  std::vector<std::string> out = std::vector<std::string>(kClients);

  void Push(const std::string& key, const std::string& element, bool left) {
    const bool is_new = !lists.contains(key);
    left ? lists[key].push_front(element) : lists[key].push_back(element);
    const bool wanted = std::any_of(waits.begin(), waits.end(), [&](const Wait& wait) { return WaitsFor(wait, key); });
    if (is_new && wanted && std::find(ready_.begin(), ready_.end(), key) == ready_.end()) ready_.push_back(key);
  }
  std::string Pop(const std::string& key) {
    std::string element = lists[key].front();
    lists[key].pop_front();
    if (lists[key].empty()) lists.erase(key);
    return element;
  }
  void Delete(const std::string& key) { lists.erase(key); }

  static std::string Bulk(const std::string& text) {
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
  // True if there was something.
  bool Try(const Wait& wait, const std::string& key) {
    if (!lists.contains(key)) return false;
    if (wait.destination.empty()) {
      out[wait.client] += "*2\r\n" + Bulk(key) + Bulk(Pop(key));
      return true;
    }
    // As Redis does it: the push comes first, so that a key that is moved to itself is not new.
    const std::string element = lists[key].front();
    Push(wait.destination, element, false);
    Pop(key);
    out[wait.client] += Bulk(element);
    return true;
  }
  void Serve(int64_t now_ms) {
    TimeOut(now_ms);
    while (!ready_.empty()) {
      const std::string key = ready_.front();
      ready_.pop_front();
      for (size_t i = 0; i < waits.size() && lists.contains(key);) {
        if (!WaitsFor(waits[i], key)) {
          ++i;
          continue;
        }
        const Wait wait = waits[i];
        waits.erase(waits.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_TRUE(Try(wait, key));
      }
    }
  }
  void TimeOut(int64_t now_ms) {
    for (const Wait& wait : waits) {
      if (wait.until_ms != 0 && wait.until_ms <= now_ms) out[wait.client] += "*-1\r\n";
    }
    std::erase_if(waits, [&](const Wait& wait) { return wait.until_ms != 0 && wait.until_ms <= now_ms; });
  }
  bool IsWaiting(int client) const {
    return std::any_of(waits.begin(), waits.end(), [&](const Wait& wait) { return wait.client == client; });
  }

 private:
  static bool WaitsFor(const Wait& wait, const std::string& key) {
    return std::find(wait.keys.begin(), wait.keys.end(), key) != wait.keys.end();
  }
  std::deque<std::string> ready_;
};

class BlockingModelTest : public ::testing::Test {
 protected:
  BlockingModelTest() : clock_(std::make_shared<ManualClock>()) {
    Options options;
    options.clock = clock_;
    options.seed = 1;
    options.background = Background::kTick;
    cache_ = *Cache::Open(options);
    for (auto& client : clients_) client = *cache_->NewConnection();
  }
  static std::string Encode(const std::vector<std::string>& argv) {
    std::string request = "*" + std::to_string(argv.size()) + "\r\n";
    for (const std::string& arg : argv) request += Model::Bulk(arg);
    return request;
  }
  std::string Key() { return "k" + std::to_string(random_() % kKeys); }
  int64_t now_ms() const { return clock_->NowUs() / 1000; }
  void ExpectSame() {
    for (int i = 0; i < kClients; ++i) {
      const std::string got(clients_[i]->output());
      EXPECT_EQ(got, model_.out[i]) << "client " << i;
      clients_[i]->ConsumeOutput(got.size());
      model_.out[i].clear();
    }
  }

  void BeginWait(int client) {
    Wait wait{client, {}, "", 0};
    std::vector<std::string> argv;
    const bool moves = random_() % 3 == 0;
    const int timeout = static_cast<int>(random_() % 3);  // 0: none
    if (timeout != 0) wait.until_ms = now_ms() + timeout * 1000;
    for (size_t i = moves ? 1 : 1 + random_() % 3; i != 0; --i) wait.keys.push_back(Key());
    if (moves) {
      wait.destination = Key();
      argv = {"BLMOVE", wait.keys[0], wait.destination, "LEFT", "RIGHT", std::to_string(timeout)};
    } else {
      argv = {"BLPOP"};
      argv.insert(argv.end(), wait.keys.begin(), wait.keys.end());
      argv.push_back(std::to_string(timeout));
    }
    ASSERT_TRUE(clients_[client]->Feed(Encode(argv)).ok());
    for (const std::string& key : wait.keys) {
      if (model_.Try(wait, key)) return model_.Serve(now_ms());
    }
    model_.waits.push_back(wait);
  }

  // Some writes, as one transaction or as a single command.
  void Write() {
    std::string bytes, replies;
    const size_t count = random_() % 2 == 0 ? 1 : 2 + random_() % 4;
    for (size_t i = 0; i < count; ++i) {
      const std::string key = Key();
      if (random_() % 6 == 0) {
        bytes += Encode({"DEL", key});
        replies += model_.lists.contains(key) ? ":1\r\n" : ":0\r\n";
        model_.Delete(key);
        continue;
      }
      const bool left = random_() % 2 == 0;
      std::vector<std::string> argv = {left ? "LPUSH" : "RPUSH", key};
      for (size_t n = 1 + random_() % 3; n != 0; --n) {
        argv.push_back(std::to_string(++elements_));
        model_.Push(key, argv.back(), left);
      }
      bytes += Encode(argv);
      replies += ":" + std::to_string(model_.lists[key].size()) + "\r\n";
    }
    if (count != 1) {
      bytes = Encode({"MULTI"}) + bytes + Encode({"EXEC"});
      std::string queued;
      for (size_t i = 0; i < count; ++i) queued += "+QUEUED\r\n";
      replies = "+OK\r\n" + queued + "*" + std::to_string(count) + "\r\n" + replies;
    }
    auto writer = cache_->NewConnection();
    ASSERT_TRUE((*writer)->Feed(bytes).ok());
    EXPECT_EQ((*writer)->output(), replies);
    model_.Serve(now_ms());
  }

  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<RespConnection> clients_[kClients];
  Model model_;
  std::mt19937 random_{20261202};
  int elements_ = 0;
};

TEST_F(BlockingModelTest, RandomClientsAreServedAsTheModelSays) {
  std::printf("seed 20261202\n");
  for (int round = 0; round < 20'000 && !HasFailure(); ++round) {
    const int client = static_cast<int>(random_() % kClients);
    switch (random_() % 8) {
      case 0:
        clock_->Advance(absl::Milliseconds(random_() % 700));
        ASSERT_TRUE(cache_->Tick(absl::InfiniteFuture()).ok());
        model_.TimeOut(now_ms());
        break;
      case 1:
        if (random_() % 4 == 0) {  // it hangs up, and another one comes
          clients_[client] = *cache_->NewConnection();
          std::erase_if(model_.waits, [&](const Wait& wait) { return wait.client == client; });
        }
        break;
      case 2:
      case 3: Write(); break;
      default:
        if (!model_.IsWaiting(client)) BeginWait(client);
        break;
    }
    ExpectSame();
  }
}

}  // namespace
}  // namespace larder
