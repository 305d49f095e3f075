// A host that forks: a child in which the cache and its listener are called and destroyed, while threads of the parent
// load, write and talk to the listener by TCP, a unix socket and TLS, changes nothing for the parent.
#include <larder/cache.h>
#include <larder/net/listener.h>
#include <larder/net/tls.h>
#include <larder/net/uring.h>
#include <larder/session.h>

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/net/temp_folder.h"
#include "tests/net/test_client.h"
#include "tests/net/tls_client.h"

namespace larder {
namespace {

using Code = absl::StatusCode;

// Ends with `code()`: 0 is well. One that hangs is killed.
int InChild(const std::function<int()>& code) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(60);
    _exit(code());
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define CHILD_EXPECT(what)                                                  \
  do {                                                                      \
    if (!(what)) {                                                          \
      fprintf(stderr, "%s:%d: in the child: %s\n", __FILE__, __LINE__, #what); \
      return 1;                                                             \
    }                                                                       \
  } while (false)

// Descriptors of this process that are none of a program's own kind.
int Sockets() {
  int count = 0;
  DIR* const folder = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(folder)) {
    char target[256] = "";
    const std::string path = std::string("/proc/self/fd/") + entry->d_name;
    if (readlink(path.c_str(), target, sizeof(target) - 1) < 0) continue;
    const std::string_view kind(target);
    count += kind.starts_with("socket:") || kind.starts_with("anon_inode:");
  }
  closedir(folder);
  return count;
}

struct Mode {
  const char* name;
  AeApi api;
  bool own_thread;
};

class ForkTest : public ::testing::TestWithParam<Mode> {
 protected:
  static void SetUpTestSuite() { certificates_ = new Certificates; }
  static void TearDownTestSuite() { delete certificates_; }

  void SetUp() override {
    options_.bind = {"127.0.0.1"};
    options_.ae_api = GetParam().api;
    options_.background = GetParam().own_thread ? Background::kThread : Background::kLoop;
    options_.tls_cert_file = *certificates_ / "server.crt";
    options_.tls_key_file = *certificates_ / "server.key";
    options_.tls_auth_clients = TlsAuthClients::kNo;
    where_.any_port = where_.any_tls_port = true;
    where_.bind = {"127.0.0.1"};
    where_.tls = &Tls();
    where_.io_uring = &Uring();
    where_.unixsocket = folder_ / "s";
    where_.own_thread = GetParam().own_thread;
    cache_ = *Cache::Open(options_);
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, where_);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    if (!where_.own_thread) {
      (void)listener_->BackendFd();
      loop_ = std::thread([this] { EXPECT_TRUE(listener_->Run().ok()); });
    }
  }
  void TearDown() override {
    if (loop_.joinable()) {
      listener_->EndRun();
      loop_.join();
    }
    listener_.reset();
    cache_.reset();
  }

  // In the child. Every call says that it is one, and what is destroyed ends nothing.
  int CallAndDestroyEverything();
  int UseAnother();

  static Certificates* certificates_;
  TempFolder folder_;
  Options options_;
  ListenerOptions where_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Listener> listener_;
  std::thread loop_;
};
Certificates* ForkTest::certificates_ = nullptr;

INSTANTIATE_TEST_SUITE_P(Loops, ForkTest,
                         ::testing::Values(Mode{"epoll", AeApi::kEpoll, true}, Mode{"poll", AeApi::kPoll, true},
                                           Mode{"select", AeApi::kSelect, true},
                                           Mode{"io_uring", AeApi::kIoUring, true},
                                           Mode{"hosted_epoll", AeApi::kEpoll, false},
                                           Mode{"hosted_poll", AeApi::kPoll, false},
                                           Mode{"hosted_io_uring", AeApi::kIoUring, false}),
                         [](const auto& info) { return std::string(info.param.name); });

int ForkTest::CallAndDestroyEverything() {
  const std::string large(3 << 20, 'v');
  CHILD_EXPECT(cache_->Get("k").status().code() == Code::kFailedPrecondition);
  CHILD_EXPECT(cache_->Set("k", "v").status().code() == Code::kFailedPrecondition);
  CHILD_EXPECT(cache_->Set("k", large).status().code() == Code::kFailedPrecondition);
  CHILD_EXPECT(cache_->Execute({"PING"}).status().code() == Code::kFailedPrecondition);
  CHILD_EXPECT(cache_->Stats().status().code() == Code::kFailedPrecondition);
  CHILD_EXPECT(cache_->Tick(absl::InfinitePast()).status().code() == Code::kFailedPrecondition);
  CHILD_EXPECT(cache_->NewSession().status().code() == Code::kFailedPrecondition);
  CHILD_EXPECT(cache_->NewConnection().status().code() == Code::kFailedPrecondition);
  bool loaded = false;
  const auto value = cache_->GetOrLoad("k", absl::Seconds(1), [&]() -> absl::StatusOr<std::string> {
    loaded = true;
    return std::string("v");
  });
  CHILD_EXPECT(value.status().code() == Code::kFailedPrecondition && !loaded);
  CHILD_EXPECT(Listener::Start(*cache_, where_).status().code() == Code::kFailedPrecondition);
  CHILD_EXPECT(listener_->Poll(0) == 0);
  CHILD_EXPECT(listener_->Poll(-1) == 0);
  CHILD_EXPECT(listener_->Run().code() == Code::kFailedPrecondition);
  CHILD_EXPECT(listener_->BackendFd() == -1 && listener_->NextDelayMs() == -1);
  CHILD_EXPECT(listener_->addresses().empty());
  listener_->EndRun();
  CHILD_EXPECT(cache_->Close(absl::InfiniteFuture()).code() == Code::kFailedPrecondition);
  CHILD_EXPECT(cache_->Get("k").status().code() == Code::kFailedPrecondition);
  listener_->Stop();
  listener_->Stop();
  listener_.reset();
  cache_.reset();
  return 0;
}

// The child is a process like any other; but for a new thread's first allocation under a sanitizer, whose allocator the
// parent's threads may have held (seen once in some hundred forks).
int ForkTest::UseAnother() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0;
#endif
  absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::Open({});
  CHILD_EXPECT(cache.ok());
  ListenerOptions where;
  where.bind = {"127.0.0.1"};
  where.any_port = true;
  absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(**cache, where);
  CHILD_EXPECT(listener.ok());
  TestClient client = TestClient::Tcp((*listener)->port());
  CHILD_EXPECT(client.Send("SET k v\r\n") && client.ReadLine() == "+OK\r\n");
  CHILD_EXPECT((*cache)->Get("k")->value() == "v");
  return 0;
}

TEST_P(ForkTest, AChildThatDestroysEverythingEndsNothing) {
  TestClient tcp = TestClient::Tcp(listener_->port());
  TestClient unix_client = TestClient::Unix(*where_.unixsocket);
  TlsClient tls(listener_->tls_port(), {.ca = "", .certificate = "", .key = ""});
  ASSERT_TRUE(tls.ok()) << tls.error();
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  // The sanitizers' allocators do not survive a fork while another thread allocates: the child may find one locked.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  threads.emplace_back([&] {
    for (int i = 0; !stop; ++i) {
      const std::string key = "loaded" + std::to_string(i % 100);
      (void)cache_->GetOrLoad(key, absl::Milliseconds(1), []() -> absl::StatusOr<std::string> {
        return std::string(20'000, 'l');
      });
    }
  });
  threads.emplace_back([&] {
    for (int i = 0; !stop; ++i) {
      (void)cache_->Set("k" + std::to_string(i % 1000), i % 100 == 0 ? std::string(2 << 20, 'x') : "v",
                        {.ttl = absl::Milliseconds(5)});
    }
  });
  threads.emplace_back([&] {
    TestClient busy = TestClient::Tcp(listener_->port());
    while (!stop) busy.Expect("SET a b\r\n", "+OK\r\n");
  });
  threads.emplace_back([&] {
    while (!stop) TestClient::Unix(*where_.unixsocket).Expect("PING\r\n", "+PONG\r\n");
  });
#endif
  const int sockets_of_clients = 4;  // at most as many of the test's own are open at one moment, beside those above
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(InChild([&] {
                if (const int failed = CallAndDestroyEverything(); failed != 0) return failed;
                CHILD_EXPECT(Sockets() <= 3 + sockets_of_clients);
                return UseAnother();
              }),
              0);
    // Who only goes away, too.
    EXPECT_EQ(InChild([&] {
                listener_.reset();
                return 0;
              }),
              0);
    EXPECT_EQ(InChild([&] {
                cache_.reset();
                return 0;
              }),
              0);
    tcp.Expect("PING\r\n", "+PONG\r\n");
    unix_client.Expect("PING\r\n", "+PONG\r\n");
    tls.Expect("PING\r\n", "+PONG\r\n");
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  struct stat there;
  EXPECT_EQ(stat(where_.unixsocket->c_str(), &there), 0);
  TestClient::Unix(*where_.unixsocket).Expect("PING\r\n", "+PONG\r\n");
  TestClient::Tcp(listener_->port()).Expect("PING\r\n", "+PONG\r\n");
  EXPECT_TRUE(TlsClient(listener_->tls_port(), {.ca = "", .certificate = "", .key = ""}).ok());
}

TEST_P(ForkTest, AConnectionEndsThoughAChildLivesThatHasDestroyedItsListener) {
  TestClient client = TestClient::Tcp(listener_->port());
  client.Expect("PING\r\n", "+PONG\r\n");
  int lives[2], goes[2];
  ASSERT_EQ(pipe(lives), 0);
  ASSERT_EQ(pipe(goes), 0);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    listener_.reset();
    char c = 'x';
    if (write(lives[1], &c, 1) != 1 || read(goes[0], &c, 1) != 1) _exit(1);
    _exit(0);
  }
  char c;
  ASSERT_EQ(read(lives[0], &c, 1), 1);
  client.Expect("QUIT\r\n", "+OK\r\n");
  client.ExpectEnd();
  ASSERT_EQ(write(goes[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  for (int fd : {lives[0], lives[1], goes[0], goes[1]}) close(fd);
}

TEST_P(ForkTest, SessionsConnectionsAndPinsMayBeDroppedInAChild) {
  std::unique_ptr<Session> session = *cache_->NewSession();
  std::unique_ptr<RespConnection> connection = *cache_->NewConnection();
  ASSERT_TRUE(session->Execute({"WATCH", "k"}).ok());
  ASSERT_TRUE(session->Execute({"MULTI"}).ok());
  ASSERT_TRUE(connection->Feed("MONITOR\r\n").ok());
  ASSERT_TRUE(cache_->Set("large", std::string(5 << 20, 'x')).ok());
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) (void)cache_->Set("large", std::string(5 << 20, 'y'));
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(InChild([&] {
                CHILD_EXPECT(session->Execute({"EXEC"}).status().code() == Code::kFailedPrecondition);
                CHILD_EXPECT(connection->Feed("PING\r\n").code() == Code::kFailedPrecondition);
                CHILD_EXPECT(connection->output().empty());
                session.reset();
                connection.reset();
                listener_.reset();
                cache_.reset();
                return 0;
              }),
              0);
  }
  stop = true;
  writer.join();
  EXPECT_TRUE(session->Execute({"PING"}).ok());
  EXPECT_TRUE(connection->Feed("PING\r\n").ok());
  EXPECT_NE(connection->output().find("+PONG\r\n"), std::string_view::npos);
  session.reset();
  connection.reset();
}

// The child goes on from inside: it has the one thread that forked.
TEST_P(ForkTest, CodeThatRunsForTheCacheMayFork) {
  int status = -1;
  const auto end_child = [&](pid_t pid) {
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  pid_t child = -1;
  const absl::Status ran = cache_->Atomically([&](Transaction& t) {
    (void)t.Set("k", "v");
    child = fork();
    if (child == 0) {
      alarm(60);
      (void)t.Get("k");
    }
  });
  if (child == 0) _exit(cache_->Get("k").status().code() == Code::kFailedPrecondition ? 0 : 1);
  EXPECT_TRUE(ran.ok()) << ran;
  EXPECT_EQ(end_child(child), 0);
  const auto value = cache_->GetOrLoad("new", absl::Seconds(1), [&]() -> absl::StatusOr<std::string> {
    child = fork();
    if (child == 0) alarm(60);
    return std::string("v");
  });
  if (child == 0) _exit(value.ok() || value.status().code() == Code::kFailedPrecondition ? 0 : 1);
  EXPECT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(end_child(child), 0);
  TestClient::Tcp(listener_->port()).Expect("PING\r\n", "+PONG\r\n");
}

// Whoever runs callbacks goes on in the child as well, from inside the one that forked.
TEST(ForkInCallbackTest, TheChildRunsNoOtherCallback) {
  for (bool close : {false, true}) {
    SCOPED_TRACE(close ? "Close" : "Tick");
    Options options;
    options.background = Background::kTick;
    std::unique_ptr<Cache> cache = *Cache::Open(options);
    pid_t child = -1;
    int others = 0;
    const auto forks = [&](const absl::StatusOr<Reply>&) {
      child = fork();
      if (child == 0) alarm(60);
    };
    ASSERT_TRUE(cache->ExecuteAsync({"PING"}, forks).ok());
    ASSERT_TRUE(cache->ExecuteAsync({"PING"}, [&](const absl::StatusOr<Reply>&) { ++others; }).ok());
    const absl::Status status =
        close ? cache->Close(absl::InfiniteFuture()) : cache->Tick(absl::InfiniteFuture()).status();
    if (child == 0) _exit(others == 0 && status.code() == Code::kFailedPrecondition ? 0 : 1);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(others, 1);
    int ended = -1;
    ASSERT_EQ(waitpid(child, &ended, 0), child);
    EXPECT_EQ(ended, 0);
  }
}

}  // namespace
}  // namespace larder
