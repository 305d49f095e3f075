// What the engine is to reach, row by row, each beside its alternative and its target, in one run.
//
//   ./bazelw run -c opt //tests/bench:reach [-- part...]     parts: memory hot cold threads growth server
//
// Ratio: Larder's figure over the alternative's. How figures are made of runs stands in measure.h. Wall time is
// compared only where the row asks for it (throughput of two threads), with the CPU time under it. Rows without a
// target are there to explain the one above. Takes some three minutes and 2 GB.
#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/inprocess.h"
#include "tests/bench/servers.h"
#include "tests/bench/table.h"

namespace larder::bench {
namespace {

void Memory(const Programs& programs) {
  struct Shape {
    size_t value_bytes;
    bool with_ttl;
    double target;
  };
  for (const Shape& shape : {Shape{8, false, 24}, Shape{64, false, 24}, Shape{64, true, 32}}) {
    const std::string what = "bytes over key + value, 1 M keys, " + std::to_string(shape.value_bytes) + " B values" +
                             (shape.with_ttl ? " with TTL" : "");
    const double redis = ServerBytesOverPayload(programs.redis, shape.value_bytes, shape.with_ttl);
    const double server = ServerBytesOverPayload(programs.larder, shape.value_bytes, shape.with_ttl);
    Row(what + ", server", "redis-server", {redis, server, server / redis}, "B", FigureAtMost(shape.target));
    const double map = BytesOverPayload(Holder::kMap, shape.value_bytes, shape.with_ttl);
    const double inside = BytesOverPayload(Holder::kLarder, shape.value_bytes, shape.with_ttl);
    Row(what + ", in process", "flat_hash_map", {map, inside, inside / map}, "B", FigureAtMost(shape.target));
  }
}

void Hot() {
  for (const size_t bytes : {size_t{8}, size_t{64}}) {
    Row("CPU of a GET, 1 k keys, " + std::to_string(bytes) + " B", "bare flat_hash_map", GetHot(bytes), "ns",
        RatioAtMost(1.5));
  }
}

void AllCold() {
  const Cold cold = GetCold(64);
  Row("CPU of a GET, 1 M keys at random, 64 B", "flat_hash_map + mutex", cold.one_by_one, "ns", RatioAtMost(0.6));
  Row("the same, Larder by MGet of 16", "flat_hash_map + mutex, one by one", cold.batches_of_16, "ns",
      RatioAtMost(0.3));
}

void Threads() {
  const auto in_millions = [](Compared c) { return Compared{c.theirs / 1e6, c.ours / 1e6, c.ratio}; };
  const Mixed mixed = GetAndSet(2, 10);
  Row("2 threads, GET/SET 90/10, 1 k keys, throughput by wall", "flat_hash_map + mutex",
      in_millions(mixed.ops_per_second), "M/s", RatioAtLeast(1.3));
  Row("their CPU per operation", "flat_hash_map + mutex", mixed.cpu_ns, "ns", kNoTarget);
}

void AllGrowth() {
  constexpr size_t kKeys = 10'000'000;
  const Growth map = Grow(Holder::kMap, kKeys, 64);
  const Growth ours = Grow(Holder::kLarder, kKeys, 64);
  const auto row = [](const char* what, uint64_t theirs, uint64_t mine, Target target) {
    Compared figures = {static_cast<double>(theirs) / 1e3, static_cast<double>(mine) / 1e3, 0};
    figures.ratio = figures.ours / figures.theirs;
    Row(what, "flat_hash_map + mutex", figures, "us", target);
  };
  row("thread CPU of a SET, 0 to 10 M keys, p99.99", map.cpu.p9999_ns, ours.cpu.p9999_ns, FigureAtMost(100));
  row("the same, p50", map.cpu.p50_ns, ours.cpu.p50_ns, kNoTarget);
  row("the same, p99", map.cpu.p99_ns, ours.cpu.p99_ns, kNoTarget);
  row("the same, max", map.cpu.max_ns, ours.cpu.max_ns, kNoTarget);
  row("wall time of the same, p99.99", map.wall.p9999_ns, ours.wall.p9999_ns, kNoTarget);
  row("wall time of the same, max", map.wall.max_ns, ours.wall.max_ns, kNoTarget);
  std::printf("(Each of these CPU figures has %.2f us of reading the clock in it.)\n",
              static_cast<double>(ours.clock_ns) / 1e3);
}

void AllServer(const Programs& programs) {
  ServerPair servers(programs);
  for (const bool set : {false, true}) {
    const ServerPair::Cpu cpu = servers.Measure(set ? "set" : "get", 32);
    Row(std::string("server CPU of a ") + (set ? "SET" : "GET") + ", pipeline 32", "redis-server", cpu.total, "ns",
        RatioAtMost(0.5));
  }
}

}  // namespace

int Main(int argc, char** argv) {
  const Programs programs = FindPrograms(argv[0]);
  std::vector<std::string> parts(argv + 1, argv + argc);
  if (parts.empty()) parts = {"memory", "hot", "cold", "threads", "growth", "server"};
  Heading();
  for (const std::string& part : parts) {
    if (part == "memory") {
      Memory(programs);
    } else if (part == "hot") {
      Hot();
    } else if (part == "cold") {
      AllCold();
    } else if (part == "threads") {
      Threads();
    } else if (part == "growth") {
      AllGrowth();
    } else if (part == "server") {
      AllServer(programs);
    } else {
      std::fprintf(stderr, "reach: unknown part '%s': memory, hot, cold, threads, growth or server\n", part.c_str());
      return 2;
    }
  }
  return 0;
}

}  // namespace larder::bench

int main(int argc, char** argv) { return larder::bench::Main(argc, argv); }
