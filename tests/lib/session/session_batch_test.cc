// SessionBatch: sessions that come and go while batches are with the executor.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <larder/options.h>
#include "lib/core/core.h"
#include "lib/session/served_session.h"
#include "lib/session/session_batch.h"

namespace larder::session {
namespace {

class SessionBatchTest : public testing::Test {
 protected:
  explicit SessionBatchTest(uint64_t maxmemory = 0) {
    Options options;
    options.background = Background::kTick;
    options.maxmemory = maxmemory;
    options.maxmemory_policy = MaxmemoryPolicy::kAllkeysLru;
    auto core = core::CacheCore::Create(options);
    EXPECT_TRUE(core.ok());
    core_ = *std::move(core);
  }

  std::unique_ptr<ServedSession> Make() { return ServedSession::Create(*core_, Peer(), nullptr); }
  void Feed(ServedSession& session, std::string_view bytes) {
    const std::span<char> room = session.PrepareRead();
    ASSERT_GE(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), bytes.size());
    session.CommitRead(bytes.size());
  }
  void Run(SessionBatch& batch) {
    EXPECT_TRUE(core_->Run([&] { batch.RunAll(); }).ok());
    batch.Reset();
  }
  static std::string Take(ServedSession& session) {
    const std::string output(session.output().view());
    session.ConsumeOutput(output.size());
    return output;
  }
  size_t clients() const { return core_->engine().clients().count(); }

  std::unique_ptr<core::CacheCore> core_;
};

// A listener has two batches. One is with a busy executor and is to open two sessions; one of their clients has gone
// meanwhile, so the other batch is to end its session.
TEST_F(SessionBatchTest, ASessionMayEndBeforeTheBatchThatOpensItHasRun) {
  SessionBatch first(*core_, nullptr, nullptr);
  SessionBatch second(*core_, nullptr, nullptr);
  for (const bool the_older_goes : {false, true}) {
    auto older = Make();
    auto newer = Make();
    first.Open(*older);
    first.Open(*newer);
    auto& stays = the_older_goes ? newer : older;
    Feed(*stays, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n");
    EXPECT_EQ(first.Parse(*stays, ParseQuota()), Parsed::kSome);
    auto& goes = the_older_goes ? older : newer;
    goes->CommitRead(0);  // a loop has read and found the end
    second.Close(std::move(goes));
    Run(first);
    EXPECT_EQ(clients(), 2u);
    EXPECT_EQ(Take(*stays), "+OK\r\n");
    Run(second);
    EXPECT_EQ(clients(), 1u);
    second.Close(std::move(stays));
    Run(second);
    EXPECT_EQ(clients(), 0u);
  }
}

TEST_F(SessionBatchTest, ASessionMayEndBeforeItIsOpened) {
  SessionBatch batch(*core_, nullptr, nullptr);
  std::vector<std::unique_ptr<ServedSession>> sessions;
  for (int i = 0; i < 5; ++i) {
    sessions.push_back(Make());
    batch.Open(*sessions.back());
  }
  for (int i : {2, 4, 0}) batch.Close(std::move(sessions[static_cast<size_t>(i)]));  // from the middle and both ends
  Run(batch);
  EXPECT_EQ(clients(), 2u);
  batch.Close(std::move(sessions[1]));
  batch.Close(std::move(sessions[3]));
  Run(batch);
  EXPECT_EQ(clients(), 0u);
  EXPECT_EQ(core_->engine().keyspace().extra_memory().load(), 0u);
}

TEST_F(SessionBatchTest, WhoWatchedManyKeysEndsInSlices) {
  SessionBatch batch(*core_, nullptr, nullptr);
  auto session = Make();
  batch.Open(*session);
  for (int i = 0; i < 1000; i += 50) {
    std::string request = "WATCH";
    for (int k = i; k < i + 50; ++k) request += " key:" + std::to_string(k);
    Feed(*session, request + "\r\n");
    batch.Parse(*session, ParseQuota());
    Run(batch);
  }
  const engine::WatchTable& watches = core_->engine().watches();
  ASSERT_EQ(watches.keys(), 1000u);
  batch.Close(std::move(session));
  size_t most = 0;
  for (bool ended = false; !ended;) {
    const uint64_t before = watches.steps();
    ASSERT_TRUE(core_->Run([&] { ended = batch.RunSlice({.commands_max = 64, .ns_max = INT64_MAX / 2}); }).ok());
    most = std::max<size_t>(most, watches.steps() - before);
  }
  EXPECT_LE(most, 256u);
  EXPECT_EQ(watches.keys(), 0u);
  EXPECT_EQ(clients(), 0u);
  EXPECT_EQ(core_->engine().keyspace().extra_memory().load(), 0u);
}

TEST_F(SessionBatchTest, RequestsOfASessionThatEndsAreForgotten) {
  SessionBatch batch(*core_, nullptr, nullptr);
  auto stays = Make();
  auto goes = Make();
  batch.Open(*stays);
  batch.Open(*goes);
  Run(batch);
  for (int i = 0; i < 100; ++i) {  // more than a page of requests
    Feed(*goes, "INCR x\r\n");
    Feed(*stays, "INCR y\r\n");
    batch.Parse(*goes, ParseQuota());
    batch.Parse(*stays, ParseQuota());
  }
  batch.Close(std::move(goes));
  Run(batch);
  Feed(*stays, "GET x\r\nGET y\r\n");
  Take(*stays);
  batch.Parse(*stays, ParseQuota());
  Run(batch);
  EXPECT_EQ(Take(*stays), "$-1\r\n$3\r\n100\r\n");
  batch.Close(std::move(stays));
  Run(batch);
}

// What was asked for with the password is not what a stranger is owed. (The raw byte fuzzer found it.)
TEST_F(SessionBatchTest, WhoResetsIsStillSentWhatItIsOwed) {
  ASSERT_TRUE(core_->Run([&] {
    auto options = std::make_unique<Options>(core_->engine().options());
    options->requirepass = "secret";
    core_->engine().SetOptions(std::move(options));
  }).ok());
  SessionBatch batch(*core_, nullptr, nullptr);
  auto session = Make();
  batch.Open(*session);
  const std::string large(20'000, 'x');
  const std::string requests = "AUTH secret\r\n*2\r\n$4\r\nPING\r\n$20000\r\n" + large + "\r\nRESET\r\nPING\r\n";
  for (std::string_view left = requests; !left.empty();) {
    const std::span<char> room = session->PrepareRead();
    const size_t n = std::min(room.size(), left.size());
    std::memcpy(room.data(), left.data(), n);
    session->CommitRead(n);
    left.remove_prefix(n);
    while (batch.Parse(*session, ParseQuota()) != Parsed::kNothing || session->MayGoOn()) Run(batch);
  }
  EXPECT_FALSE(session->stopped());
  EXPECT_EQ(Take(*session), "+OK\r\n$20000\r\n" + large + "\r\n+RESET\r\n-NOAUTH Authentication required.\r\n");
  batch.Close(std::move(session));
  Run(batch);
}

// Memory is full of small keys, and one write needs room for a megabyte, which is made in slices.
class LargeWriteTest : public SessionBatchTest {
 protected:
  static constexpr size_t kValues = 100, kBytes = 10'000;

  LargeWriteTest() : SessionBatchTest(4 << 20) {
    batch_.Open(*large_);
    batch_.Open(*small_);
    Run(batch_);
    for (int i = 0; core_->engine().keyspace().evictor().evicted() == 0; ++i) {
      std::string requests;
      for (int k = 0; k < 50; ++k) requests += "SET key:" + std::to_string(50 * i + k) + " v\r\n";
      Ask(*small_, requests);
    }
    EXPECT_EQ(Ask(*small_, "CONFIG SET maxmemory 2mb\r\n"), "+OK\r\n");
    std::string request = "*" + std::to_string(1 + 2 * kValues) + "\r\n$4\r\nMSET\r\n";
    for (size_t i = 0; i < kValues; ++i) {
      const std::string key = "large:" + std::to_string(i);
      request += "$" + std::to_string(key.size()) + "\r\n" + key + "\r\n$10000\r\n" + std::string(kBytes, 'x') + "\r\n";
    }
    request += "GET large:0\r\nGET missing\r\n";
    for (std::string_view rest = request; !rest.empty();) {
      const std::span<char> room = large_->PrepareRead();
      const size_t n = std::min(room.size(), rest.size());
      std::memcpy(room.data(), rest.data(), n);
      large_->CommitRead(n);
      rest.remove_prefix(n);
      (void)batch_.Parse(*large_, {.commands_max = 64, .bytes_max = 4 << 20});  // what comes behind it, too
    }
  }
  std::string Ask(ServedSession& session, std::string_view request) {
    Feed(session, request);
    batch_.Parse(session, ParseQuota());
    Run(batch_);
    return Take(session);
  }
  static std::string Large() { return "$10000\r\n" + std::string(kBytes, 'x') + "\r\n"; }

  SessionBatch batch_{*core_, nullptr, nullptr, /*leaves=*/true};
  std::unique_ptr<ServedSession> large_ = Make(), small_ = Make();
};

TEST_F(LargeWriteTest, LetsOthersHaveTheirTurnInBetween) {
  int rounds = 0;
  while (batch_.HasWork() && rounds < 100'000) {
    ASSERT_EQ(Ask(*small_, "GET nothing\r\n"), "$-1\r\n") << rounds;
    ASSERT_EQ(large_->unfinished(), batch_.HasWork());
    ++rounds;
  }
  EXPECT_GT(rounds, 10) << "slices of 16 KB or some more";
  EXPECT_TRUE(Take(*large_) == "+OK\r\n" + Large() + "$-1\r\n");
  // And nothing is left of it: the session goes on, the batch is as new.
  EXPECT_TRUE(Ask(*large_, "GET large:99\r\n") == Large());
  batch_.Close(std::move(large_));
  batch_.Close(std::move(small_));
  Run(batch_);
  EXPECT_EQ(clients(), 0u);
}

TEST_F(LargeWriteTest, IsNotRunIfItsClientIsKilledMeanwhile) {
  Run(batch_);
  ASSERT_TRUE(large_->unfinished());
  large_->Stop();
  Run(batch_);
  EXPECT_FALSE(large_->unfinished());
  EXPECT_EQ(Ask(*small_, "EXISTS large:0 large:99\r\n"), ":0\r\n");
  batch_.Close(std::move(large_));
  batch_.Close(std::move(small_));
  Run(batch_);
}

TEST_F(LargeWriteTest, IsForgottenWithTheBatch) {
  Run(batch_);
  ASSERT_TRUE(large_->unfinished());
  batch_.Abandon();
  EXPECT_FALSE(large_->unfinished());
  batch_.Close(std::move(large_));
  batch_.Close(std::move(small_));
  Run(batch_);
  EXPECT_EQ(clients(), 0u);
}

}  // namespace
}  // namespace larder::session
