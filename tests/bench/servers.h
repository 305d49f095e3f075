// larder-server beside redis-server: CPU by the kernel's accounting, and resident memory.
#ifndef LARDER_TESTS_BENCH_SERVERS_H_
#define LARDER_TESTS_BENCH_SERVERS_H_

#include <cstddef>
#include <functional>
#include <string>

#include "tests/bench/measure.h"
#include "tests/bench/processes.h"

namespace larder::bench {

struct Programs {
  std::string redis;
  std::string larder;
};
// redis-server from the path; larder-server from the environment's LARDER_SERVER, or beside this program (whose argv[0]
// is `self`) among Bazel's outputs.
Programs FindPrograms(const std::string& self);

// Both servers, with 100,000 keys of 64 B, under redis-benchmark: 50 clients on a unix socket.
class ServerPair {
 public:
  static constexpr int kKeys = 100'000;
  explicit ServerPair(const Programs& programs);

  // CPU of the server, ns for one operation, medians of 5 rounds. `test` is redis-benchmark's name: "get", "set".
  struct Cpu {
    Compared total;
    Compared user;
  };
  Cpu Measure(const std::string& test, int pipeline);

 private:
  Server redis_;
  Server larder_;
};

// Resident bytes that a key takes over key and value: 1 M keys of 16 B in a new server.
double ServerBytesOverPayload(const std::string& program, size_t value_bytes, bool with_ttl);

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_SERVERS_H_
