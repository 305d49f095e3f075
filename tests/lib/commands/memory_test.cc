// MEMORY. Shapes and errors are what redis-server 7.0.15 replied when asked.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class MemoryTest : public CommandTest {
 protected:
  int64_t Usage(std::string_view key) {
    const Reply reply = Run({"MEMORY", "USAGE", key});
    return reply.is_nil() ? -1 : reply.integer();
  }
  // The fields of STATS that are integers, and those of the databases behind their names.
  std::map<std::string, int64_t> Fields() {
    std::map<std::string, int64_t> fields;
    const Reply reply = Run({"MEMORY", "STATS"});
    Collect("", reply, &fields);
    return fields;
  }
  void Collect(const std::string& prefix, const ReplyView& map, std::map<std::string, int64_t>* fields) {
    const std::vector<ReplyView> elements = ElementsOf(map);
    ASSERT_EQ(elements.size() % 2, 0u);
    for (size_t i = 0; i < elements.size(); i += 2) {
      const std::string name = prefix + elements[i].AsString();
      const ReplyView& value = elements[i + 1];
      if (value.type() == ReplyView::Type::kInteger) (*fields)[name] = value.integer();
      else if (value.type() == ReplyView::Type::kArray || value.type() == ReplyView::Type::kMap) {
        Collect(name + ".", value, fields);
      }
      names_.push_back(name);
    }
  }
  std::vector<std::string> names_;
};
LARDER_COMMAND_TEST(MemoryTest);

TEST_P(MemoryTest, UsageIsWhatAKeyAddsToTheDataset) {
  const std::vector<std::vector<std::string>> all = {
      {"SET", "key1", "v"}, {"SET", "key2", std::string(5000, 'v')}, {"SET", "key3", std::string(100'000, 'v')},
      {"SET", "key4", "123", "EX", "100"}, {"HSET", "key5", "f", "v"}, {"SADD", "key6", "1", "2", "x"},
      {"RPUSH", "key7", "a", std::string(3000, 'b')}, {"ZADD", "key8", "1", "a"}, {"XADD", "key9", "*", "f", "v"},
      {"PFADD", "key0", "a"}, {"GEOADD", "keyx", "1", "1", "a"}};
  for (const std::vector<std::string>& argv : all) {
    const int64_t before = Fields()["dataset.bytes"];
    Run(argv);
    const int64_t added = Fields()["dataset.bytes"] - before;
    EXPECT_NEAR(static_cast<double>(Usage(argv[1])), static_cast<double>(added), 64) << ::testing::PrintToString(argv);
    EXPECT_GE(Usage(argv[1]), 16);
  }
  EXPECT_EQ(Usage("none"), -1);
}

TEST_P(MemoryTest, UsageGrowsWithTheValueAndSamplesChangeNothing) {
  Run({"RPUSH", "l", "a"});
  const int64_t small = Usage("l");
  for (int i = 0; i < 5000; ++i) Run({"RPUSH", "l", "element" + std::to_string(i)});
  const int64_t large = Usage("l");
  EXPECT_GT(large, small + 5000 * 12);
  EXPECT_LT(large, 5000 * 40);
  for (const char* const samples : {"0", "1", "5", "9223372036854775807"}) {
    EXPECT_THAT(Run({"MEMORY", "USAGE", "l", "SAMPLES", samples}), IsInt(large));
  }
  EXPECT_THAT(Run({"MEMORY", "USAGE", "l", "samples", "1", "SAMPLES", "2"}), IsInt(large));
}

TEST_P(MemoryTest, UsageLeavesTheKeyAsItWas) {
  Run({"SET", "k", "v", "PX", "5000"});
  Run({"CONFIG", "RESETSTAT"});
  Advance(absl::Seconds(3));
  Usage("k");
  Usage("none");
  EXPECT_THAT(Run({"OBJECT", "IDLETIME", "k"}), IsInt(3));
  EXPECT_THAT(Run({"INFO", "stats"}).AsString(), HasSubstr("keyspace_misses:0"));
  Advance(absl::Seconds(3));
  EXPECT_EQ(Usage("k"), -1);
}

TEST_P(MemoryTest, UsageSaysWhatIsWrong) {
  Run({"SET", "k", "v"});
  for (const std::vector<std::string>& argv : std::vector<std::vector<std::string>>{
           {"SAMPLES"}, {"SAMPLES", "-1"}, {"FOO", "1"}, {"FOO"}, {"SAMPLES", "1", "FOO"}}) {
    std::vector<std::string> all = {"MEMORY", "USAGE", "none"};
    all.insert(all.end(), argv.begin(), argv.end());
    EXPECT_THAT(Run(all), IsError("ERR syntax error"));
  }
  EXPECT_THAT(Run({"MEMORY", "USAGE", "k", "SAMPLES", "x"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"MEMORY", "USAGE"}), IsError("ERR wrong number of arguments for 'memory|usage' command"));
  EXPECT_THAT(Run({"MEMORY"}), IsError("ERR wrong number of arguments for 'memory' command"));
  EXPECT_THAT(Run({"MEMORY", "FOO"}), IsError("ERR unknown subcommand 'FOO'. Try MEMORY HELP."));
}

TEST_P(MemoryTest, StatsAddUp) {
  for (int i = 0; i < 1000; ++i) Run({"SET", "key" + std::to_string(i), std::string(100, 'v')});
  Run({"SELECT", "3"});
  Run({"SET", "k", "v", "EX", "100"});
  std::map<std::string, int64_t> fields = Fields();
  EXPECT_EQ(Run({"MEMORY", "STATS"}).type(), protocol() == 3 ? ReplyView::Type::kMap : ReplyView::Type::kArray);
  EXPECT_EQ(names_.size(), 28u + 1 + 2 * 3);  // 27 of the cache, and two databases of three
  EXPECT_EQ(fields["keys.count"], 1001);
  EXPECT_EQ(fields["overhead.total"] + fields["dataset.bytes"], fields["total.allocated"]);
  EXPECT_GE(fields["peak.allocated"], fields["total.allocated"]);
  EXPECT_GT(fields["db.0.overhead.hashtable.main"], 8000);
  EXPECT_GT(fields["db.3.overhead.hashtable.main"], 0);
  EXPECT_EQ(fields["db.3.overhead.hashtable.expires"], 0);
  EXPECT_GE(fields["overhead.total"], fields["startup.allocated"] + fields["clients.normal"] +
                                          fields["db.0.overhead.hashtable.main"]);
  EXPECT_GT(fields["dataset.bytes"], 100'000);
  EXPECT_GE(fields["keys.bytes-per-key"], 110);
  EXPECT_LT(fields["keys.bytes-per-key"], 1000);
  EXPECT_GE(fields["allocator.active"], fields["allocator.allocated"]);
  EXPECT_EQ(fields["allocator.active"] - fields["allocator.allocated"], fields["allocator-fragmentation.bytes"]);
  EXPECT_EQ(fields["replication.backlog"], 0);
  Run({"FLUSHALL"});
  EXPECT_EQ(Fields().count("db.0.overhead.hashtable.main"), 0u);
}

TEST_P(MemoryTest, DoctorNamesWhatIsOutOfTheOrdinary) {
  EXPECT_THAT(Run({"MEMORY", "DOCTOR"}).AsString(), HasSubstr("less than 5 MB"));
  const std::string mega(1 << 20, 'v');
  for (int i = 0; i < 24; ++i) Run({"SET", "key" + std::to_string(i), mega});
  EXPECT_THAT(Run({"MEMORY", "DOCTOR"}).AsString(), Not(HasSubstr("at the peak")));
  for (int i = 0; i < 16; ++i) Run({"DEL", "key" + std::to_string(i)});
  EXPECT_THAT(Run({"MEMORY", "DOCTOR"}).AsString(), HasSubstr("at the peak"));
}

TEST_P(MemoryTest, PurgeGivesMemoryBack) {
  for (int i = 0; i < 20'000; ++i) Run({"SET", "key" + std::to_string(i), std::string(500, 'v')});
  Run({"FLUSHALL"});
  EXPECT_THAT(Run({"MEMORY", "PURGE"}), IsOk());
  // All but the arena's last chunk.
  EXPECT_LT(Fields()["allocator-fragmentation.bytes"], 4 << 20);
  EXPECT_THAT(Run({"MEMORY", "PURGE"}), IsOk());
}

TEST_P(MemoryTest, MallocStatsAreTheArenas) {
  Run({"SET", "k", std::string(100'000, 'v')});
  EXPECT_THAT(Run({"MEMORY", "MALLOC-STATS"}).AsString(), StartsWith("arena: "));
}

TEST_P(MemoryTest, HelpListsTheSubcommands) {
  const Reply reply = Run({"MEMORY", "HELP"});
  EXPECT_EQ(ElementsOf(reply).size(), 14u);
  EXPECT_THAT(reply[0].AsString(), StartsWith("MEMORY <subcommand>"));
}

}  // namespace
}  // namespace larder::testing
