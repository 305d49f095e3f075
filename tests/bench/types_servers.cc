// Commands of every type: larder-server beside redis-server, by the CPU that each server takes for one of them.
//
//   ./bazelw run -c opt //tests/bench:types_servers [-- part...]     parts: benchmark sorted others
//
// Load: redis-benchmark, 50 clients on a unix socket, pipelines of 32, elements and values of 64 B. A server's CPU is
// the kernel's accounting of all its threads, until it is quiet again: what a command leaves to the background is part
// of its price. What a row needs (elements to pop, entries to read) is made before each run and is not counted. The
// first rows are redis-benchmark's own list of tests. LARDER_ARGS adds arguments for larder-server. Takes some five
// minutes.
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/processes.h"
#include "tests/bench/servers.h"

namespace larder::bench {
namespace {

constexpr int kRounds = 5;
constexpr int kKeys = 100'000;
constexpr int kLargeSet = 1'000'000;
constexpr int kRequests = 200'000;  // a multiple of the pipeline, as every number of requests is
constexpr int kSubscribers = 100;

using Argv = std::vector<std::string>;

const std::string kValue(64, 'x');

[[noreturn]] void Die(const std::string& message) {
  std::fprintf(stderr, "types_servers: %s\n", message.c_str());
  std::exit(1);
}

Argv Words(const std::string& text) {
  std::istringstream in(text);
  Argv words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// As redis-benchmark writes __rand_int__.
std::string Digits(int number) {
  char text[16];
  std::snprintf(text, sizeof(text), "%012d", number);
  return text;
}

// Waits until the server's threads have taken less than 2.5 % of a processor for a while: what they do anyway is less.
void WaitUntilQuiet(const Server& server) {
  constexpr int64_t kNapNs = 20'000'000;
  const timespec nap = {0, kNapNs};
  for (double before = server.cpu().total_ns;;) {
    nanosleep(&nap, nullptr);
    const double after = server.cpu().total_ns;
    if (after - before < kNapNs * 0.025) return;
    before = after;
  }
}

// A row of the table: what it measures, and how the server is made ready for it.
struct RowSpec {
  std::string name;
  int requests;
  Argv load;                                    // redis-benchmark's own test, or a command
  std::function<void(Loader&)> fill_once = {};  // before the row
  std::function<void(Loader&)> fill_each = {};  // before each run
  std::string then = {};                        // a command of any reply after fill_each
  bool with_subscribers = false;
};

// ---- What the commands find -----------------------------------------------------------------------------------------

// `command key [score] element`, 100 elements a command.
void AddElements(Loader& to, const std::string& command, const std::string& key, int count, bool with_scores) {
  for (int i = 0; i < count;) {
    Argv argv = {command, key};
    for (const int end = std::min(count, i + 100); i < end; ++i) {
      if (with_scores) argv.push_back(std::to_string(i));
      argv.push_back("element:" + Digits(i));
    }
    to.Add(argv);
  }
}

void FillList(Loader& to, const std::string& key, int count) {
  for (int i = 0; i < count; i += 100) {
    Argv argv = {"RPUSH", key};
    argv.insert(argv.end(), 100, kValue);
    to.Add(argv);
  }
}

void FillHashes(Loader& to) {
  for (int i = 0; i < kKeys; ++i) {
    Argv argv = {"HSET", "hash:" + Digits(i)};
    for (int field = 0; field < 10; ++field) argv.insert(argv.end(), {"field" + std::to_string(field), kValue});
    to.Add(argv);
  }
}

void FillStream(Loader& to) {
  to.Add({"DEL", "stream"});
  to.Add({"XGROUP", "CREATE", "stream", "group", "0", "MKSTREAM"});
  for (int i = 0; i < kRequests; ++i) to.Add({"XADD", "stream", std::to_string(i + 1) + "-0", "field", kValue}, 2);
}

void FillNumbers(Loader& to) {
  Random random(7);
  to.Add({"DEL", "numbers"});
  for (int i = 0; i < 1000; ++i) to.Add({"RPUSH", "numbers", std::to_string(random.Below(1'000'000))});
}

void FillTwoSets(Loader& to) {
  for (int i = 0; i < kKeys; ++i) {
    to.Add({"SADD", "set:1", "element:" + Digits(i)});
    to.Add({"SADD", "set:2", "element:" + Digits(i + kKeys / 2)});
  }
}

std::function<void(Loader&)> Deleted(const std::string& key) {
  return [key](Loader& to) { to.Add({"DEL", key}); };
}

std::function<void(Loader&)> Renewed(const std::string& key, std::function<void(Loader&)> fill) {
  return [key, fill = std::move(fill)](Loader& to) {
    to.Add({"DEL", key});
    fill(to);
  };
}

Argv Test(const std::string& name) { return {"-t", name}; }

// ---- The rows -------------------------------------------------------------------------------------------------------

void AddBenchmarksOwn(std::vector<RowSpec>& rows) {
  const auto list = [](Loader& to) { FillList(to, "mylist", kRequests); };
  const auto set = [](Loader& to) { AddElements(to, "SADD", "myset", kRequests, false); };
  const auto zset = [](Loader& to) { AddElements(to, "ZADD", "myzset", kRequests, true); };
  const auto short_list = [](Loader& to) { FillList(to, "shortlist", 1000); };
  rows.push_back({"PING", 2 * kRequests, Test("ping_mbulk")});
  rows.push_back({"SET", kRequests, Test("set")});
  rows.push_back({"GET", 2 * kRequests, Test("get")});
  rows.push_back({"INCR", kRequests, Test("incr")});
  rows.push_back({"LPUSH", kRequests, Test("lpush"), {}, Deleted("mylist")});
  rows.push_back({"RPUSH", kRequests, Test("rpush"), {}, Deleted("mylist")});
  rows.push_back({"LPOP", kRequests, Test("lpop"), {}, Renewed("mylist", list)});
  rows.push_back({"RPOP", kRequests, Test("rpop"), {}, Renewed("mylist", list)});
  rows.push_back({"SADD", kRequests, Test("sadd"), {}, Deleted("myset")});
  rows.push_back({"HSET", kRequests, Test("hset"), {}, Deleted("myhash")});
  rows.push_back({"SPOP", kRequests, Test("spop"), {}, Renewed("myset", set)});
  rows.push_back({"ZADD", kRequests, Test("zadd"), {}, Deleted("myzset")});
  rows.push_back({"ZPOPMIN", kRequests, Test("zpopmin"), {}, Renewed("myzset", zset)});
  rows.push_back({"LRANGE_100", 40'000, Words("lrange shortlist 0 99"), Renewed("shortlist", short_list)});
  rows.push_back({"LRANGE_300", 16'000, Words("lrange shortlist 0 299")});
  rows.push_back({"LRANGE_600", 8'000, Words("lrange shortlist 0 599")});
  rows.push_back({"MSET (10 keys)", 64'000, Test("mset")});
}

void AddLargeSortedSet(std::vector<RowSpec>& rows) {
  const auto fill = [](Loader& to) { AddElements(to, "ZADD", "large", kLargeSet, true); };
  const std::string of = " of a sorted set of 1 M";
  rows.push_back(
      {"ZADD, a new score in one" + of, kRequests, Words("zadd large __rand_int__ element:__rand_int__"), fill});
  rows.push_back({"ZRANK" + of, kRequests, Words("zrank large element:__rand_int__")});
  rows.push_back({"ZSCORE" + of, kRequests, Words("zscore large element:__rand_int__")});
  rows.push_back({"ZRANGE, 10 by rank from the middle" + of, kRequests, Words("zrange large 500000 500009")});
  Argv several = Words("zadd large");
  for (int i = 0; i < 10; ++i) several.insert(several.end(), {"__rand_int__", "element:__rand_int__"});
  rows.push_back({"ZADD, new scores in ten" + of, 32'000, several});
  rows.push_back({"ZRANGE, 10 by score" + of, kRequests, Words("zrange large __rand_int__ +inf byscore limit 0 10")});
}

void AddOthers(std::vector<RowSpec>& rows) {
  Argv hset = {"hset", "hash:__rand_int__"};
  for (int i = 0; i < 10; ++i) hset.insert(hset.end(), {"field" + std::to_string(i), kValue});
  rows.push_back({"HSET of 10 fields, 100 k hashes", 96'000, hset, FillHashes});
  rows.push_back({"HGETALL of 10 fields, 100 k hashes", kRequests, Words("hgetall hash:__rand_int__")});
  const auto large_hash = [](Loader& to) {
    for (int i = 0; i < kLargeSet; ++i) to.Add({"HSET", "largehash", "element:" + Digits(i), "1"});
  };
  Argv several = {"hset", "largehash"};
  for (int i = 0; i < 10; ++i) several.insert(several.end(), {"element:__rand_int__", "22"});
  rows.push_back(
      {"HSET, one field of a hash of 1 M", kRequests, Words("hset largehash element:__rand_int__ 22"), large_hash});
  rows.push_back({"HSET, ten fields of a hash of 1 M", 32'000, several});
  rows.push_back({"HGET, 100 k hashes of 10 fields", kRequests, Words("hget hash:__rand_int__ field7")});
  rows.push_back({"LPUSH, 100 k lists", kRequests, {"lpush", "list:__rand_int__", kValue}});
  const auto long_list = [](Loader& to) { FillList(to, "longlist", kLargeSet); };
  rows.push_back(
      {"LRANGE, 10 from the middle of a list of 1 M", 4'000, Words("lrange longlist 500000 500009"), long_list});
  rows.push_back({"XADD", kRequests, {"xadd", "stream", "*", "field", kValue}, {}, Deleted("stream")});
  rows.push_back(
      {"XREADGROUP COUNT 1", kRequests, Words("xreadgroup group group me count 1 streams stream >"), {}, FillStream});
  rows.push_back({"XACK",
                  kRequests / 2,
                  Words("xack stream group __rand_int__-0"),
                  {},
                  FillStream,
                  "xreadgroup group group me count 1000000 streams stream >"});
  rows.push_back({"SINTER of two sets of 100 k, half in both", 64, Words("sinter set:1 set:2"), FillTwoSets});
  rows.push_back({"SINTERCARD of the same", 64, Words("sintercard 2 set:1 set:2")});
  rows.push_back({"PUBLISH to 100 subscribers", 9'600, {"publish", "channel", kValue}, {}, {}, {}, true});
  rows.push_back({"SORT of a list of 1,000 numbers", 3'200, Words("sort numbers"), FillNumbers});
}

// ---- Measuring ------------------------------------------------------------------------------------------------------

// Clients that have subscribed to "channel" and read what comes.
class Subscribers {
 public:
  explicit Subscribers(const Server& server) {
    const std::string subscribe = "*2\r\n$9\r\nSUBSCRIBE\r\n$7\r\nchannel\r\n";
    for (pollfd& client : clients_) {
      client = {Connect(server.socket()), POLLIN, 0};
      if (client.fd < 0 || send(client.fd, subscribe.data(), subscribe.size(), MSG_NOSIGNAL) < 0) Die("no subscriber");
      for (int lines = 0; lines < 6;) lines += static_cast<int>(LinesOf(client.fd));
    }
    reader_ = std::thread([this] { Read(); });
  }
  ~Subscribers() {
    stop_.store(true);
    reader_.join();
    for (const pollfd& client : clients_) close(client.fd);
  }
  Subscribers(const Subscribers&) = delete;
  Subscribers& operator=(const Subscribers&) = delete;

  // Waits until each has had that many messages.
  void WaitFor(int messages) const {
    const timespec nap = {0, 1'000'000};
    while (lines_.load() < int64_t{7} * messages * kSubscribers) nanosleep(&nap, nullptr);
  }

 private:
  static int64_t LinesOf(int fd) {
    static thread_local char room[64 * 1024];
    const ssize_t n = recv(fd, room, sizeof(room), 0);
    if (n <= 0) Die("a server closed a subscriber's connection");
    return std::count(room, room + n, '\n');
  }
  void Read() {
    while (!stop_.load()) {
      if (poll(clients_.data(), clients_.size(), 10) <= 0) continue;
      int64_t lines = 0;
      for (const pollfd& client : clients_) {
        if (client.revents != 0) lines += LinesOf(client.fd);
      }
      lines_ += lines;
    }
  }

  std::array<pollfd, kSubscribers> clients_;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> lines_{0};
  std::thread reader_;
};

void RunCommand(const Server& server, const Argv& command) {
  Argv argv = {"redis-cli", "-e", "-s", server.socket()};
  argv.insert(argv.end(), command.begin(), command.end());
  if (RunQuietly(argv) != 0) Die("a server refused " + command[0]);
}

// redis-benchmark goes on when a command is refused, so its command is tried first, with a number in it.
void Try(const Server& server, Argv command) {
  if (command[0] == "-t") return;
  for (std::string& word : command) {
    const size_t at = word.find("__rand_int__");
    if (at != std::string::npos) word.replace(at, 12, Digits(1));
  }
  RunCommand(server, command);
}

// CPU us of the server for one of the row's commands.
double RunOnce(const Server& server, const RowSpec& row) {
  if (row.fill_each) {
    Loader loader(server.socket());
    row.fill_each(loader);
    loader.Flush();
  }
  if (!row.then.empty()) RunCommand(server, Words(row.then));
  std::unique_ptr<Subscribers> subscribers;
  if (row.with_subscribers) subscribers = std::make_unique<Subscribers>(server);
  WaitUntilQuiet(server);
  // Elements of the large sorted set are to be hit, as are entries of the stream.
  const int range = row.name.find("1 M") != std::string::npos ? kLargeSet : row.name == "XACK" ? kRequests : kKeys;
  Argv argv = {"redis-benchmark",
               "-s",
               server.socket(),
               "-c",
               "50",
               "-P",
               "32",
               "-d",
               "64",
               "-q",
               "-r",
               std::to_string(range),
               "-n",
               std::to_string(row.requests)};
  argv.insert(argv.end(), row.load.begin(), row.load.end());
  const double before = server.cpu().total_ns;
  if (RunQuietly(argv) != 0) Die("redis-benchmark failed");
  if (subscribers != nullptr) subscribers->WaitFor(row.requests);
  WaitUntilQuiet(server);
  return (server.cpu().total_ns - before) / row.requests / 1e3;
}

Compared Measure(const Server& redis, const Server& larder, const RowSpec& row) {
  for (const Server* server : {&redis, &larder}) {
    Loader loader(server->socket());
    if (row.fill_once) row.fill_once(loader);
    if (row.fill_each) row.fill_each(loader);
    loader.Flush();
    Try(*server, row.load);
  }
  return TakeTurns(
      kRounds, [&] { return RunOnce(redis, row); }, [&] { return RunOnce(larder, row); });
}

struct Part {
  const char* name;
  void (*add)(std::vector<RowSpec>& rows);
};
constexpr Part kParts[] = {{"benchmark", AddBenchmarksOwn}, {"sorted", AddLargeSortedSet}, {"others", AddOthers}};

std::vector<RowSpec> RowsOf(const Argv& names) {
  std::vector<RowSpec> rows;
  for (const Part& part : kParts) {
    if (names.empty() || std::find(names.begin(), names.end(), part.name) != names.end()) part.add(rows);
  }
  if (rows.empty()) Die("the parts are benchmark, sorted and others");
  return rows;
}

int Main(int argc, char** argv) {
  const Programs programs = FindPrograms(argv[0]);
  const char* extra = std::getenv("LARDER_ARGS");
  const Server redis(programs.redis);
  const Server larder(programs.larder, Words(extra != nullptr ? extra : ""));
  std::vector<double> ratios;
  std::string above;
  std::printf("| command | redis-server us | larder-server us | ratio |\n|---|---|---|---|\n");
  for (const RowSpec& row : RowsOf({argv + 1, argv + argc})) {
    const Compared cpu = Measure(redis, larder, row);
    std::printf("| %s | %.2f | %.2f | %.2f |\n", row.name.c_str(), cpu.theirs, cpu.ours, cpu.ratio);
    std::fflush(stdout);
    ratios.push_back(cpu.ratio);
    if (cpu.ratio > 1) above += "\n  " + row.name;
  }
  std::printf("Median of the ratios: %.2f. Rows above 1:%s\n", Median(ratios), above.empty() ? " none" : above.c_str());
  return 0;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) { return larder::bench::Main(argc, argv); }
