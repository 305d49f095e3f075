// What the listener is to reach, row by row, beside redis-server and with its target, in one run.
//
//   ./bazelw run -c opt //tests/bench:net_reach [-- part...]     parts: pipeline large fair idle tls
//
// Both servers run as programs of their own on loopback TCP; their CPU is the kernel's accounting of all their threads.
// Load: redis-benchmark with 50 clients (for `tls` by TLS 1.3, with a certificate that the openssl program makes), but
// for `fair` and `idle`, whose clients are here. LARDER_ARGS adds arguments for larder-server:
// LARDER_ARGS="--ae-api io_uring". Takes some five minutes.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/processes.h"
#include "tests/bench/servers.h"
#include "tests/bench/table.h"

namespace larder::bench {
namespace {

constexpr int kKeys = 100'000;
constexpr int kIdleClients = 10'000;

[[noreturn]] void Die(const std::string& message) {
  std::fprintf(stderr, "net_reach: %s\n", message.c_str());
  std::exit(1);
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    Die("no free port");
  }
  close(fd);
  return ntohs(address.sin_port);
}

int ConnectTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) Die("cannot connect");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

// Sends `text` and reads `bytes` of replies.
void Exchange(int fd, const std::string& text, size_t bytes) {
  static thread_local char room[64 * 1024];
  size_t sent = 0;
  size_t received = 0;
  while (sent < text.size() || received < bytes) {
    if (sent < text.size()) {
      const ssize_t n = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) Die("a server closed a connection");
      sent += static_cast<size_t>(n);
      if (sent < text.size()) continue;
    }
    const ssize_t n = recv(fd, room, sizeof(room), 0);
    if (n <= 0) Die("a server closed a connection");
    received += static_cast<size_t>(n);
  }
}

std::vector<std::string> Words(const char* text) {
  std::vector<std::string> words;
  std::istringstream in(text != nullptr ? text : "");
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

struct TcpServer {
  TcpServer(const std::string& program, std::vector<std::string> extra)
      : port(FreePort()), server(program, Arguments(port, std::move(extra))) {}
  static std::vector<std::string> Arguments(int port, std::vector<std::string> extra) {
    extra.insert(extra.end(), {"--port", std::to_string(port), "--maxclients", "20000"});
    return extra;
  }
  int port;
  Server server;
};

struct Pair {
  explicit Pair(const Programs& programs)
      : redis(programs.redis, {}), larder(programs.larder, Words(std::getenv("LARDER_ARGS"))) {}
  TcpServer redis;
  TcpServer larder;
};

// CPU ns of the server for each request of a redis-benchmark run.
double CpuOf(const TcpServer& server, int requests, std::vector<std::string> load) {
  std::vector<std::string> argv = {"redis-benchmark", "-p", std::to_string(server.port), "-c", "50", "-n",
                                   std::to_string(requests), "-q"};
  argv.insert(argv.end(), load.begin(), load.end());
  const Server::Cpu before = server.server.cpu();
  if (RunQuietly(argv) != 0) Die("redis-benchmark failed");
  return (server.server.cpu().total_ns - before.total_ns) / requests;
}

Compared Cpu(const Pair& pair, int rounds, int requests, const std::vector<std::string>& load) {
  return TakeTurns(
      rounds, [&] { return CpuOf(pair.redis, requests, load); }, [&] { return CpuOf(pair.larder, requests, load); });
}

void Fill(const Pair& pair, size_t value_bytes, int keys) {
  for (const TcpServer* server : {&pair.redis, &pair.larder}) {
    Loader loader(server->server.socket());
    const std::string value(value_bytes, 'x');
    for (int i = 0; i < keys; ++i) {
      const Key key(static_cast<uint64_t>(i));
      loader.Add({"SET", std::string(key.text.data(), Key::kBytes), value});
    }
    loader.Flush();
  }
}

void Pipelines(const Pair& pair) {
  Fill(pair, 64, kKeys);
  const bool uring = std::getenv("LARDER_ARGS") != nullptr && std::strstr(std::getenv("LARDER_ARGS"), "io_uring");
  for (const std::string test : {"get", "set"}) {
    for (const int depth : {32, 1}) {
      const std::vector<std::string> load = {"-t", test, "-d", "64", "-r", std::to_string(kKeys), "-P",
                                             std::to_string(depth)};
      Row("server CPU of a " + test + ", pipeline " + std::to_string(depth), "redis-server",
          Cpu(pair, 5, depth == 1 ? 100'000 : 1'000'000, load), "ns",
          RatioAtMost(depth == 32 ? 0.35 : uring ? 0.70 : 0.80));
    }
  }
}

void Large(const Pair& pair) {
  Fill(pair, 64, kKeys);
  std::vector<std::string> mget = {"-r", std::to_string(kKeys), "mget"};
  for (int i = 0; i < 100; ++i) mget.push_back("key:__rand_int__");
  Row("server CPU of an MGET of 100", "redis-server", Cpu(pair, 5, 20'000, mget), "ns", RatioAtMost(0.8));
  struct Size {
    const char* name;
    int bytes;
    int keys;
    int requests;
  };
  for (const Size& size : {Size{"16 KB", 16 * 1024, 1000, 50'000}, Size{"1 MB", 1024 * 1024, 50, 2000}}) {
    for (const std::string test : {"set", "get"}) {  // set first: it makes the keys that get reads
      const std::vector<std::string> load = {"-t", test, "-d", std::to_string(size.bytes), "-r",
                                             std::to_string(size.keys)};
      Row("server CPU of a " + test + " of " + size.name, "redis-server", Cpu(pair, 3, size.requests, load), "ns",
          RatioAtMost(0.8));
    }
  }
}

const std::string kGet = "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000042\r\n";
constexpr size_t kGetReplyBytes = 5 + 64 + 2;

// p99 in us of a client that waits for each answer.
double TailOfOne(int port, int requests) {
  const int fd = ConnectTo(port);
  Histogram times;
  for (int i = 0; i < requests; ++i) {
    const int64_t start = WallNs();
    Exchange(fd, kGet, kGetReplyBytes);
    times.Add(WallNs() - start);
  }
  close(fd);
  return static_cast<double>(times.Percentile(0.99)) / 1e3;
}

double TailBesideDeep(int port, int requests) {
  std::string deep;
  constexpr int kDepth = 1000;
  for (int i = 0; i < kDepth; ++i) deep += kGet;
  std::atomic<bool> stop{false};
  std::thread greedy([&] {
    const int fd = ConnectTo(port);
    while (!stop.load()) Exchange(fd, deep, kDepth * kGetReplyBytes);
    close(fd);
  });
  const double p99 = TailOfOne(port, requests);
  stop.store(true);
  greedy.join();
  return p99;
}

void Fairness(const Pair& pair) {
  Fill(pair, 64, 100);
  constexpr int kRequests = 10'000;
  for (const TcpServer* server : {&pair.redis, &pair.larder}) {
    const Compared tails = TakeTurns(
        7, [&] { return TailOfOne(server->port, kRequests); }, [&] { return TailBesideDeep(server->port, kRequests); });
    const bool ours = server == &pair.larder;
    const bool met = tails.ratio <= 2 || tails.ours - tails.theirs <= 200;
    std::printf(
        "| p99 at pipeline 1, %s: alone, beside a client 1,000 deep | alone: %.1f us | %.1f us | %.2f | %s | %s |\n",
        ours ? "Larder" : "redis-server", tails.theirs, tails.ours, tails.ratio, ours ? "<= 2, or 200 us more" : "",
        ours ? (met ? "yes" : "NO") : "");
    std::fflush(stdout);
  }
}

class Idle {
 public:
  explicit Idle(int port) {
    for (int i = 0; i < kIdleClients; ++i) {
      fds_.push_back(ConnectTo(port));
      Exchange(fds_.back(), "*1\r\n$4\r\nPING\r\n", 7);
    }
  }
  ~Idle() {
    for (const int fd : fds_) close(fd);
  }
  Idle(const Idle&) = delete;
  Idle& operator=(const Idle&) = delete;

 private:
  std::vector<int> fds_;
};

void IdleClients(const Pair& pair) {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kIdleClients + 1000);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < kIdleClients + 100) Die("too few descriptors allowed");
  Fill(pair, 64, kKeys);
  const std::vector<std::string> load = {"-t", "get", "-d", "64", "-r", std::to_string(kKeys)};
  Compared memory;
  for (const TcpServer* server : {&pair.redis, &pair.larder}) {
    CpuOf(*server, 100'000, load);  // what serving takes at all has been touched
    const uint64_t before = ResidentBytes(server->server.pid());
    double grown = 0;
    const Compared cpu = TakeTurns(
        5, [&] { return CpuOf(*server, 100'000, load); },
        [&] {
          const Idle idle(server->port);
          if (grown == 0) grown = static_cast<double>(ResidentBytes(server->server.pid()) - before);
          return CpuOf(*server, 100'000, load);
        });
    const bool ours = server == &pair.larder;
    (ours ? memory.ours : memory.theirs) = grown / kIdleClients;
    Row(std::string("server CPU of a get, ") + (ours ? "Larder" : "redis-server") + ", beside 10,000 idle clients",
        "without them", cpu, "ns", ours ? RatioAtMost(1.05) : kNoTarget);
  }
  memory.ratio = memory.ours / memory.theirs;
  Row("resident bytes of an idle client", "redis-server", memory, "B", FigureAtMost(1024));
}

// ca.crt, and server.crt and server.key by it: a key on P-256, as authorities give them out today.
class Certificate {
 public:
  Certificate() {
    char folder[] = "/tmp/net_reach.XXXXXX";
    if (mkdtemp(folder) == nullptr) Die("no folder for certificates");
    folder_ = folder;
    for (const std::string name : {"ca", "server"}) {
      OpenSsl({"ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder_ + "/" + name + ".key"});
    }
    OpenSsl({"req", "-x509", "-new", "-key", folder_ + "/ca.key", "-subj", "/CN=ca", "-out", folder_ + "/ca.crt"});
    OpenSsl({"req", "-new", "-key", folder_ + "/server.key", "-subj", "/CN=server", "-out", folder_ + "/server.csr"});
    OpenSsl({"x509", "-req", "-in", folder_ + "/server.csr", "-CA", folder_ + "/ca.crt", "-CAkey", folder_ + "/ca.key",
             "-set_serial", "1", "-out", folder_ + "/server.crt"});
  }
  ~Certificate() { std::filesystem::remove_all(folder_); }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  std::string authority() const { return folder_ + "/ca.crt"; }
  std::vector<std::string> Directives(int port) const {
    return {"tls-port", std::to_string(port), "tls-cert-file", folder_ + "/server.crt", "tls-key-file",
            folder_ + "/server.key", "tls-auth-clients", "no", "tls-protocols", "TLSv1.3"};
  }

 private:
  static void OpenSsl(std::vector<std::string> argv) {
    argv.insert(argv.begin(), "openssl");
    if (RunQuietly(argv) != 0) Die("the openssl program failed");
  }
  std::string folder_;
};

void OverTls(const Pair& pair) {
  Fill(pair, 64, kKeys);
  const Certificate certificate;
  const int ports[] = {FreePort(), FreePort()};
  const auto set = [&](const TcpServer& server, int port) {
    std::vector<std::string> argv = {"redis-cli", "-p", std::to_string(server.port), "config", "set"};
    const std::vector<std::string> pairs = certificate.Directives(port);
    argv.insert(argv.end(), pairs.begin(), pairs.end());
    if (RunQuietly(argv) != 0) Die("redis-cli failed");
  };
  set(pair.redis, ports[0]);
  set(pair.larder, ports[1]);
  const auto compared = [&](int rounds, int requests, std::vector<std::string> load) {
    load.insert(load.end(), {"--tls", "--cacert", certificate.authority(), "-d", "64", "-r", std::to_string(kKeys)});
    const auto cpu = [&](const TcpServer& server, int port) {
      std::vector<std::string> mine = load;  // of two ports, redis-benchmark takes the last
      mine.insert(mine.end(), {"-p", std::to_string(port)});
      return CpuOf(server, requests, mine);
    };
    return TakeTurns(
        rounds, [&] { return cpu(pair.redis, ports[0]); }, [&] { return cpu(pair.larder, ports[1]); });
  };
  for (const std::string test : {"get", "set"}) {
    for (const int depth : {32, 1}) {
      // Enough of them that 50 handshakes are some 2 % at most.
      Row("server CPU of a " + test + " over TLS 1.3, pipeline " + std::to_string(depth), "redis-server",
          compared(5, depth == 1 ? 200'000 : 1'000'000, {"-t", test, "-P", std::to_string(depth)}), "ns", kNoTarget);
    }
  }
  Row("server CPU of a connection by TLS 1.3 with one PING", "redis-server",
      compared(5, 2000, {"-t", "ping_mbulk", "-k", "0"}), "ns", kNoTarget);
}

int Main(int argc, char** argv) {
  const Programs programs = FindPrograms(argv[0]);
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  const auto want = [&](const char* part) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), part) != wanted.end();
  };
  Heading();
  struct Part {
    const char* name;
    void (*run)(const Pair& pair);
  };
  for (const Part& part : {Part{"pipeline", Pipelines}, Part{"large", Large}, Part{"fair", Fairness},
                          Part{"idle", IdleClients}, Part{"tls", OverTls}}) {
    if (!want(part.name)) continue;
    const Pair pair(programs);  // new servers each
    part.run(pair);
  }
  return 0;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) { return larder::bench::Main(argc, argv); }
