// The longest hold on the executor where values have a million elements: no command that returns or changes few of
// them, and no step of what is done bit by bit, is to take more than 100 us.
//
//   ./bazelw run -c opt //tests/bench:steps_types [-- part...]
//
// commands: each command a thousand times and more, with arguments at random; the CPU time of the calling thread.
// scans:    commands that look at all elements by their nature, as they do in Redis; no target.
// values, groups, ranges, databases:
//           DEL, COPY, expiry and eviction of a value; what streams leave behind; what changes half of a value (which
//           has no step of its own yet); FLUSHALL and SWAPDB. The call itself, and then each Tick, which takes one step
//           of each kind (it is called with a deadline that has passed), until nothing is left to do; beside them the
//           engine's own account of its longest step (Stats). Each row has a cache of its own.
// A run's longest time may be the machine's (an interrupt in a virtual one takes tens of us, and is counted as the
// thread's), but what the work itself takes is in every run. So the figure is the LEAST of several runs' longest times,
// and the longest of all stands beside it. Rows that seem to be over the target have more runs. Takes some five minutes
// and 2 GB.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/subject.h"

namespace larder::bench {
namespace {

constexpr int kElements = 1'000'000;
constexpr double kTargetUs = 100;

using Argv = std::vector<std::string>;

std::string Element(uint64_t number) {
  const Key key(number);
  return {key.text.data(), Key::kBytes};
}

Argv Words(const std::string& text) {
  std::istringstream in(text);
  Argv words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// Runs a command. Exits the program if it is refused.
void Do(Subject& subject, const Argv& argv) {
  const auto reply = subject.ours().cache().Execute(argv);
  if (reply.ok() && !reply->is_error()) return;
  std::fprintf(stderr, "steps_types: %s was refused: %s\n", argv[0].c_str(),
               reply.ok() ? std::string(reply->string_view()).c_str() : reply.status().ToString().c_str());
  std::exit(1);
}
void Do(Subject& subject, const std::string& command) { Do(subject, Words(command)); }

// The same; its CPU time in ns.
int64_t Timed(Subject& subject, const Argv& argv) {
  const int64_t started = ThreadCpuNs();
  Do(subject, argv);
  return ThreadCpuNs() - started;
}

double Us(int64_t ns) { return static_cast<double>(ns) / 1e3; }

constexpr const char* kMark = "**over**";

void Settle(Subject& subject) {
  Histogram ticks;
  subject.TickUntilIdle(ticks);
}

// ---- Values of a million elements -----------------------------------------------------------------------------------

// `command key {what each(i) adds}`, one element a command.
void Fill(Subject& to, const std::string& command, const std::function<void(Argv& argv, int i)>& each) {
  Argv argv = Words(command);
  const size_t words = argv.size();
  for (int i = 0; i < kElements; ++i) {
    argv.resize(words);
    each(argv, i);
    Do(to, argv);
    if (i % 10'000 == 0) Settle(to);
  }
}

void FillList(Subject& to, const std::string& key) {
  Fill(to, "RPUSH " + key, [](Argv& argv, int i) { argv.push_back(Element(i)); });
}
void FillHash(Subject& to, const std::string& key) {
  Fill(to, "HSET " + key, [](Argv& argv, int i) { argv.insert(argv.end(), {Element(i), std::to_string(i)}); });
}
void FillSet(Subject& to, const std::string& key) {
  Fill(to, "SADD " + key, [](Argv& argv, int i) { argv.push_back(Element(i)); });
}
void FillSortedSet(Subject& to, const std::string& key) {
  Fill(to, "ZADD " + key, [](Argv& argv, int i) { argv.insert(argv.end(), {std::to_string(i), Element(i)}); });
}
// All have one score.
void FillByMember(Subject& to, const std::string& key) {
  Fill(to, "ZADD " + key, [](Argv& argv, int i) { argv.insert(argv.end(), {"0", Element(i)}); });
}
void FillPlaces(Subject& to, const std::string& key) {
  Random random(5);
  Fill(to, "GEOADD " + key, [&](Argv& argv, int i) {
    const double east = static_cast<double>(random.Below(3'600'000)) / 1e4 - 180;
    const double north = static_cast<double>(random.Below(1'700'000)) / 1e4 - 85;
    argv.insert(argv.end(), {std::to_string(east), std::to_string(north), Element(i)});
  });
}
void FillStream(Subject& to, const std::string& key) {
  for (int i = 0; i < kElements; ++i) Do(to, {"XADD", key, std::to_string(i + 1) + "-0", "field", "value"});
}
// Makes all entries pending, with one consumer.
void MakePending(Subject& to, const std::string& key) {
  Do(to, "XGROUP CREATE " + key + " group 0");
  for (int i = 0; i < kElements; i += 1000) Do(to, "XREADGROUP GROUP group me COUNT 1000 STREAMS " + key + " >");
}
void FillPending(Subject& to, const std::string& key) {
  FillStream(to, key);
  MakePending(to, key);
}

// ---- Commands -------------------------------------------------------------------------------------------------------

// {i}: a number up to 900,000; {m}: 9 more; {e}: an element that was there at first, each time another; {s}: one that
// is the same in all of the command; {n}: an element that has not been used.
Argv Filled(const std::string& command, Random& random, uint64_t& next) {
  Argv argv;
  const size_t i = random.Below(kElements / 10 * 9) + 1;  // some have been popped
  const std::string same = Element(i);
  for (std::string word : Words(command)) {
    const auto put = [&](const char* name, const std::string& text) {
      const size_t at = word.find(name);
      if (at != std::string::npos) word.replace(at, 3, text);
    };
    put("{i}", std::to_string(i));
    put("{m}", std::to_string(i + 9));
    put("{s}", same);
    put("{e}", Element(random.Below(kElements)));
    put("{n}", Element(next));
    if (word.find(Element(next)) != std::string::npos) ++next;
    argv.push_back(std::move(word));
  }
  return argv;
}

struct Case {
  const char* type;
  std::vector<const char*> commands;
};

const std::vector<Case> kCommands = {
    {"list",
     {"LPUSH list {n}", "RPUSH list {n} {n}", "LPUSHX list {n}", "LPOP list", "RPOP list 10", "LINDEX list {i}",
      "LSET list {i} {n}", "LRANGE list {i} {m}", "LRANGE list -10 -1", "LPOS list none MAXLEN 1000", "LTRIM list 1 -2",
      "LMOVE list list LEFT RIGHT", "RPOPLPUSH list list", "LMPOP 1 list LEFT COUNT 10", "LLEN list"}},
    {"hash",
     {"HSET hash {n} 1", "HSET hash {n} 1 {n} 2", "HSET hash {e} 7", "HSETNX hash {n} 1", "HMSET hash {e} 1 {n} 2",
      "HGET hash {e}", "HMGET hash {e} {e} {e} {e}", "HDEL hash {e}", "HDEL hash {e} {e} {e}", "HEXISTS hash {e}",
      "HINCRBY hash {e} 3", "HINCRBYFLOAT hash {e} 0.5", "HLEN hash", "HSTRLEN hash {e}", "HRANDFIELD hash",
      "HRANDFIELD hash 10 WITHVALUES", "HRANDFIELD hash -10", "HSCAN hash 0", "HSCAN hash {i} COUNT 10"}},
    {"set",
     {"SADD set {n}",
      "SADD set {n} {n} {n}",
      "SREM set {e}",
      "SREM set {e} {e} {e}",
      "SISMEMBER set {e}",
      "SMISMEMBER set {e} {e} {e}",
      "SCARD set",
      "SPOP set",
      "SPOP set 10",
      "SRANDMEMBER set",
      "SRANDMEMBER set 10",
      "SRANDMEMBER set -10",
      "SMOVE set other {e}",
      "SSCAN set {i} COUNT 10",
      "SINTER set small",
      "SINTERCARD 2 set small",
      "SINTERCARD 2 set set LIMIT 10",
      "SDIFF small set",
      "SINTERSTORE to set small",
      "SDIFFSTORE to small set",
      "SDIFFSTORE to set small",
      "SUNIONSTORE to set small"}},
    {"sorted set",
     {"ZADD zset {i} {n}",
      "ZADD zset {i} {n} {i} {n}",
      "ZADD zset {i} {e}",
      "ZINCRBY zset 3.5 {e}",
      "ZREM zset {e}",
      "ZREM zset {e} {e} {e}",
      "ZSCORE zset {e}",
      "ZMSCORE zset {e} {e}",
      "ZRANK zset {e}",
      "ZREVRANK zset {e}",
      "ZCARD zset",
      "ZCOUNT zset 1000 {i}",
      "ZRANGE zset {i} {m}",
      "ZRANGE zset {i} +inf BYSCORE LIMIT 0 10",
      "ZRANGE zset +inf {i} BYSCORE REV LIMIT 0 10",
      "ZREVRANGE zset {i} {m} WITHSCORES",
      "ZRANGESTORE to zset {i} {m}",
      "ZPOPMIN zset",
      "ZPOPMAX zset 10",
      "ZMPOP 1 zset MIN COUNT 10",
      "ZRANDMEMBER zset",
      "ZRANDMEMBER zset 10",
      "ZRANDMEMBER zset -10 WITHSCORES",
      "ZSCAN zset {i} COUNT 10",
      "ZREMRANGEBYRANK zset {i} {m}",
      "ZREMRANGEBYSCORE zset {i} {m}",
      "ZLEXCOUNT lex - [{e}",
      "ZRANGE lex [{e} + BYLEX LIMIT 0 10",
      "ZREVRANGEBYLEX lex [{e} - LIMIT 0 10",
      "ZREMRANGEBYLEX lex [{s} [{s}",
      "ZINTER 2 zset few",
      "ZINTERCARD 2 zset few",
      "ZINTERCARD 2 zset zset LIMIT 10",
      "ZINTERSTORE to 2 zset few",
      "ZDIFF 2 few zset"}},
    {"places",
     {"GEOADD places 13.3 52.5 {n}", "GEODIST places {e} {e}", "GEOPOS places {e} {e}", "GEOHASH places {e}",
      "GEOSEARCH places FROMLONLAT 2.3 48.8 BYRADIUS 20 km", "GEOSEARCH places FROMMEMBER {e} BYRADIUS 20 km COUNT 5",
      "GEOSEARCH places FROMMEMBER {e} BYBOX 20 20 km ASC"}},
    {"stream",
     {"XADD stream * field value",
      "XADD stream MAXLEN = 1000000 * field value",
      "XADD stream MAXLEN ~ 1000000 * field value",
      "XLEN stream",
      "XRANGE stream {i} + COUNT 10",
      "XREVRANGE stream {i} - COUNT 10",
      "XREAD COUNT 10 STREAMS stream {i}",
      "XDEL stream {i}-0",
      "XINFO STREAM stream",
      "XINFO STREAM stream FULL COUNT 10",
      "XINFO GROUPS stream",
      "XINFO CONSUMERS stream group",
      "XPENDING stream group",
      "XGROUP CREATECONSUMER stream group {n}",
      "XGROUP CREATE stream {n} {i}",
      "XGROUP SETID stream group {i}",
      "XREADGROUP GROUP group me COUNT 10 STREAMS stream >",
      "XREADGROUP GROUP group me COUNT 10 STREAMS stream {i}",
      "XACK stream group {i}-0",
      "XPENDING stream group {i} + 10",
      "XPENDING stream group {i} + 10 me",
      "XPENDING stream group {i} + 10 nobody",
      "XCLAIM stream group you 0 {i}-0",
      "XAUTOCLAIM stream group you 0 {i} COUNT 10"}},
    {"any key",
     {"TYPE zset", "OBJECT ENCODING zset", "EXISTS zset list", "TOUCH stream", "PEXPIRE set 100000000", "PERSIST set",
      "MEMORY USAGE hash", "COPY zset to REPLACE", "SCAN {i}"}},
};

// Commands whose nature it is to look at all elements.
const std::vector<Case> kScans = {
    {"list",
     {"LPOS list none", "LPOS list key:000000005000", "LREM list 1 key:000000005000",
      "LINSERT list BEFORE key:000000005001 x", "LREM list 1 none", "LINSERT list BEFORE none x",
      "SORT list LIMIT 0 1 ALPHA", "LPOS list none RANK -1"}},
    {"set", {"SINTER set set2", "SINTERCARD 2 set set2", "SUNIONSTORE to set set2"}},
    {"sorted set", {"ZINTERCARD 2 zset lex", "ZUNIONSTORE to 2 zset few", "ZDIFFSTORE to 2 zset few"}},
    {"places", {"GEOSEARCH places FROMLONLAT 13.3 52.5 BYRADIUS 40000 km COUNT 1"}},
};

constexpr int kRuns = 5;
constexpr int kWorkRuns = 3;
constexpr int kMoreRuns = 10;  // of a row that seems to be over the target

void PrepareForCommands(Subject& subject) {
  FillList(subject, "list");
  FillHash(subject, "hash");
  FillSet(subject, "set");
  FillSet(subject, "set2");
  FillSortedSet(subject, "zset");
  FillByMember(subject, "lex");
  FillPlaces(subject, "places");
  FillPending(subject, "stream");
  for (int i = 0; i < 10; ++i) {
    Do(subject, {"SADD", "small", Element(static_cast<uint64_t>(i) * 999)});
    Do(subject, {"ZADD", "few", "1", Element(static_cast<uint64_t>(i) * 999)});
  }
  Settle(subject);
}

void TimeCommand(Subject& subject, const char* type, const std::string& command, int calls) {
  static Random random(11);
  static uint64_t next = 10 * kElements;
  Histogram all;
  double least = 0;
  const bool has_target = calls > 1;
  for (int run = 0; run < kRuns || (has_target && least > kTargetUs && run < kMoreRuns); ++run) {
    int64_t max = 0;
    for (int i = 0; i < calls; ++i) {
      const int64_t took = Timed(subject, Filled(command, random, next));
      all.Add(took);
      max = std::max(max, took);
    }
    least = run == 0 ? Us(max) : std::min(least, Us(max));
    Settle(subject);
  }
  const auto us = [&](double share) { return Us(static_cast<int64_t>(all.Percentile(share))); };
  std::printf("| %s | %s | %.1f | %.1f | %.1f | %.1f | %s |\n", type, command.c_str(), us(0.5), us(0.99), least, us(1),
              has_target && least > kTargetUs ? kMark : "");
  std::fflush(stdout);
}

void TimeAll(const std::vector<Case>& cases, int calls) {
  Subject subject;
  PrepareForCommands(subject);
  std::printf("\n| type | command | CPU p50 us | p99 us | longest of %d us | longest of all us | |\n", calls);
  std::printf("|---|---|---|---|---|---|---|\n");
  for (const Case& one : cases) {
    for (const char* command : one.commands) TimeCommand(subject, one.type, command, calls);
  }
}

void CommandsPart() { TimeAll(kCommands, 1000); }
void ScansPart() { TimeAll(kScans, 1); }

// ---- Work done in steps ---------------------------------------------------------------------------------------------

using Preparation = std::function<void(Subject& subject)>;

struct Work {
  std::string name;
  Preparation prepare;
  std::function<int64_t(Subject& subject)> call;  // what is timed; its longest call in ns
};

// What one run of a work has shown, in us.
struct Longest {
  double call = 0;
  double tick = 0;
  double step = 0;
  const char* kind = "";  // of the longest step
  int ticks = 0;
};

Longest RunWork(const Work& work, Histogram& ticks) {
  Options options;
  options.maxmemory_policy = MaxmemoryPolicy::kAllkeysLru;
  Subject subject(options);
  work.prepare(subject);
  Settle(subject);
  Do(subject, "CONFIG RESETSTAT");
  Longest longest;
  longest.call = Us(work.call(subject));
  for (bool more = true; more; ++longest.ticks) {
    const int64_t started = ThreadCpuNs();
    const auto next = subject.ours().cache().Tick(absl::UnixEpoch());  // one step of each kind
    const int64_t took = ThreadCpuNs() - started;
    if (!next.ok()) std::abort();
    ticks.Add(took);
    longest.tick = std::max(longest.tick, Us(took));
    more = *next <= absl::FromUnixMicros(subject.clock().NowUs());
  }
  Settle(subject);  // compaction, too
  const Stats stats = *subject.ours().cache().Stats();
  for (size_t kind = 0; kind < kStepKinds; ++kind) {
    const double us = static_cast<double>(stats.step[kind].cpu_ns_max) / 1e3;
    if (us > longest.step) longest.step = us, longest.kind = kStepNames[kind];
  }
  return longest;
}

void TimeWork(const Work& work) {
  Histogram ticks;
  Longest least = RunWork(work, ticks);
  double all = std::max({least.call, least.tick, least.step});
  const auto over = [&] { return std::max({least.call, least.tick, least.step}) > kTargetUs; };
  for (int run = 1; run < kWorkRuns || (over() && run < kMoreRuns); ++run) {
    const Longest longest = RunWork(work, ticks);
    all = std::max({all, longest.call, longest.tick, longest.step});
    least.call = std::min(least.call, longest.call);
    least.tick = std::min(least.tick, longest.tick);
    if (longest.step < least.step) least.step = longest.step, least.kind = longest.kind;
  }
  std::printf("| %s | %.1f | %d | %.1f | %.1f | %.1f %s | %.1f | %s |\n", work.name.c_str(), least.call, least.ticks,
              Us(static_cast<int64_t>(ticks.Percentile(0.999))), least.tick, least.step, least.kind, all,
              over() ? kMark : "");
  std::fflush(stdout);
}

Work Command(const std::string& name, Preparation prepare, const std::string& command) {
  return {name, std::move(prepare), [argv = Words(command)](Subject& subject) { return Timed(subject, argv); }};
}

struct Type {
  std::string name;
  void (*fill)(Subject& to, const std::string& key);
  std::string write;  // of one element
};
const std::vector<Type>& Types() {
  static const std::vector<Type> types = {{"list", FillList, "LPUSH key x"},
                                          {"hash", FillHash, "HSET key field x"},
                                          {"set", FillSet, "SADD key x"},
                                          {"sorted set", FillSortedSet, "ZADD key 7 x"},
                                          {"stream, all pending", FillPending, "XADD key * field x"}};
  return types;
}

void FillAll(Subject& subject) {
  for (const Type& type : Types()) type.fill(subject, type.name.substr(0, type.name.find(' ')));
}

// The longest of 1,000 writes while memory is over the limit.
int64_t WriteOverLimit(Subject& subject) {
  Do(subject, "CONFIG SET maxmemory 4mb");
  int64_t longest = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    longest = std::max(longest, Timed(subject, {"SET", Element(i), std::string(64, 'x')}));
  }
  return longest;
}

void AddOfType(std::vector<Work>& works, const Type& type) {
  const Preparation fill = [fill = type.fill](Subject& subject) { fill(subject, "key"); };
  const auto filled_and = [fill](const std::string& command) -> Preparation {
    return [=](Subject& subject) {
      fill(subject);
      Do(subject, command);
    };
  };
  const std::string of = " of a " + type.name;
  for (const std::string command : {"DEL key", "UNLINK key", "COPY key other", "RENAME key other", "SET key x"}) {
    works.push_back(Command(command + of, fill, command));
  }
  works.push_back(Command("RENAME other key" + of, filled_and("SET other x"), "RENAME other key"));
  works.push_back(Command("COPY other key REPLACE" + of, filled_and("SET other x"), "COPY other key REPLACE"));
  works.push_back(Command(type.write + " after COPY" + of, filled_and("COPY key other"), type.write));
  const auto due = [](const std::string& command) {
    return [command](Subject& subject) {
      subject.clock().Advance(absl::Seconds(2));
      return command.empty() ? 0 : Timed(subject, Words(command));
    };
  };
  works.push_back({"expiry by Tick" + of, filled_and("EXPIRE key 1"), due("")});
  works.push_back({"expiry by EXISTS" + of, filled_and("EXPIRE key 1"), due("EXISTS key")});
  works.push_back(Command("eviction by Tick, CONFIG SET maxmemory" + of, fill, "CONFIG SET maxmemory 4mb"));
  works.push_back({"eviction by SET, 1,000 times" + of, fill, WriteOverLimit});
}

void AddOfStreams(std::vector<Work>& works) {
  const Preparation stream = [](Subject& subject) { FillPending(subject, "key"); };
  for (const std::string command :
       {"XGROUP DESTROY key group", "XGROUP DELCONSUMER key group me", "XTRIM key MAXLEN = 500000",
        "XTRIM key MAXLEN ~ 500000", "XTRIM key MINID = 999990-0", "XADD key MAXLEN = 10 * field x"}) {
    works.push_back(Command(command + " of a stream, all pending", stream, command));
  }
  const Preparation emptied = [stream](Subject& subject) {
    stream(subject);
    Do(subject, "XTRIM key MAXLEN 0");
    Do(subject, "XSETID key 0-1");
  };
  works.push_back(Command("XADD before all IDs, to an empty stream with 1 M pending", emptied, "XADD key 0-2 field x"));
}

void AddRanges(std::vector<Work>& works) {
  const Preparation list = [](Subject& subject) { FillList(subject, "key"); };
  const Preparation zset = [](Subject& subject) {
    FillSortedSet(subject, "key");
    Do(subject, "ZADD few 1 a 2 b");
    Do(subject, "SADD small a b");
  };
  for (const std::string command : {"LTRIM key 0 499999", "LTRIM key 250000 -250000", "LTRIM key 1 0"}) {
    works.push_back(Command(command + " of a list", list, command));
  }
  for (const std::string command :
       {"ZREMRANGEBYRANK key 250000 750000", "ZREMRANGEBYSCORE key -inf 500000", "ZREMRANGEBYRANK key 0 -1",
        "ZUNIONSTORE key 1 few", "SINTERSTORE key small", "ZRANGESTORE key few 0 -1"}) {
    works.push_back(Command(command + " of a sorted set", zset, command));
  }
}

void AddDatabases(std::vector<Work>& works) {
  for (const std::string command : {"FLUSHALL", "FLUSHALL ASYNC", "FLUSHDB", "SWAPDB 0 1"}) {
    works.push_back(Command(command + " with one of each type", FillAll, command));
  }
  const Preparation keys = [](Subject& subject) { subject.Fill(kElements); };
  for (const std::string command : {"FLUSHALL", "FLUSHALL ASYNC", "SWAPDB 0 1"}) {
    works.push_back(Command(command + " with 1 M keys", keys, command));
  }
}

void TimeWorks(const std::vector<Work>& works) {
  std::printf("\n| work | call us | Ticks | Tick p99.9 us | longest Tick us | longest step us, its kind | ");
  std::printf("longest of all us | |\n|---|---|---|---|---|---|---|---|\n");
  for (const Work& work : works) TimeWork(work);
}

void ValuesPart() {
  std::vector<Work> works;
  for (const Type& type : Types()) AddOfType(works, type);
  TimeWorks(works);
}
void GroupsPart() {
  std::vector<Work> works;
  AddOfStreams(works);
  TimeWorks(works);
}
void RangesPart() {
  std::vector<Work> works;
  AddRanges(works);
  TimeWorks(works);
}
void DatabasesPart() {
  std::vector<Work> works;
  AddDatabases(works);
  TimeWorks(works);
}

struct Part {
  std::string_view name;
  void (*run)();
};
constexpr Part kParts[] = {{"commands", CommandsPart}, {"scans", ScansPart},   {"values", ValuesPart},
                           {"groups", GroupsPart},     {"ranges", RangesPart}, {"databases", DatabasesPart}};

int Main(int argc, char** argv) {
  Argv names(argv + 1, argv + argc);
  if (names.empty()) {
    for (const Part& part : kParts) names.emplace_back(part.name);
  }
  for (const std::string& name : names) {
    const auto* part =
        std::find_if(std::begin(kParts), std::end(kParts), [&](const Part& p) { return p.name == name; });
    if (part == std::end(kParts)) {
      std::fprintf(stderr, "steps_types: the parts are commands, scans, values, groups, ranges and databases\n");
      return 2;
    }
    part->run();
  }
  return 0;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) { return larder::bench::Main(argc, argv); }
