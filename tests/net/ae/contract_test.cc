// The contract suite: file events.
#include <errno.h>
#include <netinet/in.h>
#include <sys/select.h>

#include <set>

#include "gmock/gmock.h"
#include "tests/net/ae/contract_testing.h"

namespace larder::ae {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

INSTANTIATE_TEST_SUITE_P(Pollers, ContractTest,
                         testing::ValuesIn(PollersUnderTest().begin(), PollersUnderTest().end()),
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

// As many as a busy server has, of which few are active: these, and no others, in every turn.
TEST_P(ContractTest, TheFewActiveOfTenThousandFire) {
  constexpr int kCount = 10'000;
  if (GetParam() == "select") return;  // its limit is tested above
  ASSERT_TRUE(RaiseDescriptorLimit(kCount + 100)) << "the hard limit (ulimit -Hn) is below ten thousand and a hundred";
  std::vector<Fd> fds;
  std::set<int> served;
  const auto serve = [](EventLoop&, int fd, void* data, int) {
    uint64_t value;
    EXPECT_EQ(read(fd, &value, sizeof(value)), static_cast<ssize_t>(sizeof(value)));
    static_cast<std::set<int>*>(data)->insert(fd);
  };
  for (int i = 0; i < kCount; ++i) {
    fds.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    ASSERT_GE(fds.back().get(), 0);
    ASSERT_TRUE(loop_->CreateFileEvent(fds.back(), kReadable, serve, &served).ok());
  }
  for (int round = 0; round < 20; ++round) {
    std::set<int> active;
    for (int i = round; i < kCount; i += 997) {
      const uint64_t one = 1;
      ASSERT_EQ(write(fds[static_cast<size_t>(i)], &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
      active.insert(fds[static_cast<size_t>(i)]);
    }
    served.clear();
    loop_->Poll(0);
    EXPECT_EQ(served, active);
  }
  // And all at once, more than one poll reports and than a ring holds.
  for (const Fd& fd : fds) {
    const uint64_t one = 1;
    ASSERT_EQ(write(fd, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  }
  served.clear();
  for (int turn = 0; turn < 20 && served.size() < fds.size(); ++turn) loop_->Poll(0);
  EXPECT_EQ(served.size(), fds.size());
  EXPECT_EQ(loop_->Poll(0), 0);
}

// A poller that keeps the file in hand would keep the peer waiting for its end.
TEST_P(ContractTest, WhatIsTakenOffAndClosedIsClosedForThePeer) {
  Pair outside, inside;
  Watcher a = Named("a"), b = Named("b");
  ASSERT_TRUE(Watch(outside.ours, kReadable, a).ok());
  ASSERT_TRUE(Watch(inside.ours, kReadable, b).ok());
  EXPECT_THAT(Turn(), IsEmpty());
  loop_->DeleteFileEvent(outside.ours, kReadable);
  outside.ours.Close();
  EXPECT_EQ(outside.theirs.Read(), "");

  b.fd = &inside.ours;
  b.act = [](EventLoop& loop, int fd, Watcher& self) {
    loop.DeleteFileEvent(fd, kReadable);
    self.fd->Close();
  };
  inside.theirs.Write("x");
  EXPECT_THAT(Turn(), ElementsAre("b:r"));
  EXPECT_THAT(Turn(), IsEmpty());
  // Unread bytes make the end of a unix socket a reset.
  char byte;
  EXPECT_LE(recv(inside.theirs, &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_NE(errno, EAGAIN);
}

TEST_P(ContractTest, AWatchMayBeWidenedAndNarrowedInEveryTurn) {
  Pair pair;
  Watcher a = Named("a");
  ASSERT_TRUE(Watch(pair.ours, kReadable, a).ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Turn(), IsEmpty());
    ASSERT_TRUE(Watch(pair.ours, kWritable, a).ok());
    EXPECT_THAT(Turn(), ElementsAre("a:w"));
    pair.theirs.Write("x");
    EXPECT_THAT(Turn(), ElementsAre("a:r", "a:w"));
    loop_->DeleteFileEvent(pair.ours, kWritable);
    EXPECT_THAT(Turn(), ElementsAre("a:r"));
    EXPECT_EQ(pair.ours.Read(), "x");
  }
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

}  // namespace
}  // namespace larder::ae
