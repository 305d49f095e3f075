// How a poller is chosen, and the wait that needs none.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <iterator>
#include <thread>

#include "gmock/gmock.h"
#include "tests/net/ae/contract_testing.h"

namespace larder::ae {
namespace {

using ::testing::HasSubstr;

TEST(PollerTest, AnUnknownNameIsAnErrorThatListsTheKnown) {
  const absl::Status status = MakePoller("iocp", MorePollers()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'iocp': there are epoll poll select io_uring"));
}

TEST(PollerTest, AnOptionalOneIsUnknownToAProgramWithoutIt) {
  EXPECT_EQ(MakePoller("io_uring").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PollerTest, TheBestIsTakenUnlessOneIsNamed) {
  base::Buffer passed_over;
  absl::StatusOr<std::unique_ptr<Poller>> poller = MakePoller("", MorePollers(), &passed_over);
  ASSERT_TRUE(poller.ok());
  EXPECT_EQ((*poller)->Name(), "epoll");
  EXPECT_EQ(passed_over.view(), "");
  EXPECT_EQ((*MakePoller("poll", MorePollers()))->Name(), "poll");
}

// A filter binds the thread that installs it and nobody else.
void ForbidSystemCall(uint32_t number, int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0) << errno;
}

// What containers and kernel.io_uring_disabled do: the call fails with EPERM.
TEST(PollerTest, WhereIoUringIsForbiddenTheNextBestIsTakenAndTheReasonTold) {
  std::thread([] {
    ForbidSystemCall(SYS_io_uring_setup, EPERM);
    LoopOptions options;
    options.api = "io_uring";
    options.more_pollers = MorePollers();
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(options);
    ASSERT_TRUE(loop.ok()) << loop.status();
    EXPECT_EQ((*loop)->ApiName(), "epoll");
    EXPECT_EQ((*loop)->passed_over(), "io_uring: io_uring_setup: Operation not permitted\n");
    EXPECT_EQ((*loop)->Poll(0), 0);
  }).join();
}

TEST(PollerTest, WhereEpollIsForbiddenTooPollIsTaken) {
  std::thread([] {
    ForbidSystemCall(SYS_io_uring_setup, EPERM);
    ForbidSystemCall(SYS_epoll_create1, ENOSYS);
    base::Buffer passed_over;
    absl::StatusOr<std::unique_ptr<Poller>> poller = MakePoller("io_uring", MorePollers(), &passed_over);
    ASSERT_TRUE(poller.ok()) << poller.status();
    EXPECT_EQ((*poller)->Name(), "poll");
    EXPECT_EQ(passed_over.view(),
              "io_uring: io_uring_setup: Operation not permitted\n"
              "epoll: epoll_create1: Function not implemented\n");
  }).join();
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
