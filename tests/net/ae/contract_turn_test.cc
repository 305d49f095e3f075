// The contract suite: turns, time, signals, wake-ups, and loops inside of loops.
#include <dirent.h>
#include <poll.h>

#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "tests/net/ae/contract_testing.h"

namespace larder::ae {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(ContractTest, FlagsSayWhatIsProcessed) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable, a).ok());
  pair.theirs.Write("x");
  ASSERT_TRUE(loop_->CreateTimeEvent(0, [](EventLoop&, int64_t, void* data) {
                     static_cast<std::vector<std::string>*>(data)->push_back("time");
                     return int64_t{0};
                   }, &diary_).ok());
  Hook before, after, end;
  before.data = after.data = end.data = &diary_;
  before.proc = [](EventLoop&, void* data) { static_cast<std::vector<std::string>*>(data)->push_back("before"); };
  after.proc = [](EventLoop&, void* data) { static_cast<std::vector<std::string>*>(data)->push_back("after"); };
  end.proc = [](EventLoop&, void* data) { static_cast<std::vector<std::string>*>(data)->push_back("end"); };
  loop_->before_sleep().Add(before);
  loop_->after_sleep().Add(after);
  loop_->after_events().Add(end);
  EXPECT_THAT(Turn(kFullTurn), ElementsAre("before", "after", "a:r", "time", "end"));
  EXPECT_THAT(Turn(kFileEvents), ElementsAre("a:r"));
  EXPECT_THAT(Turn(kTimeEvents), ElementsAre("time"));
  EXPECT_THAT(Turn(kAllEvents | kCallAfterSleep), ElementsAre("after", "a:r", "time"));
  EXPECT_THAT(Turn(0), IsEmpty());
  loop_->before_sleep().Remove(before);
  loop_->after_events().Remove(end);
  EXPECT_THAT(Turn(kFullTurn), ElementsAre("after", "a:r", "time"));
}

TEST_P(ContractTest, ATurnCountsWhatItProcessed) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable, a).ok());
  EXPECT_EQ(loop_->Poll(0), 0);
  loop_->WakeUp();
  EXPECT_EQ(loop_->Poll(0), 0);  // a wake-up is nobody's event
  pair.theirs.Write("x");
  EXPECT_EQ(loop_->Poll(0), 1);
}

TEST_P(ContractTest, DontWaitKeepsATurnFromSleeping) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable, a).ok());
  EXPECT_EQ(loop_->NextDelayMs(), -1);
  loop_->SetDontWait(true);
  EXPECT_EQ(loop_->NextDelayMs(), 0);
  EXPECT_EQ(loop_->ProcessEvents(kFullTurn), 0);  // would hang
  loop_->SetDontWait(false);
  EXPECT_EQ(loop_->NextDelayMs(), -1);
}

TEST_P(ContractTest, TimersOfTheRealClockAreNeverEarly) {
  MonotonicClock clock;
  std::unique_ptr<EventLoop> loop = Make(nullptr);
  const int64_t start_us = clock.NowUs();
  std::vector<int64_t> fired_us;
  for (int64_t delay_ms : {3, 1, 2}) {
    ASSERT_TRUE(loop->CreateTimeEvent(delay_ms, [](EventLoop& l, int64_t, void* data) {
                      static_cast<std::vector<int64_t>*>(data)->push_back(l.clock().NowUs());
                      return kNoMore;
                    }, &fired_us).ok());
  }
  while (fired_us.size() < 3) loop->ProcessEvents(kFullTurn);
  for (int i = 0; i < 3; ++i) EXPECT_GE(fired_us[static_cast<size_t>(i)] - start_us, 1000 * (i + 1)) << i;
}

// The date may be set while a loop sleeps. That nobody reads it can be asked of the clock alone, which is all there is.
TEST_P(ContractTest, TheClockIsTheMonotonicOne) {
  std::unique_ptr<EventLoop> loop = Make(nullptr);
  const auto kernels_us = [] {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  };
  const int64_t before_us = kernels_us();
  const int64_t now_us = loop->clock().NowUs();
  EXPECT_LE(before_us, now_us);
  EXPECT_LE(now_us, kernels_us());
}

// On a thread of its own: the end of an io_uring interrupts the next sleep of a thread that has used it, as a signal
// does.
TEST_P(ContractTest, PollSleepsAsLongAsItIsTold) {
  std::thread([] {
    std::unique_ptr<EventLoop> loop = Make(nullptr);
    MonotonicClock clock;
    const int64_t start_us = clock.NowUs();
    EXPECT_EQ(loop->Poll(2), 0);
    EXPECT_GE(clock.NowUs() - start_us, 2000);
    EXPECT_EQ(loop->Poll(0), 0);
  }).join();
}

TEST_P(ContractTest, AHandSetClockMovesTheTimersOnceTheLoopIsWoken) {
  int fired = 0;
  ASSERT_TRUE(loop_->CreateTimeEvent(3'600'000, [](EventLoop& loop, int64_t, void* data) {
                     ++*static_cast<int*>(data);
                     loop.Stop();
                     return kNoMore;
                   }, &fired).ok());
  EXPECT_EQ(loop_->NextDelayMs(), 3'600'000);
  std::thread runner([&] { EXPECT_TRUE(loop_->Run().ok()); });
  clock_.Advance(3'600'000);
  loop_->WakeUp();
  runner.join();
  EXPECT_EQ(fired, 1);
}

TEST_P(ContractTest, StopFromAnotherThreadEndsRun) {
  for (int i = 0; i < 100; ++i) {
    std::thread runner([&] { EXPECT_TRUE(loop_->Run().ok()); });
    loop_->Stop();
    runner.join();
  }
}

// As a listener does: started on one thread, run on its own, and taken down on the first when that has ended.
TEST_P(ContractTest, WhenRunHasEndedAnotherThreadMayCloseWhatWasWatched) {
  for (int i = 0; i < 5; ++i) {
    Pair pair;
    Watcher a = Named("a");
    a.act = [](EventLoop& loop, int, Watcher&) { loop.Stop(); };
    ASSERT_TRUE(Watch(pair.ours, kReadable, a).ok());
    std::thread runner([&] { EXPECT_TRUE(loop_->Run().ok()); });
    pair.theirs.Write("x");
    runner.join();
    EXPECT_THAT(diary_, ElementsAre("a:r"));
    diary_.clear();
    EXPECT_EQ(pair.ours.Read(), "x");
    loop_->DeleteFileEvent(pair.ours, kReadable);
    pair.ours.Close();
    EXPECT_EQ(pair.theirs.Read(), "");
  }
}

TEST_P(ContractTest, ALoopGoesOnOnAnotherThread) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable, a).ok());
  EXPECT_THAT(Turn(), IsEmpty());
  for (int i = 0; i < 3; ++i) {
    std::thread([&] {
      EXPECT_THAT(Turn(), IsEmpty());
      pair.theirs.Write("x");
      EXPECT_THAT(Turn(), ElementsAre("a:r"));
      EXPECT_TRUE(loop_->poll_status().ok()) << loop_->poll_status();
    }).join();
    EXPECT_THAT(Turn(), ElementsAre("a:r"));
    EXPECT_EQ(pair.ours.Read(), "x");
  }
}

// Eight threads hand over numbered work and wake the loop, which may sleep for ever: one lost wake-up hangs the test.
TEST_P(ContractTest, NoWakeUpOfEightThreadsIsLost) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 2000;
  struct Shared {
    std::atomic<int> posted[kThreads] = {};
    int seen[kThreads] = {};
    std::atomic<int> acknowledged[kThreads] = {};
  } shared;
  Hook hook;
  hook.data = &shared;
  hook.proc = [](EventLoop&, void* data) {
    Shared& s = *static_cast<Shared*>(data);
    for (int t = 0; t < kThreads; ++t) {
      s.seen[t] = s.posted[t].load(std::memory_order_relaxed);
      s.acknowledged[t].store(s.seen[t], std::memory_order_release);
      s.acknowledged[t].notify_all();
    }
  };
  loop_->after_events().Add(hook);
  std::thread runner([&] { EXPECT_TRUE(loop_->Run().ok()); });
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 1; round <= kRounds; ++round) {
        shared.posted[t].store(round, std::memory_order_relaxed);
        loop_->WakeUp();
        // Half of the rounds wait for the answer, so that the loop goes to sleep in between.
        if (round % 2 == 0) continue;
        for (int a = shared.acknowledged[t].load(); a < round; a = shared.acknowledged[t].load()) {
          shared.acknowledged[t].wait(a);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  loop_->Stop();
  runner.join();
  for (int t = 0; t < kThreads; ++t) EXPECT_EQ(shared.seen[t], kRounds);
  loop_->after_events().Remove(hook);
}

TEST_P(ContractTest, ASignalEndsTheTurnWithoutAnError) {
  HostsHandler handler(SIGUSR1);
  handled = 0;
  std::atomic<bool> done{false};
  std::thread sleeper([&] {
    EXPECT_EQ(loop_->ProcessEvents(kFullTurn), 0);
    EXPECT_TRUE(loop_->poll_status().ok()) << loop_->poll_status();
    done = true;
  });
  // Until it has gone to sleep and is woken by it; each signal before that is taken by the handler and changes nothing.
  while (!done) {
    pthread_kill(sleeper.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  sleeper.join();
  EXPECT_GT(handled.load(), 0);
}

TEST_P(ContractTest, SignalsDoNotMakeTimersEarlyOrLost) {
  HostsHandler handler(SIGUSR1);
  std::unique_ptr<EventLoop> loop = Make(nullptr);
  MonotonicClock clock;
  const int64_t start_us = clock.NowUs();
  std::atomic<bool> done{false};
  int64_t fired_us = 0;
  ASSERT_TRUE(loop->CreateTimeEvent(20, [](EventLoop& l, int64_t, void* data) {
                    *static_cast<int64_t*>(data) = l.clock().NowUs();
                    l.Stop();
                    return kNoMore;
                  }, &fired_us).ok());
  std::thread runner([&] {
    EXPECT_TRUE(loop->Run().ok());
    done = true;
  });
  while (!done) {
    pthread_kill(runner.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  runner.join();
  EXPECT_GE(fired_us - start_us, 20'000);
}

bool Readable(int fd, int timeout_ms) {
  pollfd wanted{fd, POLLIN, 0};
  return poll(&wanted, 1, timeout_ms) == 1;
}

TEST_P(ContractTest, BackendFdTellsAHostWhenToPoll) {
  std::unique_ptr<EventLoop> loop = Make(nullptr);
  const int backend = loop->BackendFd();
  if (HasNoBackendFd()) {
    EXPECT_EQ(backend, -1);
    return;
  }
  ASSERT_GE(backend, 0);
  EXPECT_FALSE(Readable(backend, 0));

  Pair pair;
  Watcher a = Named("a");
  a.act = [](EventLoop&, int fd, Watcher&) {
    char byte;
    EXPECT_EQ(recv(fd, &byte, 1, 0), 1);
  };
  ASSERT_TRUE(loop->CreateFileEvent(pair.ours, kReadable, Watcher::OnReadable, &a).ok());
  EXPECT_FALSE(Readable(backend, 0));
  pair.theirs.Write("xy");
  EXPECT_TRUE(Readable(backend, 0));
  EXPECT_EQ(loop->Poll(0), 1);
  EXPECT_TRUE(Readable(backend, 0)) << "as long as there are bytes unread";
  EXPECT_EQ(loop->Poll(0), 1);
  EXPECT_FALSE(Readable(backend, 0));

  loop->SetDontWait(true);
  EXPECT_TRUE(Readable(backend, 0));
  loop->Poll(0);
  EXPECT_TRUE(Readable(backend, 0)) << "as long as there is work left";
  loop->SetDontWait(false);
  loop->Poll(0);
  EXPECT_FALSE(Readable(backend, 0));

  loop->WakeUp();
  EXPECT_TRUE(Readable(backend, 0));
  loop->Poll(0);
  EXPECT_FALSE(Readable(backend, 0));
}

TEST_P(ContractTest, BackendFdIsReadableWhenATimeEventIsDue) {
  std::unique_ptr<EventLoop> loop = Make(nullptr);
  const int backend = loop->BackendFd();
  if (backend < 0) {
    EXPECT_TRUE(HasNoBackendFd());
    return;
  }
  int left = 3;
  ASSERT_TRUE(loop->CreateTimeEvent(1, [](EventLoop&, int64_t, void* data) {
                    return --*static_cast<int*>(data) > 0 ? int64_t{2} : kNoMore;
                  }, &left).ok());
  while (left > 0) {
    ASSERT_TRUE(Readable(backend, 10'000));
    loop->Poll(0);
  }
  EXPECT_FALSE(Readable(backend, 0));
  absl::StatusOr<int64_t> id = loop->CreateTimeEvent(0, [](EventLoop&, int64_t, void*) { return kNoMore; }, nullptr);
  ASSERT_TRUE(id.ok());
  EXPECT_TRUE(Readable(backend, 10'000));
  EXPECT_TRUE(loop->DeleteTimeEvent(*id));
  loop->Poll(0);
  EXPECT_FALSE(Readable(backend, 0));
}

// A clock that stands still while the machine's goes on, and that nobody promises to wake the loop for.
class SlowClock final : public Clock {
 public:
  int64_t NowUs() override { return now_us; }
  bool Manual() const override { return false; }
  int64_t now_us = 1'000'000;
};

TEST_P(ContractTest, BackendFdRingsAgainForAClockThatRunsSlower) {
  SlowClock clock;
  std::unique_ptr<EventLoop> loop = Make(&clock);
  const int backend = loop->BackendFd();
  if (backend < 0) return;  // the host goes by NextDelayMs, which knows nothing of the machine's clock
  bool ran = false;
  ASSERT_TRUE(loop->CreateTimeEvent(1, [](EventLoop&, int64_t, void* data) {
                    *static_cast<bool*>(data) = true;
                    return kNoMore;
                  }, &ran).ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Readable(backend, 10'000)) << "it has been " << i << " times in vain";
    EXPECT_EQ(loop->Poll(0), 0);
  }
  clock.now_us += 1000;
  ASSERT_TRUE(Readable(backend, 10'000));
  EXPECT_EQ(loop->Poll(0), 1);
  EXPECT_TRUE(ran);
}

// A thread that is preempted after it has set the timer, until that has rung.
class PreemptedPoller final : public Poller {
 public:
  explicit PreemptedPoller(std::unique_ptr<Poller> poller) : poller_(std::move(poller)) {}
  std::string_view Name() const override { return "preempted"; }
  absl::Status Resize(int size) override { return poller_->Resize(size); }
  absl::Status Set(int fd, int old_mask, int mask) override { return poller_->Set(fd, old_mask, mask); }
  int Poll(int64_t timeout_us, std::span<FiredEvent> fired) override { return poller_->Poll(timeout_us, fired); }
  int BackendFd() override { return poller_->BackendFd(); }
  absl::Status ArmTimer(int64_t delay_us) override {
    absl::Status status = poller_->ArmTimer(delay_us);
    poller_->FlushChanges();
    if (delay_us > 0) Readable(BackendFd(), 10'000);
    return status;
  }
  void FlushChanges() override { poller_->FlushChanges(); }
  void Rest() override { poller_->Rest(); }

 private:
  const std::unique_ptr<Poller> poller_;
};

TEST_P(ContractTest, BackendFdRingsAgainHoweverLateTheThreadGoesOn) {
  if (loop_->BackendFd() < 0) return;  // as above
  SlowClock clock;
  const PollerMaker makers[] = {{"preempted", [] {
    absl::StatusOr<std::unique_ptr<Poller>> poller = MakePoller(GetParam(), MorePollers());
    if (poller.ok()) *poller = std::make_unique<PreemptedPoller>(*std::move(poller));
    return poller;
  }}};
  LoopOptions options;
  options.api = "preempted";
  options.more_pollers = makers;
  options.clock = &clock;
  std::unique_ptr<EventLoop> loop = *EventLoop::Create(options);
  const int backend = loop->BackendFd();
  // Long beside the time until the next turn below.
  ASSERT_TRUE(loop->CreateTimeEvent(100, [](EventLoop&, int64_t, void*) { return kNoMore; }, nullptr).ok());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Readable(backend, 10'000)) << "it has been " << i << " times in vain";
    EXPECT_EQ(loop->Poll(0), 0);
  }
}

std::set<int> OpenDescriptors() {
  std::set<int> fds;
  DIR* dir = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_name[0] != '.') fds.insert(atoi(entry->d_name));
  }
  fds.erase(dirfd(dir));
  closedir(dir);
  return fds;
}

TEST_P(ContractTest, ItsDescriptorsAreCloseOnExecAndGoWithIt) {
  const std::set<int> before = OpenDescriptors();
  {
    std::unique_ptr<EventLoop> loop = Make(nullptr);
    loop->BackendFd();
    ASSERT_TRUE(loop->CreateTimeEvent(1, [](EventLoop&, int64_t, void*) { return kNoMore; }, nullptr).ok());
    const std::set<int> during = OpenDescriptors();
    EXPECT_GT(during.size(), before.size());
    for (int fd : during) {
      EXPECT_TRUE(before.count(fd) != 0 || (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0) << fd;
    }
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace larder::ae
