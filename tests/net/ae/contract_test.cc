// What every poller must do, run over each that this platform has. The loop above them is the same code for all; what
// differs is the kernel interface below, so these tests use real descriptors.
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/select.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/ae/ae.h"
#include "tests/net/ae/ae_testing.h"

namespace larder::ae {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// A file event that keeps a diary, and does what a test told it to.
struct Watcher {
  std::vector<std::string>* diary = nullptr;
  std::string name;
  void (*act)(EventLoop&, int fd, Watcher&) = nullptr;
  Watcher* other = nullptr;
  Fd* fd = nullptr;
  Fd* fresh = nullptr;

  static void OnReadable(EventLoop& loop, int fd, void* data, int) { Fire(loop, fd, data, ":r"); }
  static void OnWritable(EventLoop& loop, int fd, void* data, int) { Fire(loop, fd, data, ":w"); }
  static void OnBoth(EventLoop& loop, int fd, void* data, int mask) {
    Fire(loop, fd, data, mask == (kReadable | kWritable) ? ":rw" : mask == kReadable ? ":r" : ":w");
  }
  static void Fire(EventLoop& loop, int fd, void* data, const char* suffix) {
    Watcher& self = *static_cast<Watcher*>(data);
    self.diary->push_back(self.name + suffix);
    if (self.act != nullptr) self.act(loop, fd, self);
  }
};

class ContractTest : public testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override { loop_ = Make(&clock_); }

  static std::unique_ptr<EventLoop> Make(Clock* clock) {
    LoopOptions options;
    options.api = GetParam();
    options.clock = clock;
    options.set_size = 1;
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(options);
    EXPECT_TRUE(loop.ok()) << loop.status();
    return loop.ok() ? *std::move(loop) : nullptr;
  }

  Watcher Named(std::string name) {
    Watcher watcher;
    watcher.diary = &diary_;
    watcher.name = std::move(name);
    return watcher;
  }
  absl::Status Watch(int fd, int mask, Watcher& watcher) {
    absl::Status status;
    if (mask & kReadable) status = loop_->CreateFileEvent(fd, kReadable, Watcher::OnReadable, &watcher);
    if (status.ok() && (mask & kWritable)) {
      status = loop_->CreateFileEvent(fd, mask & ~kReadable, Watcher::OnWritable, &watcher);
    }
    return status;
  }
  // One turn that does not wait; what happened in it.
  std::vector<std::string> Turn(int flags = kFullTurn) {
    diary_.clear();
    loop_->ProcessEvents(flags | kDontWait);
    return diary_;
  }

  HandSetClock clock_;
  std::unique_ptr<EventLoop> loop_;
  std::vector<std::string> diary_;
};

INSTANTIATE_TEST_SUITE_P(Pollers, ContractTest, testing::ValuesIn(PollerNames().begin(), PollerNames().end()),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(ContractTest, TheLoopNamesItsPoller) { EXPECT_EQ(loop_->ApiName(), GetParam()); }

TEST_P(ContractTest, NothingReadyFiresNothing) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable, a).ok());
  EXPECT_THAT(Turn(), IsEmpty());
}

TEST_P(ContractTest, UnreadBytesFireAgain) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable, a).ok());
  pair.theirs.Write("xy");
  EXPECT_THAT(Turn(), ElementsAre("a:r"));
  EXPECT_EQ(pair.ours.Read(1), "x");
  EXPECT_THAT(Turn(), ElementsAre("a:r"));
  EXPECT_EQ(pair.ours.Read(1), "y");
  EXPECT_THAT(Turn(), IsEmpty());
}

TEST_P(ContractTest, WritableFiresWhileThereIsRoom) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kWritable, a).ok());
  EXPECT_THAT(Turn(), ElementsAre("a:w"));
  const std::string block(4096, 'x');
  while (send(pair.ours, block.data(), block.size(), MSG_NOSIGNAL) > 0) {
  }
  EXPECT_THAT(Turn(), IsEmpty());
  while (pair.theirs.Read(1 << 16) != "!") {
  }
  EXPECT_THAT(Turn(), ElementsAre("a:w"));
}

TEST_P(ContractTest, ReadableRunsBeforeWritable) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable | kWritable, a).ok());
  pair.theirs.Write("x");
  EXPECT_THAT(Turn(), ElementsAre("a:r", "a:w"));
}

TEST_P(ContractTest, WithABarrierWritableRunsFirst) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable | kWritable | kBarrier, a).ok());
  EXPECT_EQ(loop_->GetFileEvents(pair.ours), kReadable | kWritable | kBarrier);
  pair.theirs.Write("x");
  EXPECT_THAT(Turn(), ElementsAre("a:w", "a:r"));
}

TEST_P(ContractTest, DeletingWritableTakesTheBarrierAlong) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable | kWritable | kBarrier, a).ok());
  loop_->DeleteFileEvent(pair.ours, kWritable);
  EXPECT_EQ(loop_->GetFileEvents(pair.ours), kReadable);
  pair.theirs.Write("x");
  EXPECT_THAT(Turn(), ElementsAre("a:r"));
}

TEST_P(ContractTest, OneProcedureForBothRunsOnce) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(loop_->CreateFileEvent(pair.ours, kReadable | kWritable, Watcher::OnBoth, &a).ok());
  EXPECT_THAT(Turn(), ElementsAre("a:w"));
  pair.theirs.Write("x");
  EXPECT_THAT(Turn(), ElementsAre("a:rw"));
}

TEST_P(ContractTest, WhatIsTakenOffDoesNotFire) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable | kWritable, a).ok());
  pair.theirs.Write("x");
  loop_->DeleteFileEvent(pair.ours, kReadable);
  EXPECT_THAT(Turn(), ElementsAre("a:w"));
  loop_->DeleteFileEvent(pair.ours, kWritable);
  EXPECT_THAT(Turn(), IsEmpty());
  EXPECT_EQ(loop_->GetFileEvents(pair.ours), kNone);
  loop_->DeleteFileEvent(pair.ours, kWritable);  // twice does no harm
  ASSERT_TRUE(Watch(pair.ours, kReadable, a).ok());
  EXPECT_THAT(Turn(), ElementsAre("a:r"));
}

TEST_P(ContractTest, PeerThatClosedOneSideIsReadableAndStillWritable) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable, a).ok());
  pair.theirs.Write("last");
  ASSERT_EQ(shutdown(pair.theirs, SHUT_WR), 0);
  EXPECT_THAT(Turn(), ElementsAre("a:r"));
  EXPECT_EQ(pair.ours.Read(), "last");
  EXPECT_THAT(Turn(), ElementsAre("a:r"));
  EXPECT_EQ(pair.ours.Read(), "");
  pair.ours.Write("answer");
  EXPECT_EQ(pair.theirs.Read(), "answer");
}

TEST_P(ContractTest, PeerThatClosedFiresWhateverIsWatched) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable | kWritable, a).ok());
  pair.theirs.Close();
  EXPECT_THAT(Turn(), ElementsAre("a:r", "a:w"));
  EXPECT_EQ(pair.ours.Read(), "");
}

// A connected pair over TCP, since only that can be reset.
void ConnectTcp(Fd* ours, Fd* theirs) {
  Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  socklen_t size = sizeof(address);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  *theirs = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(*theirs, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  *ours = Fd(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  ASSERT_GE(ours->get(), 0);
}

TEST_P(ContractTest, ResetIsReadableWithItsError) {
  Fd ours, theirs;
  ConnectTcp(&ours, &theirs);
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(ours, kReadable, a).ok());
  const linger reset{1, 0};
  ASSERT_EQ(setsockopt(theirs, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
  theirs.Close();
  EXPECT_EQ(loop_->Poll(10'000), 1);  // TCP takes its time
  EXPECT_THAT(diary_, ElementsAre("a:r"));
  char byte;
  EXPECT_EQ(recv(ours, &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_P(ContractTest, ResetFiresWritableIfThatIsAllThatIsWatched) {
  Fd ours, theirs;
  ConnectTcp(&ours, &theirs);
  const linger reset{1, 0};
  ASSERT_EQ(setsockopt(theirs, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
  theirs.Close();
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(ours, kWritable, a).ok());
  EXPECT_EQ(loop_->Poll(10'000), 1);
  EXPECT_THAT(diary_, ElementsAre("a:w"));
}

TEST_P(ContractTest, AProcedureMayTakeOffAnotherThatFired) {
  Pair one, two;
  Watcher a = Named("a"), b = Named("b");
  // Whichever comes first takes the other off.
  a.act = b.act = [](EventLoop& loop, int, Watcher& self) { loop.DeleteFileEvent(*self.fd, kReadable); };
  a.fd = &two.ours;
  b.fd = &one.ours;
  ASSERT_TRUE(Watch(one.ours, kReadable, a).ok());
  ASSERT_TRUE(Watch(two.ours, kReadable, b).ok());
  one.theirs.Write("x");
  two.theirs.Write("x");
  EXPECT_EQ(Turn().size(), 1u);
}

TEST_P(ContractTest, AProcedureMayTakeItselfOff) {
  Pair pair;
  Watcher a = Named("a");
  a.act = [](EventLoop& loop, int fd, Watcher&) { loop.DeleteFileEvent(fd, kReadable | kWritable); };
  ASSERT_TRUE(Watch(pair.ours, kReadable | kWritable, a).ok());
  pair.theirs.Write("x");
  EXPECT_THAT(Turn(), ElementsAre("a:r"));
  EXPECT_THAT(Turn(), IsEmpty());
}

TEST_P(ContractTest, WhatAProcedureAddsFiresInTheNextTurn) {
  Pair one, two;
  Watcher a = Named("a"), b = Named("b");
  a.other = &b;
  a.fd = &two.ours;
  a.act = [](EventLoop& loop, int, Watcher& self) {
    ASSERT_TRUE(loop.CreateFileEvent(*self.fd, kReadable, Watcher::OnReadable, self.other).ok());
  };
  ASSERT_TRUE(Watch(one.ours, kReadable, a).ok());
  one.theirs.Write("x");
  two.theirs.Write("x");
  EXPECT_THAT(Turn(), ElementsAre("a:r"));
  EXPECT_THAT(Turn(), UnorderedElementsAre("a:r", "b:r"));
}

// Two descriptors fired; the first procedure closes both and opens one under the other's number. What fired was not
// meant for the newcomer, which has nothing to read.
TEST_P(ContractTest, ADescriptorClosedAndUsedAgainInOneTurnDoesNotInheritTheEvent) {
  Pair one, two, fresh;
  Watcher a = Named("a"), b = Named("b"), c = Named("new");
  a.fd = &two.ours;
  b.fd = &one.ours;
  a.other = b.other = &c;
  a.fresh = b.fresh = &fresh.ours;
  a.act = b.act = [](EventLoop& loop, int, Watcher& self) {
    const int number = self.fd->get();
    loop.DeleteFileEvent(number, kReadable);
    self.fd->Close();
    *self.fd = At(*self.fresh, number);
    ASSERT_EQ(self.fd->get(), number);
    ASSERT_TRUE(loop.CreateFileEvent(number, kReadable, Watcher::OnReadable, self.other).ok());
  };
  ASSERT_TRUE(Watch(one.ours, kReadable, a).ok());
  ASSERT_TRUE(Watch(two.ours, kReadable, b).ok());
  one.theirs.Write("x");
  two.theirs.Write("x");
  const std::vector<std::string> first = Turn();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_NE(first[0], "new:r");
  (first[0] == "a:r" ? a : b).act = nullptr;
  fresh.theirs.Write("x");
  EXPECT_THAT(Turn(), UnorderedElementsAre(first[0], "new:r"));
}

TEST_P(ContractTest, ADescriptorClosedWhileWatchedIsForgotten) {
  Pair one, two;
  Watcher a = Named("a"), b = Named("b");
  ASSERT_TRUE(Watch(one.ours, kReadable, a).ok());
  ASSERT_TRUE(Watch(two.ours, kReadable, b).ok());
  const int number = one.ours.get();
  one.ours.Close();
  two.theirs.Write("x");
  Turn();  // a poller that notices only now may lose a turn over it
  EXPECT_THAT(Turn(), ElementsAre("b:r"));
  EXPECT_TRUE(loop_->poll_status().ok());
  loop_->DeleteFileEvent(number, kReadable);
  EXPECT_EQ(loop_->GetFileEvents(number), kNone);
  Pair three;  // takes the number again
  Watcher c = Named("c");
  ASSERT_TRUE(Watch(three.ours, kReadable, c).ok());
  three.theirs.Write("x");
  EXPECT_THAT(Turn(), UnorderedElementsAre("b:r", "c:r"));
}

TEST_P(ContractTest, AClosedDescriptorIsRefused) {
  Pair pair;
  const int number = pair.ours.get();
  pair.ours.Close();
  Watcher a = Named("a");
  const absl::Status status = Watch(number, kReadable, a);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(number)));
  EXPECT_EQ(loop_->GetFileEvents(number), kNone);
  EXPECT_FALSE(loop_->CreateFileEvent(-1, kReadable, Watcher::OnReadable, &a).ok());
}

TEST_P(ContractTest, TheSetGrowsByItself) {
  Pair pair;
  Fd high = At(pair.ours, 900);
  ASSERT_GE(high.get(), 900);
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(high, kReadable, a).ok());
  pair.theirs.Write("x");
  EXPECT_THAT(Turn(), ElementsAre("a:r"));
}

TEST_P(ContractTest, ADescriptorThatThePollerCannotWatchIsAClearError) {
  ASSERT_TRUE(RaiseDescriptorLimit(2 * FD_SETSIZE));
  Pair pair;
  Fd high = At(pair.ours, FD_SETSIZE);
  Watcher a = Named("a");
  const absl::Status status = Watch(high, kReadable, a);
  pair.theirs.Write("x");
  if (GetParam() == "select") {
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
    EXPECT_THAT(std::string(status.message()), HasSubstr("FD_SETSIZE"));
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(high.get())));
    EXPECT_EQ(loop_->GetFileEvents(high), kNone);
    EXPECT_THAT(Turn(), IsEmpty());
  } else {
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_THAT(Turn(), ElementsAre("a:r"));
  }
}

TEST_P(ContractTest, EachOfManyReadyDescriptorsIsServed) {
  const bool select = GetParam() == "select";
  const int count = select ? 500 : 3000;  // epoll reports 1,024 in one poll
  ASSERT_TRUE(RaiseDescriptorLimit(4096));
  std::vector<Fd> fds;
  std::set<int> served;
  for (int i = 0; i < count; ++i) {
    fds.emplace_back(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    ASSERT_GE(fds.back().get(), 0);
    const auto serve = [](EventLoop&, int fd, void* data, int) { static_cast<std::set<int>*>(data)->insert(fd); };
    ASSERT_TRUE(loop_->CreateFileEvent(fds.back(), kReadable, serve, &served).ok());
  }
  // They stay readable, so a poller that always began at the same end would never get to the other.
  for (int turn = 0; turn < 4; ++turn) loop_->ProcessEvents(kFileEvents | kDontWait);
  EXPECT_EQ(served.size(), static_cast<size_t>(count));
}

TEST_P(ContractTest, ATurnWithinAProcedureLosesNothing) {
  Pair one, two;
  Watcher a = Named("a"), b = Named("b");
  a.act = b.act = [](EventLoop& loop, int fd, Watcher& self) {
    char byte;
    ASSERT_EQ(recv(fd, &byte, 1, 0), 1);
    self.act = nullptr;
    loop.ProcessEvents(kFileEvents | kDontWait);
  };
  ASSERT_TRUE(Watch(one.ours, kReadable, a).ok());
  ASSERT_TRUE(Watch(two.ours, kReadable, b).ok());
  one.theirs.Write("x");
  two.theirs.Write("x");
  Turn();
  EXPECT_THAT(diary_, UnorderedElementsAre("a:r", "b:r"));
}

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

TEST_P(ContractTest, PollSleepsNoLongerThanItIsTold) {
  std::unique_ptr<EventLoop> loop = Make(nullptr);
  MonotonicClock clock;
  const int64_t start_us = clock.NowUs();
  EXPECT_EQ(loop->Poll(2), 0);
  EXPECT_GE(clock.NowUs() - start_us, 2000);
  EXPECT_EQ(loop->Poll(0), 0);
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

std::atomic<int> handled{0};  // NOLINT: a signal handler has no other way
void OnSignal(int) { handled.fetch_add(1); }

class HostsHandler {
 public:
  explicit HostsHandler(int signal_number) : signal_(signal_number) {
    struct sigaction action = {};
    action.sa_handler = OnSignal;  // without SA_RESTART
    sigaction(signal_, &action, &old_);
  }
  ~HostsHandler() { sigaction(signal_, &old_, nullptr); }

 private:
  int signal_;
  struct sigaction old_;
};

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
  if (GetParam() == "select") {
    EXPECT_EQ(backend, -1);
    return;
  }
  ASSERT_GE(backend, 0);
  EXPECT_FALSE(Readable(backend, 0));

  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(loop->CreateFileEvent(pair.ours, kReadable, Watcher::OnReadable, &a).ok());
  pair.theirs.Write("x");
  EXPECT_TRUE(Readable(backend, 0));
  EXPECT_EQ(loop->Poll(0), 1);
  EXPECT_EQ(pair.ours.Read(), "x");
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
    EXPECT_EQ(GetParam(), "select");
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

TEST(PollerTest, AnUnknownNameIsAnErrorThatListsTheKnown) {
  const absl::Status status = MakePoller("iocp").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'iocp'"));
  for (std::string_view name : PollerNames()) EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(name)));
}

TEST(PollerTest, TheBestIsTakenUnlessOneIsNamed) {
  std::string passed_over;
  absl::StatusOr<std::unique_ptr<Poller>> poller = MakePoller("", &passed_over);
  ASSERT_TRUE(poller.ok());
  EXPECT_EQ((*poller)->Name(), PollerNames()[0]);
  EXPECT_EQ(passed_over, "");
}

TEST(WaitTest, TellsWhatIsReady) {
  Pair pair;
  EXPECT_EQ(*Wait(pair.ours, kReadable, 0), kNone);
  EXPECT_EQ(*Wait(pair.ours, kWritable, 0), kWritable);
  pair.theirs.Write("x");
  EXPECT_EQ(*Wait(pair.ours, kReadable | kWritable, -1), kReadable | kWritable);
  pair.theirs.Close();
  EXPECT_EQ(*Wait(pair.ours, kReadable, 10), kReadable);
  const int number = pair.ours.get();
  pair.ours.Close();
  EXPECT_FALSE(Wait(number, kReadable, 0).ok());
}

TEST(WaitTest, SignalsDoNotShortenIt) {
  HostsHandler handler(SIGUSR1);
  Pair pair;
  MonotonicClock clock;
  std::atomic<bool> done{false};
  std::thread waiter([&] {
    const int64_t start_us = clock.NowUs();
    EXPECT_EQ(*Wait(pair.ours, kReadable, 20), kNone);
    EXPECT_GE(clock.NowUs() - start_us, 20'000);
    done = true;
  });
  while (!done) {
    pthread_kill(waiter.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  waiter.join();
}

}  // namespace
}  // namespace larder::ae
