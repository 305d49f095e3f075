// ae beside libuv, libevent and libev: the same work in turns, in nanoseconds of thread CPU. The ratio is to the
// fastest of the three others, median of the rounds' own.
//
//   ae_bench [ROUNDS [NAME]...]      by default 15, and all: "ae epoll", "libuv"...
//
//   chain M     1,000 socket pairs are watched, M bytes travel: who reads one writes it to the next pair, 20,000 times.
//               This is the bench that came with libevent. Per read, write included.
//   timers      100,000 added with delays of 1 to 20 ms in random order, every other one cancelled, the rest fired.
//   ping-pong   two threads wake each other in turns. CPU of both, per wake-up.
//   burst       a thread wakes another's loop a million times as fast as it can. CPU of both, per call.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/loops.h"
#include "tests/bench/measure.h"

namespace larder::bench {
namespace {

constexpr size_t kPairs = 1000;
constexpr int kWrites = 20'000;
constexpr size_t kTimers = 100'000;
constexpr int kHorizonMs = 20;
constexpr int kPings = 5'000;
constexpr int kWakes = 1'000'000;

// --- Chain ----------------------------------------------------------------------------------------------------------

struct Chain {
  struct Link {
    Chain* chain;
    size_t next;
  };
  std::vector<int> read_ends, write_ends;
  std::vector<Link> links;
  int writes_left = 0;
  int reads_left = 0;
  std::function<void()> stop;

  Chain() {
    for (size_t i = 0; i < kPairs; ++i) {
      int fds[2];
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) abort();
      // Those that are watched stay below FD_SETSIZE.
      read_ends.push_back(fds[0]);
      write_ends.push_back(fcntl(fds[1], F_DUPFD_CLOEXEC, 2048));
      close(fds[1]);
      links.push_back({this, (i + 1) % kPairs});
    }
  }
  ~Chain() {
    for (int fd : read_ends) close(fd);
    for (int fd : write_ends) close(fd);
  }

  static void OnReadable(int fd, void* data) {
    const Link& link = *static_cast<Link*>(data);
    Chain& chain = *link.chain;
    char byte;
    if (recv(fd, &byte, 1, 0) != 1) return;
    if (chain.writes_left > 0) {
      --chain.writes_left;
      (void)send(chain.write_ends[link.next], &byte, 1, MSG_NOSIGNAL);
    }
    if (--chain.reads_left == 0) chain.stop();
  }
};

template <class Loop>
double RunChain(Loop& loop, Chain& chain, size_t active) {
  for (size_t i = 0; i < kPairs; ++i) {
    if (!loop.template Watch<Chain::OnReadable>(chain.read_ends[i], &chain.links[i])) {
      loop.UnwatchAll();
      return 0;  // select: too many
    }
  }
  chain.stop = [&] { loop.Stop(); };
  chain.writes_left = kWrites;
  chain.reads_left = kWrites + static_cast<int>(active);
  const double reads = chain.reads_left;
  for (size_t i = 0; i < active; ++i) (void)send(chain.write_ends[i * (kPairs / active)], "x", 1, MSG_NOSIGNAL);
  const int64_t start = ThreadCpuNs();
  loop.Run();
  const double ns = static_cast<double>(ThreadCpuNs() - start) / reads;
  loop.UnwatchAll();
  return ns;
}

// --- Timers ---------------------------------------------------------------------------------------------------------

struct TimerRun {
  double add = 0, cancel = 0, fire = 0;  // ns each
};

struct Countdown {
  size_t left;
  std::function<void()> stop;
  static void OnFired(void* data) {
    Countdown& self = *static_cast<Countdown*>(data);
    if (--self.left == 0) self.stop();
  }
};

template <class Loop>
TimerRun RunTimers(Loop& loop) {
  Random random(7);
  std::vector<int> delays(kTimers);
  for (int& delay : delays) delay = 1 + static_cast<int>(random.Below(kHorizonMs));
  Countdown countdown{kTimers / 2, [&] { loop.Stop(); }};
  loop.ReserveTimers(kTimers);
  // Once for nothing: memory that is there already is what a server lives in.
  for (size_t i = 0; i < kTimers; ++i) loop.template AddTimer<Countdown::OnFired>(i, 1000, &countdown);
  for (size_t i = 0; i < kTimers; ++i) loop.CancelTimer(i);
  loop.UpdateTime();
  TimerRun run;
  int64_t start = ThreadCpuNs();
  for (size_t i = 0; i < kTimers; ++i) loop.template AddTimer<Countdown::OnFired>(i, delays[i], &countdown);
  run.add = static_cast<double>(ThreadCpuNs() - start) / kTimers;
  start = ThreadCpuNs();
  for (size_t i = 0; i < kTimers; i += 2) loop.CancelTimer(i);
  run.cancel = static_cast<double>(ThreadCpuNs() - start) / (kTimers / 2);
  start = ThreadCpuNs();
  loop.Run();
  run.fire = static_cast<double>(ThreadCpuNs() - start) / (kTimers / 2);
  return run;
}

// --- Wake-ups -------------------------------------------------------------------------------------------------------

// One side of a ping-pong. Wake-ups may be spurious, so each hands over a number.
template <class Loop>
struct Side {
  Loop* loop;
  Side* other = nullptr;
  std::atomic<int> mail{0};  // what the other has sent
  int seen = 0;
  int64_t cpu_ns = 0;
  static void OnWoken(void* data) {
    Side& self = *static_cast<Side*>(data);
    const int got = self.mail.load(std::memory_order_acquire);
    if (got == self.seen) return;
    self.seen = got;
    if (got <= kPings) {
      self.other->mail.store(got + 1, std::memory_order_release);
      self.other->loop->Wake();
    }
    if (got >= kPings) self.loop->Stop();
  }
  void Run() {
    const int64_t start = ThreadCpuNs();
    loop->Run();
    cpu_ns = ThreadCpuNs() - start;
  }
};

template <class Loop>
double RunPingPong(Loop& a, Loop& b) {
  Side<Loop> ping{&a}, pong{&b};
  ping.other = &pong;
  pong.other = &ping;
  a.template OnWake<Side<Loop>::OnWoken>(&ping);
  b.template OnWake<Side<Loop>::OnWoken>(&pong);
  std::thread other([&] { pong.Run(); });
  ping.mail = 1;
  a.Wake();
  ping.Run();
  other.join();
  return static_cast<double>(ping.cpu_ns + pong.cpu_ns) / kPings;
}

template <class Loop>
struct Target {
  Loop* loop;
  std::atomic<int> sent{0};
  static void OnWoken(void* data) {
    Target& self = *static_cast<Target*>(data);
    if (self.sent.load(std::memory_order_acquire) == kWakes) self.loop->Stop();
  }
};

template <class Loop>
double RunBurst(Loop& loop) {
  Target<Loop> target{&loop};
  loop.template OnWake<Target<Loop>::OnWoken>(&target);
  int64_t loop_ns = 0;
  std::thread thread([&] {
    const int64_t start = ThreadCpuNs();
    loop.Run();
    loop_ns = ThreadCpuNs() - start;
  });
  const int64_t start = ThreadCpuNs();
  for (int i = 1; i <= kWakes; ++i) {
    target.sent.store(i, std::memory_order_release);
    loop.Wake();
  }
  const int64_t sender_ns = ThreadCpuNs() - start;
  thread.join();
  return static_cast<double>(sender_ns + loop_ns) / kWakes;
}

// --- The table ------------------------------------------------------------------------------------------------------

enum Row { kChain1, kChain10, kChain100, kAdd, kCancel, kFire, kTimersAll, kPingPong, kBurst, kRows };
constexpr const char* kRowNames[kRows] = {"chain 1",      "chain 10",   "chain 100",     "timer: add", "timer: cancel",
                                          "timer: fire", "timers, each", "ping-pong", "burst"};

// Loops of one kind, and what is measured with one made for it, each a step: its figures go into a round's rows.
struct Contender {
  using Step = std::function<void(std::vector<double>& figures, Chain&)>;
  std::string name;
  bool other;  // of those that ae is compared with
  std::vector<Step> steps;
  std::vector<std::vector<double>> rounds;  // [round][row], 0: cannot
};

template <class Make>
Contender Enter(std::string name, bool other, Make make) {
  Contender contender{std::move(name), other, {}, {}};
  for (const auto& [row, active] : {std::pair{kChain1, 1}, {kChain10, 10}, {kChain100, 100}}) {
    contender.steps.push_back([make, row = row, active = active](std::vector<double>& figures, Chain& chain) {
      figures[row] = RunChain(*make(false), chain, static_cast<size_t>(active));
    });
  }
  contender.steps.push_back([make](std::vector<double>& figures, Chain&) {
    const TimerRun timers = RunTimers(*make(false));
    figures[kAdd] = timers.add;
    figures[kCancel] = timers.cancel;
    figures[kFire] = timers.fire;
    figures[kTimersAll] = timers.add + timers.cancel / 2 + timers.fire / 2;
  });
  contender.steps.push_back([make](std::vector<double>& figures, Chain&) {
    auto a = make(true), b = make(true);
    figures[kPingPong] = RunPingPong(*a, *b);
  });
  contender.steps.push_back([make](std::vector<double>& figures, Chain&) { figures[kBurst] = RunBurst(*make(true)); });
  return contender;
}

std::vector<Contender> Contenders() {
  std::vector<Contender> all;
  // Those that this build lacks or the kernel refuses are left out.
  for (const char* poller : {"epoll", "poll", "select", "io_uring"}) {
    if (AeLoop::Make(poller) == nullptr) continue;
    all.push_back(Enter("ae " + std::string(poller), false, [=](bool) { return AeLoop::Make(poller); }));
  }
  all.push_back(Enter("libuv", true, [](bool) { return UvLoop::Make(); }));
  all.push_back(Enter("libevent", true, [](bool threads) { return EventLoop::Make(threads); }));
  all.push_back(Enter("libev", true, [](bool) { return EvLoop::Make(); }));
  return all;
}

double MedianOf(const Contender& contender, int row) {
  std::vector<double> values;
  for (const std::vector<double>& round : contender.rounds) values.push_back(round[static_cast<size_t>(row)]);
  return Median(values);
}

// Of `contender` over the fastest of the others by their medians, round by round. (The fastest of each round would be
// the luckiest of three.)
double Ratio(const std::vector<Contender>& all, const Contender& contender, int row) {
  const Contender* fastest = nullptr;
  for (const Contender& other : all) {
    if (other.other && (fastest == nullptr || MedianOf(other, row) < MedianOf(*fastest, row))) fastest = &other;
  }
  if (fastest == nullptr) return 0;
  const auto at = static_cast<size_t>(row);
  std::vector<double> ratios;
  for (size_t i = 0; i < contender.rounds.size(); ++i) {
    ratios.push_back(contender.rounds[i][at] / fastest->rounds[i][at]);
  }
  return Median(ratios);
}

void Print(const std::vector<Contender>& all) {
  std::printf("%-14s", "ns of CPU");
  for (const Contender& contender : all) std::printf("%13s", contender.name.c_str());
  std::printf("   ratio to the fastest of the three:");
  for (const Contender& contender : all) {
    if (!contender.other) std::printf(" %11s", contender.name.c_str());
  }
  std::printf("\n");
  for (int row = 0; row < kRows; ++row) {
    std::printf("%-14s", kRowNames[row]);
    for (const Contender& contender : all) {
      const double ns = MedianOf(contender, row);
      ns > 0 ? std::printf("%13.1f", ns) : std::printf("%13s", "-");
    }
    std::printf("%37s", "");
    for (const Contender& contender : all) {
      if (contender.other) continue;
      const double ratio = Ratio(all, contender, row);
      ratio > 0 ? std::printf(" %11.2f", ratio) : std::printf(" %11s", "-");
    }
    std::printf("\n");
  }
}

int Main(int rounds, const std::vector<std::string>& names) {
  // libev's object holds functions of libevent's names too.
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&event_base_loop), &info) == 0 || strstr(info.dli_fname, "libevent") == nullptr) {
    std::fprintf(stderr, "ae_bench: libevent's functions come from %s\n", info.dli_fname);
    return 1;
  }
  Chain chain;  // watched by one loop at a time: a socket that two epolls watch costs both
  std::vector<Contender> all = Contenders();
  std::erase_if(all, [&](const Contender& c) {
    return !names.empty() && std::find(names.begin(), names.end(), c.name) == names.end();
  });
  if (all.empty()) return 1;
  for (Contender& contender : all) contender.rounds.assign(static_cast<size_t>(rounds), std::vector<double>(kRows));
  for (size_t round = 0; round < static_cast<size_t>(rounds); ++round) {
    for (size_t step = 0; step < all[0].steps.size(); ++step) {
      // Each begins as often as others: what runs after a sleep, or after a cold one, pays for it.
      for (size_t i = 0; i < all.size(); ++i) {
        Contender& contender = all[(i + round) % all.size()];
        contender.steps[step](contender.rounds[round], chain);
      }
    }
  }
  Print(all);
  return 0;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return larder::bench::Main(argc > 1 ? std::atoi(argv[1]) : 15, {argv + std::min(argc, 2), argv + argc});
}
