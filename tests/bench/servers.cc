#include "tests/bench/servers.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace larder::bench {
namespace {

constexpr int kRounds = 5;
constexpr int kMemoryKeys = 1'000'000;

Server::Cpu MeasureLoad(const Server& server, const std::string& test, int pipeline, int requests) {
  const Server::Cpu before = server.cpu();
  const int code = RunQuietly({"redis-benchmark", "-s", server.socket(), "-c", "50", "-d", "64", "-r",
                               std::to_string(ServerPair::kKeys), "-P", std::to_string(pipeline), "-n",
                               std::to_string(requests), "-t", test, "-q"});
  if (code != 0) {
    std::fprintf(stderr, "bench: redis-benchmark failed\n");
    std::exit(1);
  }
  const Server::Cpu after = server.cpu();
  return {(after.total_ns - before.total_ns) / requests, (after.user_ns - before.user_ns) / requests};
}

void FillKeys(const Server& server, int keys, size_t value_bytes, bool with_ttl) {
  Loader loader(server.socket());
  const std::string value(value_bytes, 'x');
  for (int i = 0; i < keys; ++i) {
    const Key key(static_cast<uint64_t>(i));
    const std::string name(key.text.data(), Key::kBytes);
    if (with_ttl) {
      loader.Add({"SET", name, value, "EX", "100000"});
    } else {
      loader.Add({"SET", name, value});
    }
  }
  loader.Flush();
}

}  // namespace

Programs FindPrograms(const std::string& self) {
  Programs programs;
  programs.redis = "redis-server";
  if (const char* server = std::getenv("LARDER_SERVER")) {
    programs.larder = server;
  } else {
    // .../tests/bench/reach and .../net/larder-server.
    programs.larder = self.substr(0, self.rfind("tests/bench/")) + "net/larder-server";
  }
  return programs;
}

ServerPair::ServerPair(const Programs& programs) : redis_(programs.redis), larder_(programs.larder) {
  FillKeys(redis_, kKeys, 64, false);
  FillKeys(larder_, kKeys, 64, false);
}

ServerPair::Cpu ServerPair::Measure(const std::string& test, int pipeline) {
  const int requests = pipeline == 1 ? 100'000 : 1'000'000;
  Rounds total, user;
  for (int i = 0; i < kRounds; ++i) {
    const Server::Cpu a = MeasureLoad(redis_, test, pipeline, requests);
    const Server::Cpu b = MeasureLoad(larder_, test, pipeline, requests);
    total.Add(a.total_ns, b.total_ns);
    user.Add(a.user_ns, b.user_ns);
  }
  return {total.Result(), user.Result()};
}

double ServerBytesOverPayload(const std::string& program, size_t value_bytes, bool with_ttl) {
  Server server(program);
  const uint64_t before = ResidentBytes(server.pid());
  FillKeys(server, kMemoryKeys, value_bytes, with_ttl);
  const auto grown = static_cast<double>(ResidentBytes(server.pid()) - before);
  return grown / kMemoryKeys - static_cast<double>(Key::kBytes + value_bytes);
}

}  // namespace larder::bench
