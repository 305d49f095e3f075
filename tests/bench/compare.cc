// Larder beside what a user could take instead, in one run: redis-server on the same machine, and a hash map behind a
// mutex in the same process. Prints the README's tables. Ratios are Larder over the other: below 1, Larder needs less.
//
//   ./bazelw run -c opt //tests/bench:compare [-- [server] [memory] [inprocess]]
//
// How figures are made of runs stands in measure.h. Wall time on shared machines says little, so none is compared.
#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/inprocess.h"
#include "tests/bench/servers.h"

namespace larder::bench {
namespace {

void CompareServers(const Programs& programs) {
  ServerPair servers(programs);
  std::printf(
      "\nServer CPU per operation in ns (of it in user code): 50 clients, 64 B values, %d keys, unix socket\n\n",
      ServerPair::kKeys);
  std::printf("| operation | redis-server | larder-server | ratio |\n|---|---|---|---|\n");
  for (const int pipeline : {1, 32}) {
    for (const bool set : {false, true}) {
      const ServerPair::Cpu cpu = servers.Measure(set ? "set" : "get", pipeline);
      std::printf("| %s, pipeline %d | %.0f (%.0f) | %.0f (%.0f) | %.2f |\n", set ? "SET" : "GET", pipeline,
                  cpu.total.theirs, cpu.user.theirs, cpu.total.ours, cpu.user.ours, cpu.total.ratio);
      std::fflush(stdout);
    }
  }
}

void CompareMemory(const Programs& programs) {
  std::printf("\nBytes per key over key and value, by resident memory: 1,000,000 keys of 16 B\n\n");
  std::printf("| value | redis-server | larder-server | ratio |\n|---|---|---|---|\n");
  for (const bool with_ttl : {false, true}) {
    for (const size_t bytes : {size_t{8}, size_t{64}}) {
      const double theirs = ServerBytesOverPayload(programs.redis, bytes, with_ttl);
      const double ours = ServerBytesOverPayload(programs.larder, bytes, with_ttl);
      std::printf("| %zu B%s | %.1f | %.1f | %.2f |\n", bytes, with_ttl ? ", with a TTL" : "", theirs, ours,
                  ours / theirs);
      std::fflush(stdout);
    }
  }
}

void PrintCpu(const char* operation, const Compared& cpu) {
  std::printf("| %s | %.0f | %.0f | %.2f |\n", operation, cpu.theirs, cpu.ours, cpu.ratio);
  std::fflush(stdout);
}

void CompareInProcess() {
  std::printf("\nIn process, CPU ns per operation: 16 B keys, 64 B values\n\n");
  std::printf("| operation | `absl::flat_hash_map` | Larder | ratio |\n|---|---|---|---|\n");
  PrintCpu("GET, 1 k keys, the bare map", GetHot(64));
  const Cold cold = GetCold(64);
  PrintCpu("GET, 1 M keys, the map behind a mutex", cold.one_by_one);
  PrintCpu("GET, 1 M keys, Larder in batches of 16", cold.batches_of_16);
  PrintCpu("SET, 1 k keys, the map behind a mutex", GetAndSet(1, 100).cpu_ns);
  PrintCpu("GET 90 %, SET 10 %, 1 k keys, two threads, the map behind a mutex", GetAndSet(2, 10).cpu_ns);
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  const larder::bench::Programs programs = larder::bench::FindPrograms(argv[0]);
  std::vector<std::string> parts(argv + 1, argv + argc);
  if (parts.empty()) parts = {"server", "memory", "inprocess"};
  for (const std::string& part : parts) {
    if (part == "server") {
      larder::bench::CompareServers(programs);
    } else if (part == "memory") {
      larder::bench::CompareMemory(programs);
    } else if (part == "inprocess") {
      larder::bench::CompareInProcess();
    } else {
      std::fprintf(stderr, "compare: unknown part '%s': server, memory or inprocess\n", part.c_str());
      return 2;
    }
  }
  return 0;
}
