// The I/O models side by side: one echo server for each, in a process of its own, whose CPU alone is counted. The table
// is explained in net/notes/io-models.md.
//
//   io_models [ROUNDS]      by default 5
//
// Every client is connected over TCP on this machine and has had an answer before anything is counted. At most 32 of
// them have a request under way at any time, of 16 bytes; whose turn it is, is random. So 5,000 clients are 32 busy
// ones and many idle ones, as servers know them, and what a model pays for idle ones is seen.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "net/ae/ae.h"
#include "tests/bench/measure.h"

namespace larder::bench {
namespace {

constexpr size_t kMessage = 16;
constexpr size_t kUnderWay = 32;
constexpr int64_t kRunNs = 300'000'000;
constexpr int kClients[] = {1, 100, 5000};

// What a server that cannot serve so many exits with.
constexpr int kCannot = 3;

// --- Servers: each takes `count` clients from the listening socket, and echoes until it is killed ---

int Accept(int listening) {
  const int fd = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) _exit(1);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

// Of a socket that has something to read. Messages are far smaller than a socket's buffers, and each client has but one
// under way: so what is read is a whole one, and there is room for it on the way back.
void Echo(int fd) {
  char message[kMessage];
  const ssize_t n = recv(fd, message, sizeof(message), 0);
  if (n > 0) (void)send(fd, message, static_cast<size_t>(n), MSG_NOSIGNAL);
}

// Blocking: a thread a client. The kernel's scheduler is the loop.
void ServeByThreads(int listening, int count) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  for (int i = 0; i < count; ++i) {
    const auto fd = static_cast<intptr_t>(Accept(listening));
    pthread_t thread;
    const auto serve = [](void* data) -> void* {
      for (;;) Echo(static_cast<int>(reinterpret_cast<intptr_t>(data)));
    };
    if (pthread_create(&thread, &attributes, serve, reinterpret_cast<void*>(fd)) != 0) _exit(kCannot);
  }
  for (;;) pause();
}

void ServeBySelect(int listening, int count) {
  fd_set watched;
  FD_ZERO(&watched);
  int highest = 0;
  for (int i = 0; i < count; ++i) {
    const int fd = Accept(listening);
    if (fd >= FD_SETSIZE) _exit(kCannot);
    FD_SET(fd, &watched);
    highest = std::max(highest, fd);
  }
  for (;;) {
    fd_set ready = watched;
    if (select(highest + 1, &ready, nullptr, nullptr, nullptr) < 0) _exit(1);
    for (int fd = 0; fd <= highest; ++fd) {
      if (FD_ISSET(fd, &ready)) Echo(fd);
    }
  }
}

void ServeByPoll(int listening, int count) {
  std::vector<pollfd> watched;
  for (int i = 0; i < count; ++i) watched.push_back({Accept(listening), POLLIN, 0});
  for (;;) {
    int ready = poll(watched.data(), watched.size(), -1);
    for (size_t i = 0; ready > 0 && i < watched.size(); ++i) {
      if (watched[i].revents == 0) continue;
      Echo(watched[i].fd);
      --ready;
    }
  }
}

void ServeByEpoll(int listening, int count) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < count; ++i) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = Accept(listening);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event) != 0) _exit(1);
  }
  epoll_event events[1024];
  for (;;) {
    const int ready = epoll_wait(epoll, events, 1024, -1);
    for (int i = 0; i < ready; ++i) Echo(events[i].data.fd);
  }
}

// Asynchronous: the kernel is handed the read itself, and tells when the bytes are there. Then it gets the answer and,
// to be begun after that, the next read: one system call submits these for all whose bytes have come, and waits for
// more.
void ServeByUring(int listening, int count) {
  struct Client {
    int fd;
    char message[kMessage];
  };
  std::vector<Client> clients(static_cast<size_t>(count));
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
  params.cq_entries = 16384;
  io_uring ring;
  if (io_uring_queue_init_params(8192, &ring, &params) != 0) _exit(kCannot);
  const auto receive = [&](Client& client) {
    io_uring_sqe* const sqe = io_uring_get_sqe(&ring);
    io_uring_prep_recv(sqe, client.fd, client.message, kMessage, 0);
    io_uring_sqe_set_data(sqe, &client);
  };
  for (Client& client : clients) {
    client.fd = Accept(listening);
    receive(client);
  }
  for (;;) {
    if (io_uring_submit_and_wait(&ring, 1) < 0) _exit(1);
    io_uring_cqe* cqe;
    unsigned head, seen = 0;
    io_uring_for_each_cqe(&ring, head, cqe) {
      ++seen;
      Client& client = *static_cast<Client*>(io_uring_cqe_get_data(cqe));
      if (cqe->res <= 0) continue;  // gone
      io_uring_sqe* const sqe = io_uring_get_sqe(&ring);
      io_uring_prep_send(sqe, client.fd, client.message, static_cast<size_t>(cqe->res), MSG_NOSIGNAL);
      io_uring_sqe_set_data(sqe, &client);
      sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
      receive(client);
    }
    io_uring_cq_advance(&ring, seen);
  }
}

// What the loop around epoll costs.
void ServeByAe(int listening, int count) {
  absl::StatusOr<std::unique_ptr<ae::EventLoop>> loop = ae::EventLoop::Create({});
  if (!loop.ok()) _exit(kCannot);
  for (int i = 0; i < count; ++i) {
    const auto echo = [](ae::EventLoop&, int fd, void*, int) { Echo(fd); };
    if (!(*loop)->CreateFileEvent(Accept(listening), ae::kReadable, echo, nullptr).ok()) _exit(1);
  }
  (void)(*loop)->Run();
}

struct Model {
  const char* name;
  void (*serve)(int listening, int count);
};
constexpr Model kModels[] = {
    {"blocking, a thread a client", ServeByThreads},
    {"select", ServeBySelect},
    {"poll", ServeByPoll},
    {"epoll", ServeByEpoll},
    {"ae over epoll", ServeByAe},
    {"io_uring, completions", ServeByUring},
};

// --- Clients ---------------------------------------------------------------------------------------------------------

struct Figures {
  double cpu_ns = 0;  // of the server, a request; 0: it cannot
  double rss_kb = 0;
};

// Connections to one server, on one thread of this process.
class Clients {
 public:
  // False if the server has gone away.
  bool Connect(const sockaddr_in& address, int count) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; ++i) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      fds_.push_back(fd);
      if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return false;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fd;
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return false;
    }
    for (int fd : fds_) {
      char message[kMessage] = {};
      if (send(fd, message, kMessage, MSG_NOSIGNAL) != kMessage) return false;
      if (recv(fd, message, kMessage, MSG_WAITALL) != kMessage) return false;
    }
    return true;
  }
  ~Clients() {
    for (int fd : fds_) close(fd);
    if (epoll_ >= 0) close(epoll_);
  }

  // Requests that were answered, until the time is over and none is under way.
  int64_t Run() {
    Random random(static_cast<uint64_t>(fds_.size()));
    std::vector<int> idle = fds_;
    const char message[kMessage] = {};
    size_t under_way = 0;
    int64_t answered = 0;
    const auto ask = [&] {
      const size_t i = random.Below(idle.size());
      const int fd = idle[i];
      idle[i] = idle.back();
      idle.pop_back();
      if (send(fd, message, kMessage, MSG_NOSIGNAL) == kMessage) ++under_way;
    };
    const int64_t end = WallNs() + kRunNs;
    while (under_way < kUnderWay && !idle.empty()) ask();
    while (under_way > 0) {
      epoll_event events[kUnderWay];
      const int ready = epoll_wait(epoll_, events, kUnderWay, 10'000);
      if (ready <= 0) return 0;
      char got[kMessage];
      for (int i = 0; i < ready; ++i) {
        if (recv(events[i].data.fd, got, kMessage, MSG_WAITALL) != kMessage) return 0;
        idle.push_back(events[i].data.fd);
        --under_way;
        ++answered;
      }
      if (WallNs() >= end) continue;
      while (under_way < kUnderWay && !idle.empty()) ask();
    }
    return answered;
  }

 private:
  int epoll_ = -1;
  std::vector<int> fds_;
};

double ResidentKb(pid_t pid) {
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/%d/statm", static_cast<int>(pid));
  long pages = 0;
  if (FILE* const file = std::fopen(path, "r")) {
    if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<double>(pages) * 4;
}

Figures Measure(const Model& model, int count) {
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listening, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listening, 4096) != 0 ||
      getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return {};
  }
  const pid_t server = fork();
  if (server == 0) {
    model.serve(listening, count);
    _exit(0);
  }
  close(listening);
  Figures figures;
  clockid_t cpu;
  Clients clients;
  if (server > 0 && clock_getcpuclockid(server, &cpu) == 0 && clients.Connect(address, count)) {
    const int64_t start = NowNs(cpu);
    const int64_t requests = clients.Run();
    if (requests > 0) figures.cpu_ns = static_cast<double>(NowNs(cpu) - start) / static_cast<double>(requests);
    figures.rss_kb = ResidentKb(server);
  }
  if (server > 0) {
    kill(server, SIGKILL);
    waitpid(server, nullptr, 0);
  }
  return figures;
}

int Main(int rounds) {
  std::vector<std::vector<double>> cpu(std::size(kModels) * std::size(kClients)), rss = cpu;
  for (int round = 0; round < rounds; ++round) {
    for (size_t c = 0; c < std::size(kClients); ++c) {
      for (size_t m = 0; m < std::size(kModels); ++m) {
        const Figures figures = Measure(kModels[m], kClients[c]);
        cpu[m * std::size(kClients) + c].push_back(figures.cpu_ns);
        rss[m * std::size(kClients) + c].push_back(figures.rss_kb);
      }
    }
  }
  std::printf("%-30s", "ns of server CPU a request");
  for (int count : kClients) std::printf("%8d clients", count);
  std::printf("    resident at %d\n", kClients[std::size(kClients) - 1]);
  for (size_t m = 0; m < std::size(kModels); ++m) {
    std::printf("%-30s", kModels[m].name);
    for (size_t c = 0; c < std::size(kClients); ++c) {
      const double ns = Median(cpu[m * std::size(kClients) + c]);
      // select: descriptors from FD_SETSIZE on.
      ns > 0 ? std::printf("%16.0f", ns) : std::printf("%16s", "cannot");
    }
    const double kb = Median(rss[m * std::size(kClients) + std::size(kClients) - 1]);
    kb > 0 ? std::printf("%15.1f MB\n", kb / 1024) : std::printf("%18s\n", "-");
  }
  std::printf("select cannot watch descriptors from FD_SETSIZE (%d) on.\n", FD_SETSIZE);
  return 0;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  return larder::bench::Main(argc > 1 ? std::atoi(argv[1]) : 5);
}
