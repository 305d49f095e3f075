// maxmemory-clients, and what CLIENT LIST and INFO say of clients' memory.
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class ClientEvictionTest : public CommandTest {
 protected:
  ClientEvictionTest()
      : CommandTest([this](Options& options) {
          options.log = [this](LogLevel, std::string_view line) { (log_ += line) += '\n'; };
        }) {}
  // A client with so many bytes of a request that is not whole yet.
  std::unique_ptr<TestClient> WithInput(size_t bytes) {
    auto client = std::make_unique<TestClient>(cache(), Via::kResp2);
    const std::string text = "*2\r\n$4\r\nECHO\r\n$10000000\r\n" + std::string(bytes, 'x');
    EXPECT_TRUE(client->connection().Feed(text).ok());
    return client;
  }
  // A client with so many bytes of replies that it has not taken.
  std::unique_ptr<TestClient> WithOutput(size_t bytes) {
    auto client = std::make_unique<TestClient>(cache(), Via::kResp2);
    EXPECT_TRUE(client->connection().Feed("*2\r\n$4\r\nECHO\r\n$" + std::to_string(bytes) + "\r\n" +
                                          std::string(bytes, 'x') + "\r\n").ok());
    return client;
  }
  Reply Direct(std::initializer_list<std::string_view> argv) {
    auto reply = cache().Execute(argv);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *std::move(reply) : Reply();
  }
  // The number of a field of INFO.
  int64_t Info(std::string_view section, std::string_view field) {
    const std::string text = Direct({"INFO", section}).AsString();
    const size_t at = text.find("\n" + std::string(field) + ":");
    EXPECT_NE(at, std::string::npos) << field;
    return std::stoll(text.substr(at + field.size() + 2));
  }
  int64_t Evicted() { return Info("stats", "evicted_clients"); }
  static bool Small(TestClient& client) { return client.connection().Feed("").ok() && !client.closed(); }

  std::string log_;
};
LARDER_COMMAND_TEST(ClientEvictionTest);

TEST_P(ClientEvictionTest, TheLargestGoFirst) {
  auto large = WithInput(3'000'000);
  auto medium = WithInput(1'000'000);
  auto small = WithInput(10'000);
  EXPECT_THAT(Run({"CONFIG", "SET", "maxmemory-clients", "3mb"}), IsOk());
  EXPECT_TRUE(large->closed()) << "at once";
  EXPECT_FALSE(medium->closed());
  EXPECT_FALSE(small->closed());
  EXPECT_EQ(Evicted(), 1);
  EXPECT_THAT(log_, ContainsRegex("Evicting client: id=.* qbuf=30000[0-9][0-9] .*resp=2\n"));
  EXPECT_THAT(Run({"CONFIG", "SET", "maxmemory-clients", "200kb"}), IsOk());
  EXPECT_TRUE(medium->closed());
  EXPECT_FALSE(small->closed());
  EXPECT_EQ(Evicted(), 2);
}

TEST_P(ClientEvictionTest, AValueThatAReplyKeepsCounts) {
  Direct({"SET", "big", std::string(1'000'000, 'v')});
  auto reader = std::make_unique<TestClient>(cache(), Via::kResp2);
  const std::string id = reader->Run({"CLIENT", "ID"}).AsString();
  const auto total = [&] {
    const std::string line = Direct({"CLIENT", "LIST", "ID", id}).AsString();
    return std::stoll(line.substr(line.find(" tot-mem=") + 9));
  };
  const int64_t before = total();
  const int64_t used = Info("memory", "used_memory");
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(reader->connection().Feed("GET big\r\n").ok());
  EXPECT_NEAR(static_cast<double>(total() - before), 10e6, 1e5);
  EXPECT_LT(Info("memory", "used_memory") - used, 100'000) << "there is one value only";
  reader->connection().ConsumeOutput(5'000'000);
  EXPECT_NEAR(static_cast<double>(total() - before), 5e6, 1e5) << "what is sent counts no more";
  EXPECT_THAT(Run({"CONFIG", "SET", "maxmemory-clients", "6mb"}), IsOk());
  EXPECT_FALSE(reader->closed());
  ASSERT_TRUE(reader->connection().Feed("GET big\r\nGET big\r\n").ok());
  EXPECT_TRUE(reader->closed());
  EXPECT_EQ(Evicted(), 1);
  reader.reset();
  auto next = WithOutput(100'000);
  EXPECT_FALSE(next->closed()) << "what it kept is counted no more";
}

TEST_P(ClientEvictionTest, WatchesCount) {
  auto watcher = std::make_unique<TestClient>(cache(), Via::kResp2);
  auto small = WithOutput(1000);
  EXPECT_THAT(Run({"CONFIG", "SET", "maxmemory-clients", "1mb"}), IsOk());
  std::vector<std::string> argv = {"WATCH"};
  for (int i = 0; i < 2000; ++i) argv.push_back("key" + std::to_string(i));
  EXPECT_THAT(watcher->Run(argv), IsOk());
  EXPECT_FALSE(watcher->closed());
  for (int i = 0; i < 20'000; ++i) argv.push_back("key" + std::to_string(i));
  EXPECT_TRUE(watcher->connection().Feed(EncodeRequest(std::vector<std::string_view>(argv.begin(), argv.end()))).ok());
  EXPECT_TRUE(watcher->closed());
  EXPECT_FALSE(small->closed());
  watcher.reset();
  auto next = WithInput(100'000);
  EXPECT_FALSE(next->closed()) << "nobody watches any more";
}

TEST_P(ClientEvictionTest, GrowthIsSeen) {
  Run({"CONFIG", "SET", "maxmemory-clients", "2mb"});
  auto first = WithOutput(1'000'000);
  EXPECT_FALSE(first->closed());
  auto second = WithInput(1'500'000);
  EXPECT_TRUE(second->closed()) << "by what it has sent";
  EXPECT_FALSE(first->closed());
  second.reset();
  auto third = WithOutput(1'100'000);
  EXPECT_TRUE(first->closed() || third->closed()) << "by its reply";
  EXPECT_EQ(Evicted(), 2);
}

TEST_P(ClientEvictionTest, QueuesOfMultiCount) {
  Run({"CONFIG", "SET", "maxmemory-clients", "1mb"});
  TestClient client(cache(), Via::kResp2);
  client.Run({"MULTI"});
  const std::string value(100'000, 'v');
  for (int i = 0; i < 20 && !client.closed(); ++i) client.Run({"SET", "k", value});
  EXPECT_TRUE(client.closed());
}

TEST_P(ClientEvictionTest, NoEvictSpares) {
  TestClient spared(cache(), Via::kResp2);
  EXPECT_THAT(spared.Run({"CLIENT", "NO-EVICT", "on"}), IsOk());
  EXPECT_TRUE(spared.connection().Feed("*2\r\n$4\r\nECHO\r\n$10000000\r\n" + std::string(3'000'000, 'x')).ok());
  auto other = WithInput(500'000);
  Run({"CONFIG", "SET", "maxmemory-clients", "1mb"});
  EXPECT_FALSE(spared.closed());
  EXPECT_TRUE(other->closed()) << "it is not spared for being the smaller one";
  const int64_t evicted = Evicted();
  EXPECT_EQ(evicted, via() == Via::kDirect ? 1 : 2) << "this client, too, if it has a connection";
  TestClient next(cache(), Via::kResp2);
  Direct({"CONFIG", "SET", "maxmemory-clients", "50mb"});
  TestClient small(cache(), Via::kResp2);
  EXPECT_TRUE(Small(small));
}

TEST_P(ClientEvictionTest, PercentIsOfMaxmemory) {
  auto client = WithInput(3'000'000);
  Run({"CONFIG", "SET", "maxmemory-clients", "10%"});
  EXPECT_FALSE(client->closed()) << "there is no maxmemory";
  Run({"CONFIG", "SET", "maxmemory", "100mb"});
  EXPECT_FALSE(client->closed());
  Run({"CONFIG", "SET", "maxmemory", "20mb"});
  EXPECT_TRUE(client->closed());
  EXPECT_THAT(Run({"CONFIG", "GET", "maxmemory-clients"}),
              IsMap(::testing::ElementsAre(::testing::Pair(IsBulk("maxmemory-clients"), IsBulk("10%")))));
}

TEST_P(ClientEvictionTest, AMonitorThatDoesNotReadIsAClientLikeOthers) {
  Run({"CONFIG", "SET", "maxmemory-clients", "1mb"});
  TestClient monitor(cache(), Via::kResp2);
  EXPECT_THAT(monitor.Run({"MONITOR"}), IsOk());
  const std::string value(100'000, 'v');
  for (int i = 0; i < 20 && !monitor.closed(); ++i) {
    EXPECT_TRUE(cache().Set("k", value).ok());
    TestClient(cache(), Via::kResp2).Run({"PING"});
  }
  EXPECT_TRUE(monitor.closed());
}

TEST_P(ClientEvictionTest, MemoryIsShownTruly) {
  auto input = WithInput(500'000);  // too little for it to be given a block of its own
  auto output = WithOutput(500'000);
  EXPECT_GE(Info("clients", "client_recent_max_input_buffer"), 500'000);
  EXPECT_LT(Info("clients", "client_recent_max_input_buffer"), 4'000'000);
  EXPECT_EQ(Info("clients", "client_recent_max_output_buffer"), 500'011);
  const std::string list = Direct({"CLIENT", "LIST"}).AsString();
  EXPECT_THAT(list, ContainsRegex(" qbuf=5000[0-9][0-9] "));
  EXPECT_THAT(list, HasSubstr(" obl=500011 oll=0 omem=0 "));
  int64_t sum = 0;
  for (size_t at = list.find(" tot-mem="); at != std::string::npos; at = list.find(" tot-mem=", at + 1)) {
    sum += std::stoll(list.substr(at + 9));
  }
  const int64_t counted = static_cast<int64_t>(cache().Stats()->used_memory_clients);
  EXPECT_EQ(sum, counted);
}

// So that maxmemory and maxmemory-clients see it.
TEST_P(ClientEvictionTest, AClientsNameCountsAsItsMemory) {
  const std::string name(1 << 20, 'n');
  TestClient client(cache(), via());
  ASSERT_THAT(client.Run({"CLIENT", "GETNAME"}), IsNil());
  const uint64_t before = cache().Stats()->used_memory;
  ASSERT_THAT(client.Run({"CLIENT", "SETNAME", name}), IsOk());
  EXPECT_GE(cache().Stats()->used_memory, before + name.size());
  ASSERT_THAT(client.Run({"CLIENT", "SETNAME", ""}), IsOk());
  EXPECT_LT(cache().Stats()->used_memory, before + name.size() / 2);
}

}  // namespace
}  // namespace larder::testing
