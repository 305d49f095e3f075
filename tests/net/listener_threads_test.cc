// The listener in front of a real cache that others use too: threads of the program, many clients, other listeners.
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/listener_testing.h"

namespace larder {
namespace {

TEST_F(ListenerTest, ClientKillEndsAConnectionFromOutsideAndFromInside) {
  Start();
  TestClient killer = Connect(), victim = Connect(), second = Connect();
  victim.Send("CLIENT ID\r\n");
  const std::string id = victim.ReadLine();
  killer.Expect("CLIENT KILL ID " + id.substr(1, id.size() - 3) + "\r\n", ":1\r\n");
  victim.ExpectEnd();
  second.Send("CLIENT ID\r\n");
  const std::string second_id = second.ReadLine();
  ASSERT_TRUE(cache_->Execute({"CLIENT", "KILL", "ID", second_id.substr(1, second_id.size() - 3)}).ok());
  second.ExpectEnd();
  killer.Expect("CLIENT KILL TYPE normal SKIPME yes\r\n", ":0\r\n");
  killer.Send("CLIENT KILL TYPE normal SKIPME no\r\nPING\r\n");
  EXPECT_EQ(killer.ReadToEnd(), ":1\r\n");
}

// A holder of the executor in user code: the loop goes on meanwhile, and answers when it can.
TEST_F(ListenerTest, ABusyExecutorDelaysAnswersAndNothingElse) {
  Start();
  TestClient a = Connect(), b = Connect();
  a.Expect("PING\r\n", "+PONG\r\n");
  std::atomic<bool> inside{false}, leave{false};
  std::thread holder([&] {
    EXPECT_TRUE(cache_->Atomically([&](Transaction& transaction) {
      inside = true;
      inside.notify_all();
      leave.wait(false);
      return transaction.Set("k", "held").status();
    }).ok());
  });
  inside.wait(false);
  a.Send("GET k\r\n");
  b.Send("GET k\r\nPING\r\n");
  TestClient late = Connect();  // accepted by the kernel in any case; served afterwards
  late.Send("GET k\r\n");
  leave = true;
  leave.notify_all();
  holder.join();
  EXPECT_EQ(late.Read(10), "$4\r\nheld\r\n");
  // These two came first or together with the others: before the transaction they cannot have run.
  EXPECT_EQ(a.Read(10), "$4\r\nheld\r\n");
  EXPECT_EQ(b.Read(17), "$4\r\nheld\r\n+PONG\r\n");
}

TEST_F(ListenerTest, ThreadsAndClientsCountTogether) {
  Start();
  constexpr int kThreads = 3, kClients = 3, kEach = 2000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) ASSERT_TRUE(cache_->Increment("n").ok());
    });
  }
  for (int c = 0; c < kClients; ++c) {
    threads.emplace_back([&] {
      TestClient client = Connect();
      for (int i = 0; i < kEach / 10; ++i) {
        std::string requests;
        for (int j = 0; j < 10; ++j) requests += Command({"INCR", "n"});
        client.Send(requests);
        for (int j = 0; j < 10; ++j) ASSERT_EQ(client.ReadLine()[0], ':');
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(**cache_->Get("n"), std::to_string((kThreads + kClients) * kEach));
}

// Clients that break off in every state, send rubbish, never read, and kill each other: nothing is left of them.
TEST_F(ListenerTest, HostileClientsLeaveNothingBehind) {
  options_.output_limit_normal = {4 << 20, 0, 0};
  ListenerOptions where = AnyPort();
  where.unixsocket = folder_ / "s";
  Start(where);
  ASSERT_TRUE(cache_->Set("big", std::string(300'000, 'b')).ok());
  const size_t fds = Entries("/proc/self/fd").size();
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([&, seed] {
      SCOPED_TRACE(testing::Message() << "seed " << seed);
      std::mt19937 random(seed);
      for (int round = 0; round < 150; ++round) {
        TestClient client = random() % 2 == 0 ? Connect() : TestClient::Unix(*where.unixsocket);
        std::string text;
        for (unsigned i = random() % 40; i > 0; --i) {
          switch (random() % 8) {
            case 0: text += Command({"SET", "k1", std::string(random() % 5000, 'v')}); break;
            case 1: text += Command({"GET", "big"}); break;
            case 2: text += "MULTI\r\nINCR n\r\nEXEC\r\n"; break;
            case 3: text += Command({"WATCH", "k1"}); break;
            case 4: text += "*3\r\n$3\r\nSET\r\n$100000\r\nhalf"; break;
            case 5: text += std::string(1, static_cast<char>(random())) + "\r\n"; break;
            case 6: text += "CLIENT KILL TYPE normal SKIPME yes\r\n"; break;
            default: text += "PING\r\n";
          }
        }
        for (size_t from = 0; from < text.size();) {
          const size_t n = random() % 3 == 0 ? 1 : random() % 2000;
          if (!client.Send(std::string_view(text).substr(from, n))) break;
          from += n;
        }
        if (random() % 3 == 0) client.ShutDownSending();
        if (random() % 3 == 0) recv(client.fd(), text.data(), text.size(), MSG_DONTWAIT);
        random() % 2 == 0 ? client.Reset() : client.Close();
      }
    });
  }
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(cache_->Increment("calls").ok());
  for (std::thread& thread : threads) thread.join();
  // The last of them are on their way out, some not accepted yet, and still kill others: a client of each socket that
  // is answered came after all of them.
  const auto answers = [](TestClient client) { return client.Send("PING\r\n") && client.ReadLine() == "+PONG\r\n"; };
  while (!answers(Connect()) || !answers(TestClient::Unix(*where.unixsocket))) {
  }
  while (cache_->Execute({"CLIENT", "LIST"})->AsString().find(" cmd=") != std::string::npos ||
         Entries("/proc/self/fd").size() != fds) {
    std::this_thread::yield();
  }
  TestClient client = Connect();
  client.Expect("GET calls\r\n", "$5\r\n20000\r\n");
  EXPECT_EQ(Entries("/proc/self/fd").size(), fds + 2) << "this connection's two ends";
}

TEST_F(ListenerTest, TwoListenersServeOneCache) {
  Start();
  absl::StatusOr<std::unique_ptr<Listener>> second = Listener::Start(*cache_, AnyPort());
  ASSERT_TRUE(second.ok());
  EXPECT_NE((*second)->port(), listener_->port());
  TestClient a = Connect(), b = TestClient::Tcp((*second)->port());
  a.Expect("SET k v\r\n", "+OK\r\n");
  b.Expect("GET k\r\n", "$1\r\nv\r\n");
  a.Expect("CLIENT KILL TYPE normal SKIPME yes\r\n", ":1\r\n");
  b.ExpectEnd();
  listener_.reset();
  TestClient::Tcp((*second)->port()).Expect("GET k\r\n", "$1\r\nv\r\n");
}

TEST_F(ListenerTest, TwoCachesInOneProcessNeverMeet) {
  Start();
  absl::StatusOr<std::unique_ptr<Cache>> other = Cache::Open({});
  ASSERT_TRUE(other.ok());
  absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(**other, AnyPort());
  ASSERT_TRUE(listener.ok());
  Connect().Expect("SET k v\r\n", "+OK\r\n");
  TestClient::Tcp((*listener)->port()).Expect("GET k\r\n", "$-1\r\n");
}

}  // namespace
}  // namespace larder
