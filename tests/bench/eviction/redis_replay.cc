#include "tests/bench/eviction/redis_replay.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "tests/bench/processes.h"

namespace larder::bench::eviction {
namespace {

// Time passes between batches: a tenth of a simulated second.
constexpr size_t kBatch = 100;
// Requests sent at once. So few that the server's buffer for them does not grow and shrink: it counts against
// maxmemory.
constexpr size_t kPipeline = 50;
constexpr int kCorrections = 2;
constexpr char kScript[] =
    "if redis.call('GET',KEYS[1]) then return 1 end redis.call('SET',KEYS[1],string.rep('x',ARGV[1])) return 0";
constexpr char kExpiringScript[] =
    "if redis.call('GET',KEYS[1]) then return 1 end redis.call('SET',KEYS[1],string.rep('x',ARGV[1]),'PX',ARGV[2]) "
    "return 0";

[[noreturn]] void Die(const std::string& message) {
  std::fprintf(stderr, "simulate: %s\n", message.c_str());
  std::exit(1);
}

// The file that hand_set_clock.cc reads.
class HandSetClock {
 public:
  explicit HandSetClock(const std::string& library) {
    char path[] = "/tmp/larder-clock-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0 || ftruncate(fd, sizeof(int64_t)) != 0) Die("cannot make the clock's file");
    void* memory = mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED) Die("cannot map the clock's file");
    ms_ = static_cast<std::atomic<int64_t>*>(memory);
    path_ = path;
    Set(Trace::kStartMs);
    setenv("LARDER_HAND_SET_CLOCK", path, 1);
    setenv("LD_PRELOAD", library.c_str(), 1);
  }
  ~HandSetClock() {
    munmap(ms_, sizeof(int64_t));
    unlink(path_.c_str());
  }
  // The servers that are to have it have been started.
  void Started() { unsetenv("LD_PRELOAD"); }
  void Set(int64_t ms) { ms_->store(ms, std::memory_order_release); }

 private:
  std::string path_;
  std::atomic<int64_t>* ms_ = nullptr;
};

class Connection {
 public:
  explicit Connection(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) Die("cannot connect");
  }
  ~Connection() { close(fd_); }

  void Add(const std::vector<std::string_view>& argv) {
    pending_ += "*" + std::to_string(argv.size()) + "\r\n";
    for (const std::string_view arg : argv) {
      pending_ += "$" + std::to_string(arg.size()) + "\r\n";
      pending_ += arg;
      pending_ += "\r\n";
    }
  }
  void Send() {
    for (size_t sent = 0; sent < pending_.size();) {
      const ssize_t n = send(fd_, pending_.data() + sent, pending_.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) Die("the server hung up");
      sent += static_cast<size_t>(n);
    }
    pending_.clear();
  }
  // One line without its end. An error reply ends the program.
  std::string_view Line() {
    const size_t end = Fill([this] { return received_.find("\r\n", at_); });
    const std::string_view line = std::string_view(received_).substr(at_, end - at_);
    at_ = end + 2;
    if (!line.empty() && line[0] == '-') Die("the server says " + std::string(line));
    return line;
  }
  // A bulk string.
  std::string Bulk() {
    const size_t bytes = static_cast<size_t>(std::atoi(std::string(Line()).c_str() + 1));
    Fill([&] { return received_.size() >= at_ + bytes + 2 ? at_ : std::string::npos; });
    std::string bulk = received_.substr(at_, bytes);
    at_ += bytes + 2;
    return bulk;
  }
  std::string Ask(const std::vector<std::string_view>& argv) {
    Add(argv);
    Send();
    return Bulk();
  }

 private:
  // Receives until `found` finds a place.
  template <class Found>
  size_t Fill(Found found) {
    for (;;) {
      const size_t place = found();
      if (place != std::string::npos) return place;
      received_.erase(0, at_);
      at_ = 0;
      char chunk[65536];
      const ssize_t n = recv(fd_, chunk, sizeof(chunk), 0);
      if (n <= 0) Die("the server hung up");
      received_.append(chunk, static_cast<size_t>(n));
    }
  }

  int fd_;
  std::string pending_;
  std::string received_;
  size_t at_ = 0;
};

// A server, a connection to it, and the clock of both.
class Replay {
 public:
  Replay(const std::string& program, const std::string& clock_library, const Trace& trace,
         const std::vector<std::string>& arguments, bool expiring)
      : trace_(trace), ttl_ms_(std::to_string(Trace::kTtlMs)), clock_(clock_library),
        server_(program, WithHz(arguments)), connection_(server_.socket()) {
    clock_.Started();
    connection_.Add({"TIME"});
    connection_.Send();
    (void)connection_.Line();
    const std::string seconds = connection_.Bulk();
    (void)connection_.Bulk();
    if (std::atoll(seconds.c_str()) != Trace::kStartMs / 1000) Die(program + " does not follow the hand-set clock");
    sha_ = connection_.Ask({"SCRIPT", "LOAD", expiring ? kExpiringScript : kScript});
  }
  // A server looks at its signals when its timer fires, so its time has to go on.
  ~Replay() { clock_.Set(-Trace::NowMs(trace_.requests.size())); }

  // Asks for keys, and sets those that are not there; returns how many were.
  size_t Ask(std::span<const uint32_t> keys) {
    size_t hits = 0;
    for (; !keys.empty(); keys = keys.subspan(std::min(kPipeline, keys.size()))) {
      hits += AskAtOnce(keys.subspan(0, std::min(kPipeline, keys.size())));
    }
    return hits;
  }
  size_t AskAtOnce(std::span<const uint32_t> keys) {
    for (const uint32_t key : keys) {
      const auto name = KeyName(key);
      const std::string bytes = std::to_string(trace_.value_bytes[key]);
      connection_.Add({"EVALSHA", sha_, "1", {name.data(), name.size()}, bytes, ttl_ms_});
    }
    connection_.Send();
    size_t hits = 0;
    for (size_t i = 0; i < keys.size(); ++i) hits += connection_.Line() == ":1";
    return hits;
  }
  void Fill() { Ask(FirstKeys(trace_)); }
  // The trace's requests up to `to`, from where the last call ended; returns how many of them hit.
  size_t Run(size_t to) {
    size_t hits = 0;
    while (at_ < to) {
      if (at_ % kBatch == 0) clock_.Set(Trace::NowMs(at_));
      const size_t end = std::min(to, at_ - at_ % kBatch + kBatch);
      hits += Ask(std::span(trace_.requests).subspan(at_, end - at_));
      at_ = end;
    }
    return hits;
  }

  uint64_t used_memory() { return Info("memory", "used_memory:"); }
  uint64_t expired_keys() { return Info("stats", "expired_keys:"); }

  uint64_t payload() {
    connection_.Add({"KEYS", "*"});
    connection_.Send();
    uint64_t sum = 0;
    for (int left = std::atoi(std::string(connection_.Line()).c_str() + 1); left > 0; --left) {
      sum += trace_.payload(static_cast<uint32_t>(std::atoi(connection_.Bulk().c_str() + 4)));
    }
    return sum;
  }

 private:
  uint64_t Info(std::string_view section, const std::string& field) {
    const std::string info = connection_.Ask({"INFO", section});
    const size_t at = info.find("\n" + field);
    if (at == std::string::npos) Die("INFO without " + field);
    return static_cast<uint64_t>(std::atoll(info.c_str() + at + 1 + field.size()));
  }

  static std::vector<std::string> WithHz(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--hz", "1"});
    return arguments;
  }

  const Trace& trace_;
  const std::string ttl_ms_;
  HandSetClock clock_;
  Server server_;
  Connection connection_;
  std::string sha_;
  size_t at_ = 0;
};

std::vector<std::string> Limit(uint64_t maxmemory, const std::string& policy) {
  return {"--maxmemory", std::to_string(maxmemory), "--maxmemory-policy", policy};
}

}  // namespace

uint64_t CalibrateMaxmemory(const std::string& program, const std::string& clock_library, const Trace& trace,
                            bool expiring) {
  return FindMaxmemory(trace, kCorrections, [&](uint64_t maxmemory) {
    std::vector<std::string> limit;
    if (maxmemory != 0) limit = Limit(maxmemory, "allkeys-random");
    return std::make_unique<Replay>(program, clock_library, trace, limit, expiring);
  });
}

Replayed ReplayTo(const std::string& program, const std::string& clock_library, const Trace& trace,
                  const std::string& policy, uint64_t maxmemory) {
  const bool expiring = policy.substr(0, 9) == "volatile-";
  Replay replay(program, clock_library, trace, Limit(maxmemory, policy), expiring);
  replay.Run(trace.warmup);
  const size_t counted = trace.requests.size() - trace.warmup;
  size_t hits = 0;
  HeldMean held(trace);
  for (size_t part = 1; part <= kHeldParts; ++part) {
    hits += replay.Run(trace.warmup + counted * part / kHeldParts);
    held.Add(replay.payload());
  }
  if (replay.expired_keys() != 0) Die("keys expired");
  return {100.0 * static_cast<double>(hits) / static_cast<double>(counted), held.mean()};
}

}  // namespace larder::bench::eviction
