// The rules of a good guest (DESIGN.md, "The rules that make it embeddable"), each as a test on the running process.
// What a compiled library may not even refer to (exit, fork, signal, stdout...) is checked on its symbols:
// tests/hygiene.
#include <larder/cache.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <clocale>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace larder {
namespace {

int CountEntries(const char* folder) {
  DIR* dir = opendir(folder);
  if (dir == nullptr) return -1;
  int count = 0;
  while (const dirent* entry = readdir(dir)) count += entry->d_name[0] != '.' ? 1 : 0;
  closedir(dir);
  return count;
}

int Threads() { return CountEntries("/proc/self/task"); }
int Descriptors() { return CountEntries("/proc/self/fd"); }

// A child that ends with `code() ` as its exit status; -1 if it died otherwise.
template <class F>
int InChild(F&& code) {
  const pid_t pid = fork();
  if (pid == 0) _exit(code());
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(EmbeddingTest, OpeningMakesNoThreadAndNoDescriptor) {
  const int threads = Threads();
  const int descriptors = Descriptors();
  auto cache = *Cache::Open({});
  ASSERT_TRUE(cache->Set("k", "v").ok());
  ASSERT_TRUE(cache->Execute({"INCR", "n"}).ok());
  EXPECT_EQ(Threads(), threads);
  EXPECT_EQ(Descriptors(), descriptors);
}

TEST(EmbeddingTest, TheOnlyThreadIsTheOneThatOptionsName) {
  const int threads = Threads();
  {
    auto cache = *Cache::Open({});  // Background::kThread
    ASSERT_TRUE(cache->Set("k", "v", {.ttl = absl::Hours(1)}).ok());
    EXPECT_EQ(Threads(), threads + 1);
  }
  EXPECT_EQ(Threads(), threads);
  for (Background background : {Background::kTick, Background::kLoop}) {
    auto cache = *Cache::Open({.background = background});
    ASSERT_TRUE(cache->Set("k", "v", {.ttl = absl::Hours(1)}).ok());
    EXPECT_EQ(Threads(), threads);
  }
}

TEST(EmbeddingTest, TheBackgroundThreadTakesNoSignals) {
  auto cache = *Cache::Open({});
  ASSERT_TRUE(cache->Set("k", "v", {.ttl = absl::Hours(1)}).ok());
  int checked = 0;
  DIR* dir = opendir("/proc/self/task");
  ASSERT_NE(dir, nullptr);
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_name[0] == '.' || std::stoi(entry->d_name) == getpid()) continue;
    std::ifstream in(std::string("/proc/self/task/") + entry->d_name + "/status");
    std::string line;
    while (std::getline(in, line)) {
      if (line.rfind("SigBlk:", 0) != 0) continue;
      const uint64_t blocked = std::stoull(line.substr(8), nullptr, 16);
      for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM, SIGCHLD, SIGPIPE}) {
        EXPECT_TRUE(blocked >> (signal - 1) & 1) << signal;
      }
      ++checked;
    }
  }
  closedir(dir);
#if !defined(__SANITIZE_THREAD__)  // its runtime has a thread of its own
  EXPECT_EQ(checked, 1);
#endif
}

TEST(EmbeddingTest, SignalsLocaleUmaskFolderAndLimitsStayTheHosts) {
  struct sigaction before[NSIG] = {};
  for (int s = 1; s < NSIG; ++s) sigaction(s, nullptr, &before[s]);
  const std::string locale = setlocale(LC_ALL, nullptr);
  const mode_t mask = umask(027);
  char folder[4096];
  ASSERT_NE(getcwd(folder, sizeof(folder)), nullptr);
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  {
    auto cache = *Cache::Open({});
    ASSERT_TRUE(cache->Set("k", "1.5", {.ttl = absl::Hours(1)}).ok());
    ASSERT_TRUE(cache->IncrementFloat("k", 1.5).ok());
    ASSERT_TRUE(cache->Execute({"INFO"}).ok());
    ASSERT_TRUE(cache->Execute({"SHUTDOWN"}).ok());
  }
  for (int s = 1; s < NSIG; ++s) {
    struct sigaction now = {};
    sigaction(s, nullptr, &now);
    EXPECT_EQ(now.sa_handler, before[s].sa_handler) << s;
  }
  EXPECT_EQ(setlocale(LC_ALL, nullptr), locale);
  EXPECT_EQ(umask(mask), mode_t{027});
  char after[4096];
  ASSERT_NE(getcwd(after, sizeof(after)), nullptr);
  EXPECT_STREQ(after, folder);
  rlimit files_after = {};
  getrlimit(RLIMIT_NOFILE, &files_after);
  EXPECT_EQ(files_after.rlim_cur, files.rlim_cur);
}

TEST(EmbeddingTest, NothingIsPrinted) {
  int pipes[2];
  ASSERT_EQ(pipe2(pipes, O_NONBLOCK | O_CLOEXEC), 0);
  const int saved_out = dup(1);
  const int saved_err = dup(2);
  dup2(pipes[1], 1);
  dup2(pipes[1], 2);
  {
    auto cache = *Cache::Open({});
    (void)cache->Execute({"NOSUCHCOMMAND"});
    (void)cache->Execute({"CONFIG", "SET", "loglevel", "debug"});
    (void)cache->Execute({"SHUTDOWN"});
    (void)cache->Set("k", "v", {.ttl = absl::Milliseconds(-1)});
  }
  dup2(saved_out, 1);
  dup2(saved_err, 2);
  close(saved_out);
  close(saved_err);
  char text[256];
  EXPECT_EQ(read(pipes[0], text, sizeof(text)), -1);
  close(pipes[0]);
  close(pipes[1]);
}

TEST(EmbeddingTest, AForkedChildGetsAClearErrorAndCanEnd) {
  auto cache = *Cache::Open({});
  ASSERT_TRUE(cache->Set("k", "v", {.ttl = absl::Hours(1)}).ok());  // the background thread is running
  EXPECT_EQ(InChild([&] {
    const absl::Status get = cache->Get("k").status();
    const absl::Status set = cache->Set("k", "w").status();
    const absl::Status execute = cache->Execute({"PING"}).status();
    const absl::Status atomically = cache->Atomically([](Transaction&) {});
    for (const absl::Status& status : {get, set, execute, atomically}) {
      if (status.code() != absl::StatusCode::kFailedPrecondition) return 1;
      if (std::string(status.message()).find("fork") == std::string::npos) return 2;
    }
    cache.reset();  // the destructor neither hangs nor crashes
    return 0;
  }), 0);
  EXPECT_EQ(**cache->Get("k"), "v");
}

TEST(EmbeddingTest, AChildMayOpenACacheOfItsOwn) {
  auto cache = *Cache::Open({});
  EXPECT_EQ(InChild([] {
    auto own = Cache::Open({});
    return own.ok() && (*own)->Set("k", "v").ok() && **(*own)->Get("k") == "v" ? 0 : 1;
  }), 0);
}

TEST(EmbeddingTest, CachesOpenAndCloseOnManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 100; ++i) {
        auto cache = *Cache::Open({});
        const std::string key = std::to_string(t * 100 + i);
        EXPECT_TRUE(cache->Set(key, "v", {.ttl = absl::Hours(1)}).ok());
        EXPECT_EQ(*cache->Size(), 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(EmbeddingTest, AnOpenEmptyCacheCostsAtMost64Kilobytes) {
  auto resident = [] {
    std::ifstream in("/proc/self/statm");
    long all = 0;
    long pages = 0;
    in >> all >> pages;
    return pages * sysconf(_SC_PAGESIZE);
  };
  constexpr int kCaches = 200;
  std::vector<std::unique_ptr<Cache>> caches;
  caches.reserve(kCaches);
  { auto warm = *Cache::Open({}); }
  const long before = resident();
  for (int i = 0; i < kCaches; ++i) caches.push_back(*Cache::Open({}));
  const long each = (resident() - before) / kCaches;
  RecordProperty("bytes_per_open_cache", static_cast<int>(each));
  EXPECT_LE(each, 64 * 1024);
}
#endif

}  // namespace
}  // namespace larder
