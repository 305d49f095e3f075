// INFO: sections, field names and figures.
#include <map>
#include <string>
#include <vector>

#include <larder/stats.h>
#include <larder/version.h>
#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class InfoTest : public CommandTest {
 protected:
  // Lines by name; a section's title has the name "# Title".
  std::map<std::string, std::string> Info(std::initializer_list<std::string_view> sections = {}) {
    std::vector<std::string_view> argv = {"INFO"};
    argv.insert(argv.end(), sections.begin(), sections.end());
    titles_.clear();
    std::map<std::string, std::string> fields;
    const Reply reply = client().Run(argv);
    EXPECT_THAT(reply, IsVerbatim(::testing::_));
    EXPECT_EQ(reply.verbatim_format(), protocol() == 3 ? "txt" : "");
    std::string_view text = reply.string_view();
    while (!text.empty()) {
      const size_t end = text.find("\r\n");
      EXPECT_NE(end, std::string_view::npos) << "a line without its end: " << text;
      if (end == std::string_view::npos) break;
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end + 2);
      if (line.starts_with("# ")) {
        titles_.emplace_back(line.substr(2));
      } else if (!line.empty()) {
        const size_t colon = line.find(':');
        EXPECT_TRUE(fields.emplace(line.substr(0, colon), line.substr(colon + 1)).second) << line << " twice";
      }
    }
    return fields;
  }
  const std::vector<std::string>& titles() const { return titles_; }

 private:
  std::vector<std::string> titles_;
};
LARDER_COMMAND_TEST(InfoTest);

TEST_P(InfoTest, SectionsComeInOneOrder) {
  Info();
  const std::vector<std::string> by_default = titles();
  EXPECT_THAT(by_default, ElementsAre("Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU",
                                      "Modules", "Errorstats", "Cluster", "Keyspace", "Larder"));
  Info({"default"});
  EXPECT_EQ(titles(), by_default);
  Info({"ALL"});
  EXPECT_THAT(titles(),
              ElementsAre("Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules",
                          "Commandstats", "Errorstats", "Latencystats", "Cluster", "Keyspace", "Larder", "Steps"));
  Info({"everything"});
  EXPECT_EQ(titles().size(), 15u);
  Info({"keyspace", "server", "SERVER", "nosuch"});
  EXPECT_THAT(titles(), ElementsAre("Server", "Keyspace"));
  Info({"default", "commandstats"});
  EXPECT_EQ(titles().size(), 13u);
  EXPECT_THAT(Run({"INFO", "nosuch"}), IsVerbatim(""));
}

TEST_P(InfoTest, ServerTellsVersionsAndTime) {
  Advance(absl::Hours(49));
  auto info = Info({"server"});
  EXPECT_EQ(info["redis_version"], "7.0.15");
  EXPECT_EQ(info["larder_version"], LARDER_VERSION);
  EXPECT_EQ(info["redis_mode"], "standalone");
  EXPECT_THAT(info["run_id"], MatchesRegex("[0-9a-f]{40}"));
  EXPECT_EQ(info["uptime_in_seconds"], std::to_string(49 * 3600));
  EXPECT_EQ(info["uptime_in_days"], "2");
  EXPECT_EQ(info["tcp_port"], "0") << "no listener";
  EXPECT_EQ(info["server_time_usec"], std::to_string(now_ms() * 1000));
}

TEST_P(InfoTest, KeyspaceListsDatabasesWithKeys) {
  EXPECT_EQ(Info({"keyspace"}).size(), 0u);
  Run({"SET", "a", "1"});
  Run({"SET", "b", "2", "PX", "5000"});
  Run({"SELECT", "7"});
  Run({"SET", "c", "3"});
  auto info = Info({"keyspace"});
  EXPECT_EQ(info["db0"], "keys=2,expires=1,avg_ttl=5000");
  EXPECT_EQ(info["db7"], "keys=1,expires=0,avg_ttl=0");
  EXPECT_EQ(info.size(), 2u);
}

TEST_P(InfoTest, StatsCount) {
  Run({"SET", "k", "v", "PX", "10"});
  Run({"GET", "k"});
  Run({"GET", "missing"});
  Run({"NOSUCH"});
  Advance(absl::Milliseconds(10));
  Run({"GET", "k"});
  auto info = Info();
  EXPECT_EQ(info["keyspace_hits"], "1");
  EXPECT_EQ(info["keyspace_misses"], "2");
  EXPECT_EQ(info["expired_keys"], "1");
  EXPECT_EQ(info["total_error_replies"], "1");
  EXPECT_EQ(info["errorstat_ERR"], "count=1");
  EXPECT_EQ(info["connected_clients"], "1");
  auto other = Connect();
  EXPECT_EQ(Info()["connected_clients"], "2");
}

// As redis-server 7.0.15 counts them, command for command.
TEST_P(InfoTest, ChangesAreCountedAsRedisDoes) {
  struct Case {
    std::vector<std::string> argv;
    int64_t changes;
  };
  const std::vector<Case> cases = {
      {{"SET", "k", "v"}, 1}, {{"SET", "k", "v", "EX", "100"}, 1}, {{"SETEX", "k", "100", "v"}, 1},
      {{"SET", "k", "v", "NX"}, 0}, {{"GETSET", "k", "v"}, 1}, {{"APPEND", "k", "x"}, 1}, {{"INCR", "i"}, 1},
      {{"MSET", "a", "1", "b", "2", "c", "3"}, 3}, {{"DEL", "a", "b", "nope"}, 2}, {{"EXPIRE", "c", "100"}, 1},
      {{"PERSIST", "c"}, 1}, {{"PERSIST", "c"}, 0}, {{"EXPIRE", "c", "-1"}, 1}, {{"RENAME", "i", "x"}, 1},
      {{"RENAMENX", "x", "y"}, 1}, {{"RENAME", "y", "y"}, 0}, {{"COPY", "y", "z"}, 1}, {{"MOVE", "z", "1"}, 1},
      {{"GETDEL", "y"}, 1}, {{"GETEX", "k", "EX", "10"}, 1}, {{"TOUCH", "k"}, 0}, {{"SWAPDB", "0", "1"}, 1},
      {{"SWAPDB", "0", "0"}, 1}, {{"SWAPDB", "0", "1"}, 1}, {{"MSET", "a", "1", "b", "2", "c", "3", "d", "4"}, 4},
      {{"FLUSHDB"}, 5}, {{"FLUSHDB"}, 0}, {{"FLUSHALL"}, 1}, {{"FLUSHALL"}, 0}, {{"SET", "e", "v", "EXAT", "1"}, 1},
      {{"GET", "e"}, 0}, {{"SET", "e", "v", "EXAT", "1"}, 1}, {{"DEL", "e"}, 0}};
  const auto changes = [&] { return std::stoll(Info({"persistence"})["rdb_changes_since_last_save"]); };
  for (const Case& c : cases) {
    const int64_t before = changes();
    Run(c.argv);
    EXPECT_EQ(changes() - before, c.changes) << ::testing::PrintToString(c.argv);
  }
  Run({"SET", "k", "v", "PX", "10"});
  const int64_t before = changes();
  Advance(absl::Milliseconds(10));
  ASSERT_TRUE(cache().Tick(absl::InfiniteFuture()).ok());
  EXPECT_EQ(changes(), before) << "what expires was no change";
  EXPECT_EQ(static_cast<int64_t>(cache().Stats()->changes), before);
}

TEST_P(InfoTest, MemoryHasWhatMonitorsRead) {
  for (int i = 0; i < 1000; ++i) Run({"SET", "key" + std::to_string(i), std::string(100, 'v')});
  auto info = Info({"memory"});
  const auto number = [&](const char* name) { return std::stoll(info.at(name)); };
  EXPECT_GT(number("used_memory_rss"), 1 << 20);
  EXPECT_GT(std::stod(info["mem_fragmentation_ratio"]), 1.0);
  EXPECT_EQ(number("used_memory_overhead") + number("used_memory_dataset"), number("used_memory"));
  EXPECT_GT(number("used_memory_dataset"), 100'000);
  EXPECT_LE(number("used_memory_startup"), number("used_memory_overhead"));
  EXPECT_GE(number("allocator_active"), number("allocator_allocated"));
  EXPECT_THAT(info["used_memory_dataset_perc"], MatchesRegex("[0-9]+\\.[0-9][0-9]%"));
  EXPECT_THAT(Info({"server"})["executable"], ::testing::StartsWith("/"));
  Run({"FLUSHALL"});
  while (cache().Tick(absl::InfiniteFuture()).value() < absl::FromUnixMillis(now_ms() + 2))
    Advance(absl::Milliseconds(1));
  const int64_t freed = std::stoll(Info({"memory"})["lazyfreed_objects"]);
  EXPECT_GE(freed, 1000);
  EXPECT_LT(freed, 1100) << "the arena's own chores count, too";
}

TEST_P(InfoTest, CommandStatsCountCallsRejectionsAndFailures) {
  Run({"SET", "k", "v"});
  Run({"GET", "k"});
  Run({"GET", "k"});
  Run({"GET"});
  Run({"INCR", "k"});
  Run({"CONFIG", "GET", "hz"});
  auto info = Info({"commandstats"});
  EXPECT_EQ(info["cmdstat_get"], "calls=2,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0");
  EXPECT_EQ(info["cmdstat_incr"], "calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1");
  EXPECT_EQ(info["cmdstat_config|get"], "calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0");
  EXPECT_EQ(info.count("cmdstat_del"), 0u);
}

TEST_P(InfoTest, ErrorsAreCountedByTheirFirstWord) {
  Run({"SET", "k", "v"});
  Run({"CONFIG", "SET", "maxmemory", "1"});
  Run({"SET", "k", "v"});
  Run({"CONFIG", "SET", "maxmemory", "0"});
  Run({"NOSUCH"});
  Run({"AUTH", "nobody", "x"});
  auto info = Info({"errorstats"});
  EXPECT_EQ(info["errorstat_ERR"], "count=1");
  EXPECT_EQ(info["errorstat_OOM"], "count=1");
  EXPECT_EQ(info["errorstat_WRONGPASS"], "count=1");
  EXPECT_EQ(info.size(), 3u);
}

TEST_P(InfoTest, AValueThatAReplyKeepsIsItsClients) {
  const std::string value(1'000'000, 'x');
  Run({"SET", "big", value});
  const int64_t dataset = std::stoll(Info({"memory"})["used_memory_dataset"]);
  TestClient slow(cache(), Via::kResp2);
  ASSERT_TRUE(slow.connection().Feed("GET big\r\n").ok());
  Run({"DEL", "big"});
  auto info = Info({"memory"});
  EXPECT_GT(std::stoll(info["mem_clients_normal"]), 1'000'000);
  EXPECT_GT(std::stoll(info["used_memory_overhead"]), 1'000'000);
  EXPECT_LT(std::stoll(info["used_memory_dataset"]), dataset - 900'000);
}

TEST_P(InfoTest, MemoryAddsUp) {
  Run({"SET", "big", std::string(100'000, 'x')});
  auto info = Info({"memory", "larder"});
  const int64_t used = std::stoll(info["used_memory"]);
  EXPECT_GT(used, 100'000);
  EXPECT_EQ(used, std::stoll(info["used_memory_arena"]) + std::stoll(info["used_memory_blocks"]) +
                      std::stoll(info["mem_clients_normal"]));
  EXPECT_GE(std::stoll(info["used_memory_peak"]), used);
  EXPECT_THAT(info["used_memory_human"], MatchesRegex("[0-9]+\\.[0-9][0-9]K"));
  EXPECT_EQ(info["maxmemory_human"], "0B");
  EXPECT_EQ(info["maxmemory_policy"], "noeviction");
  Run({"CONFIG", "SET", "maxmemory", "1610612736"});
  EXPECT_EQ(Info({"memory"})["maxmemory_human"], "1.50G");
}

TEST_P(InfoTest, InstantaneousFiguresAreMeansOfTheLast1600Ms) {
  const auto rate = [&] { return std::stoll(Info({"stats"})["instantaneous_ops_per_sec"]); };
  Advance(absl::Seconds(10));
  EXPECT_EQ(rate(), 0);
  for (int i = 0; i < 159; ++i) Run({"PING"});  // and the INFO before
  EXPECT_EQ(rate(), 0) << "their window has not ended yet";
  Advance(absl::Milliseconds(100));
  EXPECT_EQ(rate(), 100);
  Advance(absl::Milliseconds(800));
  for (int i = 0; i < 159; ++i) Run({"PING"});
  EXPECT_EQ(rate(), 101) << "161 then, and one in the window after";
  Advance(absl::Milliseconds(700));
  EXPECT_EQ(rate(), 201) << "all in 1.6 s";
  Advance(absl::Milliseconds(100));
  EXPECT_EQ(rate(), 101) << "the first of them are out";
  Advance(absl::Seconds(100));
  EXPECT_EQ(rate(), 0);
  Run({"CONFIG", "RESETSTAT"});
  EXPECT_EQ(rate(), 0);
}

TEST_P(InfoTest, StatsOfTheLibrarySayTheSame) {
  Run({"SET", "a", "1", "PX", "5000"});
  Run({"GET", "a"});
  Run({"SELECT", "2"});
  Run({"SET", "b", "2"});
  const auto stats = cache().Stats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->keys, 2u);
  EXPECT_EQ(stats->expires, 1u);
  ASSERT_EQ(stats->database_count, 2u);
  EXPECT_EQ(stats->databases, 2u);
  EXPECT_EQ(stats->database[0].index, 0);
  EXPECT_EQ(stats->database[0].avg_ttl_ms, 5000);
  EXPECT_EQ(stats->database[1].index, 2);
  EXPECT_EQ(stats->database[1].keys, 1u);
  EXPECT_EQ(stats->keyspace_hits, 1u);
  EXPECT_EQ(stats->used_memory,
            stats->used_memory_arena + stats->used_memory_blocks + stats->used_memory_clients);
  auto info = Info();
  EXPECT_EQ(info["rdb_changes_since_last_save"], std::to_string(stats->changes));
  EXPECT_EQ(std::stoull(info["total_commands_processed"]), stats->commands_processed);
}

}  // namespace
}  // namespace larder::testing
