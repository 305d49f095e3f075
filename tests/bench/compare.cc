// Larder beside what a user could take instead, in one run: redis-server on the same machine, and a hash map behind a
// mutex in the same process. Ratios are Larder over the other: below 1, Larder needs less.
//
//   ./bazelw run -c opt //tests/bench:compare [-- [server] [memory] [inprocess]]
//
// Server CPU is the kernel's accounting of the server's process, over redis-benchmark's load; each figure is the median
// of several interleaved runs. Wall time on shared machines says little, so none is compared.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/bench/inprocess.h"
#include "tests/bench/processes.h"

namespace larder::bench {
namespace {

constexpr int kRuns = 5;
constexpr int kKeys = 100'000;
constexpr int kMemoryKeys = 1'000'000;

struct Peers {
  std::string redis = "redis-server";
  std::string larder;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct CpuPerOp {
  double total_ns = 0;
  double user_ns = 0;
};

CpuPerOp MeasureLoad(const Server& server, const std::string& test, int pipeline, int requests) {
  const Server::Cpu before = server.cpu();
  const int code = RunQuietly({"redis-benchmark", "-s", server.socket(), "-c", "50", "-d", "64", "-r",
                               std::to_string(kKeys), "-P", std::to_string(pipeline), "-n", std::to_string(requests),
                               "-t", test, "-q"});
  if (code != 0) {
    std::fprintf(stderr, "bench: redis-benchmark failed\n");
    std::exit(1);
  }
  const Server::Cpu after = server.cpu();
  return {(after.total() - before.total()) / requests, (after.user_ns - before.user_ns) / requests};
}

void FillKeys(const Server& server) {
  Loader loader(server.socket());
  char key[32];
  for (int i = 0; i < kKeys; ++i) {
    std::snprintf(key, sizeof(key), "key:%012d", i);
    loader.Add({"SET", key, std::string(64, 'x')});
  }
  loader.Flush();
}

void CompareServers(const Peers& peers) {
  Server redis(peers.redis);
  Server larder(peers.larder);
  FillKeys(redis);
  FillKeys(larder);
  std::printf("\nServer CPU per operation (50 clients, 64 B values, %d keys, unix socket; median of %d)\n", kKeys, kRuns);
  std::printf("| operation | redis-server ns (user) | larder-server ns (user) | ratio |\n|---|---|---|---|\n");
  for (const auto& [pipeline, requests] : {std::pair(1, 100'000), std::pair(32, 1'000'000)}) {
    for (const std::string test : {"get", "set"}) {
      std::vector<double> ours, ours_user, theirs, theirs_user;
      for (int run = 0; run < kRuns; ++run) {
        const CpuPerOp a = MeasureLoad(redis, test, pipeline, requests);
        const CpuPerOp b = MeasureLoad(larder, test, pipeline, requests);
        theirs.push_back(a.total_ns);
        theirs_user.push_back(a.user_ns);
        ours.push_back(b.total_ns);
        ours_user.push_back(b.user_ns);
      }
      std::printf("| %s, pipeline %d | %.0f (%.0f) | %.0f (%.0f) | %.2f |\n", test == "get" ? "GET" : "SET", pipeline,
                  Median(theirs), Median(theirs_user), Median(ours), Median(ours_user),
                  Median(ours) / Median(theirs));
      std::fflush(stdout);
    }
  }
}

double BytesPerKey(const std::string& program, size_t value_bytes, bool with_ttl) {
  Server server(program);
  const uint64_t before = server.rss_bytes();
  Loader loader(server.socket());
  char key[32];
  for (int i = 0; i < kMemoryKeys; ++i) {
    std::snprintf(key, sizeof(key), "key:%012d", i);  // 16 bytes
    if (with_ttl) {
      loader.Add({"SET", key, std::string(value_bytes, 'x'), "EX", "100000"});
    } else {
      loader.Add({"SET", key, std::string(value_bytes, 'x')});
    }
  }
  loader.Flush();
  return static_cast<double>(server.rss_bytes() - before) / kMemoryKeys;
}

void CompareMemory(const Peers& peers) {
  std::printf("\nBytes per key over key and value, by resident memory (%d keys of 16 B)\n", kMemoryKeys);
  std::printf("| value | redis-server | larder-server | ratio |\n|---|---|---|---|\n");
  for (const bool with_ttl : {false, true}) {
    for (const size_t bytes : {size_t{8}, size_t{64}}) {
      const double payload = 16 + static_cast<double>(bytes);
      const double theirs = BytesPerKey(peers.redis, bytes, with_ttl) - payload;
      const double ours = BytesPerKey(peers.larder, bytes, with_ttl) - payload;
      std::printf("| %zu B%s | %.1f | %.1f | %.2f |\n", bytes, with_ttl ? ", with a TTL" : "", theirs, ours,
                  ours / theirs);
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  larder::bench::Peers peers;
  if (const char* server = std::getenv("LARDER_SERVER")) {
    peers.larder = server;
  } else {
    // Beside this program among Bazel's outputs: .../tests/bench/compare and .../net/larder-server.
    const std::string self = argv[0];
    peers.larder = self.substr(0, self.rfind("tests/bench/")) + "net/larder-server";
  }
  std::vector<std::string> parts(argv + 1, argv + argc);
  if (parts.empty()) parts = {"server", "memory", "inprocess"};
  for (const std::string& part : parts) {
    if (part == "server") {
      larder::bench::CompareServers(peers);
    } else if (part == "memory") {
      larder::bench::CompareMemory(peers);
    } else if (part == "inprocess") {
      larder::bench::CompareInProcess();
    } else {
      std::fprintf(stderr, "compare: unknown part '%s': server, memory or inprocess\n", part.c_str());
      return 2;
    }
  }
  return 0;
}
