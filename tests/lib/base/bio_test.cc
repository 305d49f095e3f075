#include "lib/base/bio.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "lib/base/monotonic.h"

namespace larder::base {
namespace {

// A job of so many slices, which notes who ran it.
struct TestJob : Bio::Job {
  explicit TestJob(int slices = 1) : left(slices) {
    run_some = [](Bio::Job* job, int64_t end_ns) {
      auto& self = *static_cast<TestJob*>(job);
      do {
        ++self.ran;
        --self.left;
      } while (self.left > 0 && MonotonicNs() < end_ns);
      self.by = std::this_thread::get_id();
      return self.left > 0;
    };
  }
  int left;
  int ran = 0;
  std::thread::id by;
};

// Holds up whoever runs it.
struct Gate : Bio::Job {
  Gate() {
    run_some = [](Bio::Job* job, int64_t) {
      auto& self = *static_cast<Gate*>(job);
      std::unique_lock<std::mutex> lock(self.mutex);
      self.entered = true;
      self.changed.notify_all();
      self.changed.wait(lock, [&] { return self.open; });
      return false;
    };
  }
  void AwaitEntered() {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return entered; });
  }
  void Open() {
    const std::lock_guard<std::mutex> lock(mutex);
    open = true;
    changed.notify_all();
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool entered = false;
  bool open = false;
};

int TemporaryFile() {
  std::string path = testing::TempDir() + "/bio-XXXXXX";
  const int fd = mkostemp(path.data(), O_CLOEXEC);
  unlink(path.c_str());
  return fd;
}

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(BioTest, FinishRunsAllThatWaits) {
  for (const bool threads : {true, false}) {
    Bio* bio = Bio::Create(threads);
    ASSERT_NE(bio, nullptr);
    std::vector<TestJob> jobs(100);
    for (size_t i = 0; i < jobs.size(); ++i) {
      ASSERT_TRUE(bio->Submit(i % 2 == 0 ? Bio::kFile : Bio::kFree, &jobs[i]));
    }
    bio->Finish();
    for (const TestJob& job : jobs) EXPECT_EQ(job.ran, 1);
    EXPECT_EQ(bio->waiting(Bio::kFile) + bio->waiting(Bio::kFree), 0u);
    TestJob late;
    EXPECT_FALSE(bio->Submit(Bio::kFree, &late));
    EXPECT_EQ(late.ran, 0);
    bio->Unref();
  }
}

TEST(BioTest, ThreadsRunThemAndOneKindDoesNotWaitForTheOther) {
  Bio* bio = Bio::Create(true);
  Gate gate;
  ASSERT_TRUE(bio->Submit(Bio::kFile, &gate));
  gate.AwaitEntered();
  struct Told : TestJob {
    std::atomic<bool> over{false};
  } job;
  job.run_some = [](Bio::Job* self, int64_t) {
    static_cast<Told*>(self)->by = std::this_thread::get_id();
    static_cast<Told*>(self)->over.store(true);
    static_cast<Told*>(self)->over.notify_all();
    return false;
  };
  ASSERT_TRUE(bio->Submit(Bio::kFree, &job));
  job.over.wait(false);
  EXPECT_NE(job.by, std::this_thread::get_id());
  EXPECT_EQ(bio->waiting(Bio::kFile), 1u);
  gate.Open();
  bio->Finish();
  bio->Unref();
}

TEST(BioTest, WithoutThreadsRunDoesThemInSlices) {
  int woken = 0;
  Bio* bio = Bio::Create(false, [](void* arg) { ++*static_cast<int*>(arg); }, &woken);
  TestJob large(3);
  TestJob small;
  ASSERT_TRUE(bio->Submit(Bio::kFree, &large));
  ASSERT_TRUE(bio->Submit(Bio::kFree, &small));
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(large.ran, 0);
  const int64_t past = MonotonicNs() - 1;
  EXPECT_TRUE(bio->Run(past));
  EXPECT_EQ(large.ran, 1) << "one slice, since the time is over";
  EXPECT_EQ(bio->waiting(Bio::kFree), 2u);
  EXPECT_TRUE(bio->Run(past));
  EXPECT_TRUE(bio->Run(past));
  EXPECT_EQ(large.ran, 3);
  EXPECT_EQ(small.ran, 0) << "in the order of submission";
  EXPECT_FALSE(bio->Run(past));
  EXPECT_EQ(small.ran, 1);
  EXPECT_EQ(small.by, std::this_thread::get_id());
  bio->Finish();
  bio->Unref();
}

TEST(BioTest, TooMuchToFreeIsRefusedAndFilesNever) {
  Bio* bio = Bio::Create(true);
  Gate gates[Bio::kKinds];
  for (int kind = 0; kind < Bio::kKinds; ++kind) {
    ASSERT_TRUE(bio->Submit(static_cast<Bio::Kind>(kind), &gates[kind]));
    gates[kind].AwaitEntered();
  }
  std::vector<TestJob> jobs(2 * (Bio::kFreeJobsMax + 10));
  for (size_t i = 0; i < jobs.size() / 2; ++i) {
    EXPECT_EQ(bio->Submit(Bio::kFree, &jobs[2 * i]), i + 1 < Bio::kFreeJobsMax) << i;
    EXPECT_TRUE(bio->Submit(Bio::kFile, &jobs[2 * i + 1]));
  }
  for (Gate& gate : gates) gate.Open();
  bio->Finish();
  for (size_t i = 0; i < jobs.size() / 2; ++i) {
    EXPECT_EQ(jobs[2 * i].ran, i + 1 < Bio::kFreeJobsMax ? 1 : 0);
    EXPECT_EQ(jobs[2 * i + 1].ran, 1);
  }
  bio->Unref();
}

TEST(BioTest, FilesAreSyncedAndClosed) {
  for (const bool threads : {true, false}) {
    Bio* bio = Bio::Create(threads);
    Bio::FileJob sync, both, bad;
    sync.fd = both.fd = TemporaryFile();
    ASSERT_GE(sync.fd, 0);
    ASSERT_EQ(write(sync.fd, "x", 1), 1);
    sync.sync = true;
    both.sync = both.close = true;
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    bad.fd = ends[0];
    bad.sync = bad.close = true;  // a pipe cannot be synced, and is closed for all that
    static std::atomic<int> done;
    done = 0;
    sync.done = both.done = bad.done = [](Bio::FileJob*) { ++done; };
    bio->SubmitFile(&sync);
    bio->SubmitFile(&both);
    bio->SubmitFile(&bad);
    bio->Finish();
    EXPECT_EQ(done, 3);
    EXPECT_EQ(sync.error, 0);
    EXPECT_EQ(both.error, 0);
    EXPECT_FALSE(IsOpen(both.fd));
    EXPECT_EQ(bad.error, EINVAL);
    EXPECT_FALSE(IsOpen(bad.fd));
    close(ends[1]);
    // After the end it is done at once.
    Bio::FileJob late;
    late.fd = TemporaryFile();
    late.close = true;
    bio->SubmitFile(&late);
    EXPECT_FALSE(IsOpen(late.fd));
    bio->Unref();
  }
}

// Runs until it is let go.
struct HeldJob : Bio::Job {
  HeldJob() {
    run_some = [](Bio::Job* self, int64_t) {
      while (!static_cast<HeldJob*>(self)->go) std::this_thread::yield();
      return false;
    };
  }
  std::atomic<bool> go{false};
};

TEST(BioTest, FinishSomeWaitsForNoThreadAndTheLastThreadSaysSo) {
  std::atomic<int> ended{0};
  Bio* bio = Bio::Create(true, [](void* arg) { ++*static_cast<std::atomic<int>*>(arg); }, &ended);
  HeldJob held;
  TestJob late;
  ASSERT_TRUE(bio->Submit(Bio::kFree, &held));
  EXPECT_FALSE(bio->FinishSome(INT64_MAX));
  EXPECT_FALSE(bio->ThreadsOver());
  EXPECT_FALSE(bio->Submit(Bio::kFile, &late));
  EXPECT_EQ(ended, 0);
  held.go = true;
  while (ended == 0) std::this_thread::yield();
  EXPECT_TRUE(bio->ThreadsOver());
  EXPECT_TRUE(bio->FinishSome(INT64_MAX));
  EXPECT_TRUE(bio->FinishSome(INT64_MAX));
  bio->Finish();
  bio->Unref();
}

TEST(BioTest, FinishSomeWithoutThreadsDoesAPart) {
  Bio* bio = Bio::Create(false);
  std::vector<HeldJob> jobs(3);
  for (HeldJob& job : jobs) {
    job.go = true;
    ASSERT_TRUE(bio->Submit(Bio::kFree, &job));
  }
  EXPECT_FALSE(bio->FinishSome(0));
  EXPECT_EQ(bio->waiting(Bio::kFree), 2u);
  EXPECT_TRUE(bio->ThreadsOver());
  EXPECT_FALSE(bio->FinishSome(0));
  EXPECT_TRUE(bio->FinishSome(0));
  bio->Unref();
}

TEST(BioTest, ItsThreadsBlockAllSignals) {
  Bio* bio = Bio::Create(true);
  struct Mask : Bio::Job {
    sigset_t blocked;
  } job;
  sigemptyset(&job.blocked);
  job.run_some = [](Bio::Job* self, int64_t) {
    pthread_sigmask(SIG_SETMASK, nullptr, &static_cast<Mask*>(self)->blocked);
    return false;
  };
  ASSERT_TRUE(bio->Submit(Bio::kFree, &job));
  bio->Finish();
  for (const int signal : {SIGTERM, SIGUSR1, SIGCHLD, SIGPIPE}) EXPECT_EQ(sigismember(&job.blocked, signal), 1);
  bio->Unref();
}

TEST(BioTest, ManyThreadsSubmit) {
  Bio* bio = Bio::Create(true);
  std::vector<std::thread> threads;
  std::vector<std::vector<TestJob>> jobs(8);
  std::atomic<int> refused{0};
  for (auto& own : jobs) {
    own = std::vector<TestJob>(500);
    threads.emplace_back([&own, &refused, bio] {
      for (TestJob& job : own) {
        if (bio->Submit(Bio::kFree, &job)) continue;
        ++refused;
        job.run_some(&job, INT64_MAX);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  bio->Finish();
  for (const auto& own : jobs) {
    for (const TestJob& job : own) EXPECT_EQ(job.ran, 1);
  }
  bio->Unref();
}

}  // namespace
}  // namespace larder::base
