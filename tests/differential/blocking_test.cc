// Clients that wait, on redis-server 7.0.15 and here: scripts of what several clients send, one after another, and all
// that every one of them has been sent after each step.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/differential/sides.h"
#include "tests/differential/value.h"

namespace differential {
namespace {

// A line of a script: a client's name, then its command; several, which it sends at once, with ";;" between. "@name" is
// the id of that client. "AWAIT name", at the end: until that client has been sent something, for what time alone
// brings. "name HANGUP": it closes its connection.
struct Script {
  const char* name;
  const char* lines;
};

class Stage {
 public:
  explicit Stage(std::unique_ptr<Side> side) : side_(std::move(side)), control_(side_->Connect()) {}

  // What all clients have been sent after the line, by their names.
  std::string Step(const std::string& line) {
    std::istringstream words(line);
    std::string name, word, awaited;
    words >> name;
    Client& client = Of(name);
    std::string bytes;
    Argv argv;
    while (words >> word) {
      if (word == "AWAIT") {
        words >> awaited;
        break;
      }
      if (word == "HANGUP") {
        const std::string gone = client.id;
        clients_.erase(name);
        while (Ask(*control_, {"CLIENT", "LIST", "ID", gone}).text.find("id=") != std::string::npos) {
        }
        return Drained();
      }
      if (word == ";;") {
        bytes += Encode(argv);
        argv.clear();
        continue;
      }
      argv.push_back(word[0] == '@' ? Of(word.substr(1)).id : word);
    }
    bytes += Encode(argv);
    client.link->Send(bytes);
    // It has run when its client has been answered or waits. What it has brought to others, and what those had sent
    // behind, is sent some turns of a server's loop later at the latest.
    while (!Has(client) && !Waits(client) && !client.link->closed()) {
    }
    while (!awaited.empty() && !Has(Of(awaited))) side_->Settle();
    for (int turns = 0; turns < 4; ++turns) Ask(*control_, {"PING"});
    return Drained();
  }

  void End() {
    clients_.clear();
    Ask(*control_, {"FLUSHALL"});
    Ask(*control_, {"CONFIG", "SET", "notify-keyspace-events", ""});
    while (Ask(*control_, {"INFO", "clients"}).text.find("blocked_clients:0\r\n") == std::string::npos) {
    }
  }

 private:
  struct Client {
    std::unique_ptr<Link> link;
    std::string id;
    std::string got;
  };

  Client& Of(const std::string& name) {
    Client& client = clients_[name];
    if (client.link == nullptr) {
      client.link = side_->Connect();
      client.link->Send(Encode({"CLIENT", "ID"}));
      std::string id = client.link->Receive();
      client.id = id.substr(1, id.find('\r') - 1);
    }
    return client;
  }
  bool Has(Client& client) {
    client.got += client.link->Drain();
    return !client.got.empty();
  }
  bool Waits(Client& client) {
    const std::string line = Ask(*control_, {"CLIENT", "LIST", "ID", client.id}).text;
    const size_t flags = line.find(" flags=");
    if (flags == std::string::npos) return false;
    return line.substr(flags + 7, line.find(' ', flags + 1) - flags - 7).find('b') != std::string::npos;
  }
  std::string Drained() {
    std::string all;
    for (auto& [name, client] : clients_) {
      (void)Has(client);
      if (!client.got.empty()) all += name + ": " + client.got;
      client.got.clear();
    }
    return all;
  }

  std::unique_ptr<Side> side_;
  std::unique_ptr<Link> control_;
  std::map<std::string, Client> clients_;
};

constexpr Script kScripts[] = {
    {"Timeouts", R"(
a BLPOP k 0.01 AWAIT a
a BLMOVE k d LEFT RIGHT 0.01 AWAIT a
a BLMPOP 0.01 1 k LEFT AWAIT a
a BZPOPMIN k 1e-9 AWAIT a
a BZMPOP 0.01 1 k MIN AWAIT a
a XREAD BLOCK 10 STREAMS k $ AWAIT a
a WAIT 1 10 AWAIT a
a MULTI
a WAIT 1 0
a EXEC)"},
    {"Errors", R"(
a BLPOP k -1
a BLPOP k x
a BLPOP k inf
a BLPOP k nan
a BLPOP k 1e30
a BLPOP k 0x
a BLPOP k 1x
a BLMPOP x 0 k LEFT
a BLMPOP 0 1 k FOO
a BLMPOP 0 1 k LEFT COUNT 0
a BLMPOP 0 1 k LEFT COUNT 1 COUNT 1
a BLMPOP 0 2 k LEFT
a BLMPOP x 1 k LEFT
a BZMPOP x 1 k FOO
a BZMPOP -1 1 k MIN
a BLMOVE k d FOO RIGHT x
a BLMOVE k d LEFT RIGHT x
a BRPOPLPUSH k d -2
a XREAD BLOCK x STREAMS k $
a XREAD BLOCK -1 STREAMS k $
a WAIT x x
a WAIT 1 x
a WAIT 1 -1
a WAIT 0 0
a WAIT -1 7
a SET s x
a BLPOP none s 0
a BLMOVE s d LEFT LEFT 0
a BZPOPMIN s 0
a XREAD BLOCK 0 STREAMS s 0
a CLIENT UNBLOCK x
a CLIENT UNBLOCK 99999999
a CLIENT UNBLOCK @a FOO)"},
    {"Order", R"(
a BLPOP k 0
c BRPOP k 0
d BLMOVE k k2 LEFT LEFT 0
e BLPOP k2 0
b RPUSH k 1 2 3 4 5
b LRANGE k 0 -1)"},
    {"ExecOrder", R"(
a BLPOP k1 k2 0
b MULTI ;; RPUSH k2 b ;; RPUSH k1 a ;; EXEC
a BLPOP k3 k4 0
b MULTI ;; SET k4 x ;; RPUSH k3 b ;; DEL k4 ;; RPUSH k4 1 ;; EXEC
a BLPOP k5 k6 0
b MULTI ;; RPUSH k6 x ;; DEL k6 ;; RPUSH k5 1 ;; RPUSH k6 2 ;; EXEC
b FLUSHALL
a BLPOP q1 0
c BLPOP q2 q1 0
d BLPOP q1 q2 0
b MULTI ;; RPUSH q1 1 2 ;; RPUSH q2 3 ;; EXEC)"},
    {"ChainWithEvents", R"(
a BLMOVE s1 s2 LEFT RIGHT 0
c BLMOVE s2 s3 LEFT RIGHT 0
d BLPOP s3 0
b CONFIG SET notify-keyspace-events KEA
e PSUBSCRIBE __key*
b RPUSH s1 v
a BLMOVE r r LEFT RIGHT 0
c BLMOVE r r LEFT RIGHT 0
b RPUSH r 1 2 3
a BZPOPMIN z 0
b ZADD z 1 x
a BLMPOP 0 1 m RIGHT COUNT 5
b RPUSH m 1 2 3)"},
    {"WrongTypes", R"(
a BLPOP k 0
b ZADD k 1 m
c BZPOPMIN k 0
b RPUSH k e
a BLMOVE s d LEFT RIGHT 0
b SET d x
b RPUSH s 1 2
b LRANGE s 0 -1
a BLPOP o 0
b SET o x
b RPUSH src 1 2
b SORT src STORE o
b RENAME src o)"},
    {"TypesThatOthersWaitFor", R"(
a BZPOPMIN z 0
b ZADD src 1 m
b MULTI ;; RPUSH z e ;; ZRANGESTORE z src 0 0 ;; EXEC
b DEL z
c BRPOP other 0
b MULTI ;; RPUSH z e ;; ZRANGESTORE z src 0 0 ;; EXEC
b RPUSH other e
b RPUSH l e
a BRPOP m 0
b XADD m 1-1 f v
b SORT l ALPHA STORE m
b DEL m
b XADD m 1-1 f v
c XREAD BLOCK 0 STREAMS other2 $
b SORT l ALPHA STORE m
b XADD m2 1-1 f v
a BRPOP m2 0
b SORT l ALPHA STORE m2
b COPY m2 m3 DB 1
b SELECT 1
b XADD m4 1-1 f v
b SELECT 0
a BRPOP m4 0
b SWAPDB 0 1
b RPUSH l e
b SORT l ALPHA STORE m4
b FLUSHALL
b RPUSH l e
a BRPOP m 0
b MULTI ;; XADD m 1-1 f v ;; SORT l ALPHA STORE m ;; EXEC)"},
    {"OtherWays", R"(
b RPUSH src 2 1
a BLPOP k 0
b COPY src k
b DEL k
a BLPOP k 0
b SORT src STORE k
b DEL k
a BLPOP k 0
b SET k x
b COPY src k REPLACE
b DEL k
a BLPOP k 0
b COPY src k DB 1
b SWAPDB 0 1
a BZPOPMIN z 0
b ZADD y 1 a 2 b
b ZRANGESTORE z y 0 -1
b ZUNIONSTORE z 1 y
a BZPOPMAX z2 0
b ZUNIONSTORE z2 1 y
a BLPOP mv 0
b SELECT 1
b RPUSH mv v
b MOVE mv 0)"},
    {"SortedSets", R"(
a BZPOPMAX z 0
c BZPOPMIN z 0
d BZMPOP 0 1 z MAX COUNT 2
f HELLO 3
f BZPOPMIN z 0
b ZADD z 1 a 2 b 3 c 4 d 5 e
b ZRANGE z 0 -1)"},
    {"Streams", R"(
b XADD s 1-1 f v
a XREAD BLOCK 0 STREAMS s $
c XREAD COUNT 1 BLOCK 0 STREAMS t s $ $
d HELLO 3
d XREAD BLOCK 0 STREAMS s 0-5 ;; PING
d XREAD BLOCK 0 STREAMS s $
b MULTI ;; XADD s 1-2 f v ;; XADD s 1-3 f v ;; EXEC
a XREAD BLOCK 0 STREAMS n 0-0
b MULTI ;; XADD n 1-1 f v ;; XDEL n 1-1 ;; EXEC
a XREAD BLOCK 0 STREAMS m $
b RPUSH m 1
b DEL m
b XADD x 1-1 f v
b RENAME x m
a XREAD BLOCK 0 STREAMS e $
b XADD e MAXLEN 0 1-1 f v)"},
    {"Groups", R"(
b XGROUP CREATE s g $ MKSTREAM
a XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >
c XREADGROUP GROUP g c2 COUNT 1 BLOCK 0 STREAMS s >
d XREAD BLOCK 0 STREAMS s $
f XREADGROUP GROUP g c3 NOACK BLOCK 0 STREAMS s >
b CONFIG SET notify-keyspace-events KEA
e PSUBSCRIBE __key*
b XADD s 1-1 f v
b XADD s 1-2 f v
b XADD s 1-3 f v
b XPENDING s g)"},
    {"GroupsThatEnd", R"(
b XGROUP CREATE s g $ MKSTREAM
a XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >
b DEL s
b XGROUP CREATE s g $ MKSTREAM
a XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >
b XGROUP DESTROY s g
b XGROUP CREATE s g $ MKSTREAM
a XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >
b SET s x
b DEL s
b XGROUP CREATE s g $ MKSTREAM
a XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >
b RENAME s s2
b XGROUP CREATE s g $ MKSTREAM
a XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >
b SWAPDB 0 1
b XGROUP CREATE s g $ MKSTREAM
a XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >
b FLUSHALL
b XGROUP CREATE s g $ MKSTREAM
a XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >
b XADD t 5-5 f v
b COPY t s REPLACE
b DEL s
b XGROUP CREATE s g $ MKSTREAM
a XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >
b PEXPIRE s 5 AWAIT a
b XGROUP CREATE s g $ MKSTREAM
a XREADGROUP GROUP g c1 BLOCK 0 STREAMS s >
b MULTI ;; DEL s ;; XGROUP CREATE s g $ MKSTREAM ;; EXEC
b XADD s 1-1 f v
b FLUSHALL
b XGROUP CREATE s g $ MKSTREAM
b XADD s 1-1 f v
b XREADGROUP GROUP g c1 STREAMS s >
b XADD s MAXLEN 0 2-1 f v
a XREADGROUP GROUP g c2 BLOCK 0 STREAMS s >
b XAUTOCLAIM s g c1 0 0 COUNT 2 JUSTID
b XDEL s 1-1
b XGROUP SETID s g 0
b XADD s 3-1 f v
b XADD t MAXLEN 0 25-1 f v
b XGROUP CREATE t g 0
a XREAD BLOCK 0 STREAMS t 20-0
b XGROUP DESTROY t g)"},
    {"Unblock", R"(
a BLPOP k 0
b CLIENT UNBLOCK @a
b CLIENT UNBLOCK @a
a BLMOVE k d LEFT LEFT 0
b CLIENT UNBLOCK @a TIMEOUT
a BLPOP k 0
b CLIENT UNBLOCK @a ERROR
a WAIT 1 0
b CLIENT UNBLOCK @a ERROR
a WAIT 1 0
b CLIENT UNBLOCK @a
a HELLO 3
a XREAD BLOCK 0 STREAMS k $
b CLIENT UNBLOCK @a)"},
    {"PipelinesAndEnds", R"(
b SET x 1
a BLPOP k 0 ;; PING ;; GET x
b SET x 2 ;; RPUSH k v ;; SET x 3
a BLPOP k 0 ;; RESET ;; PING
b RPUSH k v
a CLIENT REPLY SKIP ;; BLPOP k 0 ;; PING
b RPUSH k v
a BLPOP k 0
c BLPOP k 0
a HANGUP
b RPUSH k v
a BLPOP k 0
c BLPOP k 0
b CLIENT KILL ID @a
b RPUSH k v
c BLPOP k k k 0
b RPUSH k 1 2
b LRANGE k 0 -1
a BLPOP q 0 ;; RPUSH order a
c BLPOP q 0 ;; RPUSH order c
d BLPOP q 0 ;; RPUSH order d
b RPUSH q 1 2 3
b LRANGE order 0 -1)"},
    {"Subscribers", R"(
a HELLO 3
a SUBSCRIBE ch
a BLPOP k 0 ;; PING
b PUBLISH ch hello
b RPUSH k v
b CONFIG SET notify-keyspace-events KEA
a PSUBSCRIBE __keyevent*
a BLPOP k 0
b RPUSH k v)"},
    {"Transactions", R"(
a MULTI ;; BLPOP k 0 ;; BLMOVE k d LEFT LEFT 0 ;; BZPOPMIN k 0 ;; BLMPOP 0 1 k LEFT ;; BZMPOP 0 1 k MIN ;; EXEC
a MULTI ;; XREAD BLOCK 0 STREAMS k $ ;; WAIT 1 0 ;; BRPOPLPUSH k d 0 ;; EXEC
a HELLO 3
a MULTI ;; BLPOP k 0 ;; BLMOVE k d LEFT LEFT 0 ;; XREAD BLOCK 0 STREAMS k $ ;; EXEC)"},
};

class BlockingScriptTest : public ::testing::TestWithParam<Script> {};

TEST_P(BlockingScriptTest, GivesTheSame) {
  Stage theirs(StartRedis());
  Stage ours(StartLarder({.socket = true}));
  std::istringstream lines(GetParam().lines);
  std::string line;
  std::string done;
  while (std::getline(lines, line) && !HasFailure()) {
    if (line.empty()) continue;
    done += line + '\n';
    const std::string they = theirs.Step(line);
    const std::string we = ours.Step(line);
    if (line.find("HELLO") != std::string::npos) continue;  // its reply says who is there
    EXPECT_EQ(we, they) << done;
  }
  theirs.End();
  ours.End();
}

INSTANTIATE_TEST_SUITE_P(Scripts, BlockingScriptTest, ::testing::ValuesIn(kScripts),
                         [](const ::testing::TestParamInfo<Script>& info) { return info.param.name; });

}  // namespace
}  // namespace differential
