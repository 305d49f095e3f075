// Pub/sub. What is replied and pushed, and in which order, is as redis-server 7.0.15 did when asked.
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

// A client whose replies are read as bytes. CRLF is shown as a blank, and sizes of bulks are left out.
class Peer {
 public:
  explicit Peer(Cache& cache, int protocol = 2) : client_(cache, protocol == 2 ? Via::kResp2 : Via::kResp3) {}

  // A request, its words separated by blanks.
  std::string Ask(std::string_view request) {
    std::istringstream words{std::string(request)};
    std::string text;
    int count = 0;
    for (std::string word; words >> word; ++count) {
      text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    }
    return Shown(client_.Send("*" + std::to_string(count) + "\r\n" + text));
  }
  std::string Take() { return Shown(client_.Take()); }
  TestClient& client() { return client_; }

 private:
  static std::string Shown(const std::string& bytes) {
    std::string shown;
    for (size_t at = 0; at < bytes.size();) {
      const size_t end = bytes.find("\r\n", at);
      const std::string line = bytes.substr(at, end - at);
      at = end + 2;
      if (line[0] == '$' && line != "$-1") continue;
      shown += (shown.empty() ? "" : " ") + line;
    }
    return shown;
  }

  TestClient client_;
};

class PubSubTest : public ::testing::Test {
 protected:
  PubSubTest() {
    Options options;
    options.clock = std::make_shared<ManualClock>();
    options.background = Background::kTick;
    options.seed = 1;
    cache_ = std::move(Cache::Open(options)).value();
  }
  Cache& cache() { return *cache_; }

 private:
  std::unique_ptr<Cache> cache_;
};

TEST_F(PubSubTest, SubscribersAreToldHowManySubscriptionsTheyHave) {
  Peer peer(cache());
  EXPECT_EQ(peer.Ask("SUBSCRIBE a b a"), "*3 subscribe a :1 *3 subscribe b :2 *3 subscribe a :2");
  EXPECT_EQ(peer.Ask("PSUBSCRIBE h* *"), "*3 psubscribe h* :3 *3 psubscribe * :4");
  EXPECT_EQ(peer.Ask("SSUBSCRIBE s"), "*3 ssubscribe s :1");
  EXPECT_EQ(peer.Ask("UNSUBSCRIBE a zz"), "*3 unsubscribe a :3 *3 unsubscribe zz :3");
  EXPECT_EQ(peer.Ask("UNSUBSCRIBE"), "*3 unsubscribe b :2");
  EXPECT_EQ(peer.Ask("PUNSUBSCRIBE"), "*3 punsubscribe h* :1 *3 punsubscribe * :0");
  EXPECT_EQ(peer.Ask("SUNSUBSCRIBE"), "*3 sunsubscribe s :0");
  EXPECT_EQ(peer.Ask("UNSUBSCRIBE"), "*3 unsubscribe $-1 :0");
  EXPECT_EQ(peer.Ask("PUNSUBSCRIBE"), "*3 punsubscribe $-1 :0");
  EXPECT_EQ(peer.Ask("SUNSUBSCRIBE"), "*3 sunsubscribe $-1 :0");
}

TEST_F(PubSubTest, ATransactionMaySubscribeButNotToShardChannels) {
  Peer peer(cache());
  peer.Ask("MULTI");
  peer.Ask("SSUBSCRIBE s");
  peer.Ask("SUBSCRIBE a");
  peer.Ask("PSUBSCRIBE p");
  EXPECT_EQ(peer.Ask("EXEC"), "*3 -ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client *3 subscribe a :1 "
                              "*3 psubscribe p :2");
}

TEST_F(PubSubTest, AKilledClientIsNoSubscriberAnyMore) {
  Peer peer(cache()), other(cache());
  const std::string id = peer.Ask("CLIENT ID").substr(1);
  peer.Ask("SUBSCRIBE c");
  peer.Ask("PSUBSCRIBE c*");
  EXPECT_EQ(other.Ask("PUBLISH c x"), ":2");
  EXPECT_EQ(other.Ask("CLIENT KILL ID " + id), ":1");
  EXPECT_EQ(other.Ask("PUBLISH c x"), ":0");
  EXPECT_EQ(other.Ask("PUBSUB NUMSUB c"), "*2 c :0");
  EXPECT_EQ(other.Ask("PUBSUB NUMPAT"), ":0");
}

TEST_F(PubSubTest, ASilentClientsOwnMessageComesWhereItIsPublished) {
  Peer peer(cache(), 3);
  peer.Ask("SUBSCRIBE c");
  peer.Ask("CLIENT REPLY OFF");
  EXPECT_EQ(peer.Ask("PUBLISH c alone"), ">3 message c alone");
  for (const char* queued : {"MULTI", "PUBLISH c x", "UNSUBSCRIBE c", "PUBLISH c y"}) EXPECT_EQ(peer.Ask(queued), "");
  EXPECT_EQ(peer.Ask("EXEC"), ">3 message c x >3 unsubscribe c :0");
}

TEST_F(PubSubTest, AMessageGoesToTheChannelThenToPatterns) {
  Peer two(cache(), 2), three(cache(), 3), publisher(cache());
  two.Ask("PSUBSCRIBE * n?ws");
  two.Ask("SUBSCRIBE news");
  EXPECT_EQ(three.Ask("SUBSCRIBE news"), ">3 subscribe news :1");
  three.Ask("SSUBSCRIBE news");
  EXPECT_EQ(publisher.Ask("PUBLISH news hi"), ":4");
  EXPECT_EQ(two.Take(), "*3 message news hi *4 pmessage * news hi *4 pmessage n?ws news hi");
  EXPECT_EQ(three.Take(), ">3 message news hi");
  EXPECT_EQ(publisher.Ask("SPUBLISH news hi"), ":1");
  EXPECT_EQ(two.Take(), "");
  EXPECT_EQ(three.Take(), ">3 smessage news hi");
  EXPECT_EQ(publisher.Ask("PUBLISH other x"), ":1");
  EXPECT_EQ(publisher.Ask("SPUBLISH other x"), ":0");
}

TEST_F(PubSubTest, ASubscriberOfResp2MaySendFewCommands) {
  Peer peer(cache());
  for (const std::string kind : {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"}) {
    peer.Ask(kind + " a");
    const std::string context =
        ": only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";
    EXPECT_EQ(peer.Ask("GET x"), "-ERR Can't execute 'get'" + context);
    EXPECT_EQ(peer.Ask("PUBSUB NUMPAT"), "-ERR Can't execute 'pubsub|numpat'" + context);
    EXPECT_EQ(peer.Ask("HELLO 3"), "-ERR Can't execute 'hello'" + context);
    EXPECT_EQ(peer.Ask("GET"), "-ERR wrong number of arguments for 'get' command");
    EXPECT_EQ(peer.Ask("PING"), "*2 pong ");
    EXPECT_EQ(peer.Ask("PING hi"), "*2 pong hi");
    EXPECT_EQ(peer.Ask("RESET"), "+RESET");
    EXPECT_EQ(peer.Ask("GET x"), "$-1");
  }
  peer.Ask("SUBSCRIBE a");
  EXPECT_EQ(peer.Ask("QUIT"), "+OK");
}

TEST_F(PubSubTest, ASubscriberOfResp3MaySendAllAndGetsItsOwnMessageWithinTheReply) {
  Peer peer(cache(), 3);
  peer.Ask("SUBSCRIBE a");
  EXPECT_EQ(peer.Ask("PUBLISH a x"), ">3 message a x :1");
  peer.Ask("PSUBSCRIBE a*");
  EXPECT_EQ(peer.Ask("PUBLISH a y"), ">3 message a y >4 pmessage a* a y :2");
  EXPECT_EQ(peer.Ask("PING"), "+PONG");
  peer.Ask("MULTI");
  for (const char* queued : {"SUBSCRIBE c d", "PUBLISH a z", "GET x", "UNSUBSCRIBE c"}) {
    EXPECT_EQ(peer.Ask(queued), "+QUEUED");
  }
  EXPECT_EQ(peer.Ask("EXEC"),
            "*4 >3 subscribe c :3 >3 subscribe d :4 >3 message a z >4 pmessage a* a z :2 _ >3 unsubscribe c :3");
}

TEST_F(PubSubTest, InsideExecOfResp2MessagesComeInTheirPlaceToo) {
  Peer peer(cache());
  for (const char* sent : {"MULTI", "SUBSCRIBE m", "GET x", "PUBLISH m x"}) peer.Ask(sent);
  EXPECT_EQ(peer.Ask("EXEC"), "*3 *3 subscribe m :1 $-1 *3 message m x :1");
}

TEST_F(PubSubTest, ClientReplySilencesNoMessage) {
  Peer peer(cache(), 3), other(cache());
  EXPECT_EQ(peer.Ask("CLIENT REPLY OFF"), "");
  EXPECT_EQ(peer.Ask("SUBSCRIBE r"), ">3 subscribe r :1");
  EXPECT_EQ(peer.Ask("PING"), "");
  other.Ask("PUBLISH r 1");
  EXPECT_EQ(peer.Take(), ">3 message r 1");
  EXPECT_EQ(peer.Ask("PUBLISH r 2"), ">3 message r 2");
  EXPECT_EQ(peer.Ask("UNSUBSCRIBE"), ">3 unsubscribe r :0");
  EXPECT_EQ(peer.Ask("CLIENT REPLY ON"), "+OK");
}

TEST_F(PubSubTest, PubSubTellsWhoListens) {
  Peer peer(cache()), other(cache());
  peer.Ask("SUBSCRIBE a b");
  peer.Ask("PSUBSCRIBE * x*");
  peer.Ask("SSUBSCRIBE s");
  EXPECT_EQ(other.Ask("PUBSUB CHANNELS"), "*2 a b");
  EXPECT_EQ(other.Ask("PUBSUB CHANNELS a*"), "*1 a");
  EXPECT_EQ(other.Ask("PUBSUB SHARDCHANNELS"), "*1 s");
  EXPECT_EQ(other.Ask("PUBSUB NUMSUB a zz a"), "*6 a :1 zz :0 a :1");
  EXPECT_EQ(other.Ask("PUBSUB NUMSUB"), "*0");
  EXPECT_EQ(other.Ask("PUBSUB SHARDNUMSUB s a"), "*4 s :1 a :0");
  EXPECT_EQ(other.Ask("PUBSUB NUMPAT"), ":2");
  EXPECT_EQ(other.Ask("PUBSUB CHANNELS a b"),
            "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.");
  EXPECT_EQ(other.Ask("PUBSUB FOO"), "-ERR unknown subcommand 'FOO'. Try PUBSUB HELP.");
  EXPECT_THAT(other.Ask("CLIENT LIST TYPE pubsub"), ContainsRegex("flags=P db=0 sub=2 psub=2 ssub=1 .* cmd=ssubscribe"));
  peer.client().Send("*2\r\n$9\r\nSUBSCRIBE\r\n$0\r\n\r\n");  // no pattern but "" matches the empty name
  EXPECT_EQ(other.Ask("PUBSUB CHANNELS"), "*3 a b ");
  EXPECT_EQ(other.Ask("PUBSUB CHANNELS *"), "*2 a b");
  EXPECT_EQ(other.client().Send("*3\r\n$7\r\nPUBLISH\r\n$0\r\n\r\n$1\r\nx\r\n"), ":1\r\n");
  peer.client().Send("*2\r\n$11\r\nUNSUBSCRIBE\r\n$0\r\n\r\n");
  const std::string info = other.Ask("INFO stats");
  EXPECT_THAT(info, HasSubstr("pubsub_channels:2 pubsub_patterns:2 pubsubshard_channels:1"));
}

TEST_F(PubSubTest, WhoLeavesIsSubscribedNoMore) {
  Peer other(cache());
  {
    Peer peer(cache());
    peer.Ask("SUBSCRIBE a b c");
    peer.Ask("PSUBSCRIBE *");
    EXPECT_EQ(other.Ask("PUBLISH a x"), ":2");
  }
  EXPECT_EQ(other.Ask("PUBLISH a x"), ":0");
  EXPECT_EQ(other.Ask("PUBSUB CHANNELS"), "*0");
  EXPECT_EQ(other.Ask("PUBSUB NUMPAT"), ":0");
}

TEST_F(PubSubTest, ThousandsOfSubscriptionsEndInSteps) {
  Peer peer(cache()), other(cache());
  for (int i = 0; i < 3000; ++i) peer.Ask("SUBSCRIBE channel:" + std::to_string(i));
  EXPECT_EQ(peer.Ask("RESET"), "+RESET");
  EXPECT_EQ(other.Ask("PUBSUB CHANNELS"), "*0");
  EXPECT_EQ(peer.Ask("SUBSCRIBE a"), "*3 subscribe a :1");
}

TEST_F(PubSubTest, ADirectSessionHasNoPlaceForMessages) {
  auto session = cache().NewSession();
  ASSERT_TRUE(session.ok());
  const auto reply = (*session)->Execute({"SUBSCRIBE", "a"});
  ASSERT_TRUE(reply.ok());
  EXPECT_TRUE(reply->is_error());
  EXPECT_THAT(reply->AsString(), HasSubstr("needs a connection"));
  EXPECT_EQ(cache().Execute({"PUBLISH", "a", "x"})->integer(), 0);
  EXPECT_TRUE(cache().Execute({"SUBSCRIBE", "a"})->is_error());
}

TEST_F(PubSubTest, SubscriptionsCountAsTheirClientsMemory) {
  Peer peer(cache()), other(cache());
  const auto memory = [&] {
    const std::string list = other.Ask("CLIENT LIST TYPE pubsub");
    return std::stoll(list.substr(list.find("tot-mem=") + 8));
  };
  peer.Ask("SUBSCRIBE a");
  const auto before = memory();
  for (int i = 0; i < 100; ++i) peer.Ask("SUBSCRIBE " + std::string(100, 'c') + std::to_string(i));
  EXPECT_GT(memory(), before + 100 * 150);
  for (int i = 0; i < 100; ++i) peer.Ask("UNSUBSCRIBE " + std::string(100, 'c') + std::to_string(i));
  EXPECT_LT(memory(), before + 1000);
}

}  // namespace
}  // namespace larder::testing
