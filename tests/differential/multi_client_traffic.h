// Random traffic of several clients at once: some wait (BLPOP, XREAD BLOCK), some listen to channels, others write what
// these wait for, inside transactions too, and end waits and connections.
//
// What a step is depends on what the clients and the keys have come to: a client that waits seldom sends more, a list
// that somebody waits for is soon pushed to. The runner tells the generator, as it has seen it on both sides.
//
// Left out: what tells the time or is left to chance; times that end within an episode; keyspace events, which Larder
// sends before the reply (lib/engine/keyspace_events.h).
#ifndef LARDER_TESTS_DIFFERENTIAL_MULTI_CLIENT_TRAFFIC_H_
#define LARDER_TESTS_DIFFERENTIAL_MULTI_CLIENT_TRAFFIC_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/differential/generator.h"
#include "tests/differential/value.h"

namespace differential {

inline constexpr int kClients = 6;

// "\x01id3" as an argument is the id of client 3, which differs between the sides.
inline constexpr std::string_view kClientIdMark = "\x01id";

struct ClientState {
  int protocol = 2;
  bool waits = false;
  bool in_multi = false;
  int channels = 0;  // with patterns and shard channels
};

struct TrafficState {
  std::array<ClientState, kClients> clients;
  std::map<std::string, std::string> type_of;  // of the keys of TrafficKeys() that are in database 0
};

struct TrafficStep {
  enum Kind {
    kSend,    // the commands, at once
    kHangUp,  // the client goes, and another one comes in its place
  };
  Kind kind = kSend;
  int client = 0;
  std::vector<Argv> commands;
};

class MultiClientGenerator {
 public:
  // `behind`: clients send more behind a command that waits.
  MultiClientGenerator(uint64_t seed, bool behind) : random_(seed), behind_(behind) {}
  TrafficStep Next(const TrafficState& state);

 private:
  enum Kind { kList, kZset, kStream, kKinds };

  int PickClient();
  Argv Command(const ClientState& client);
  Argv AnyWrite();
  std::vector<Argv> Transaction();
  Argv Blocking();
  Argv BlockingPop();
  Argv BlockingMove();
  Argv BlockingZpop();
  Argv BlockingRead();
  Argv ListWrite(const std::string& key);
  Argv ListMove();
  Argv ZsetWrite(const std::string& key);
  Argv ZsetStore();
  Argv StreamWrite(const std::string& key);
  Argv GroupWrite(const std::string& key);
  bool MaySwap() const;
  Argv KeyWrite();
  Argv OtherType();
  Argv Subscription();
  Argv Publish();
  Argv Read();
  Argv Connection();
  Argv Admin();

  std::string Key(Kind kind);
  void Await(Kind kind, const std::string& key) { awaited_[actor_].emplace_back(kind, key); }
  std::pair<Kind, std::string> Awaited();
  std::string AwaitedKey(Kind kind);
  std::string EmptyKey(Kind kind);
  std::string AnyKey();
  void AddKeys(Kind kind, Argv* argv);
  std::string Value();
  int Repeats(int few);
  std::string Score();
  std::string Timeout();
  std::string NextId();
  std::string Group();
  std::string Channel();
  std::string Id();
  std::string End() { return random_.Chance(50) ? "LEFT" : "RIGHT"; }

  Random random_;
  const bool behind_;
  const TrafficState* state_ = nullptr;
  // The keys of the last command of each client that may wait. Those of clients that do wait are to be written.
  std::array<std::vector<std::pair<Kind, std::string>>, kClients> awaited_;
  std::array<bool, kClients> silenced_ = {};  // they have used CLIENT REPLY
  size_t actor_ = 0;
  int stream_ms_ = 10;
};

// Every key that the traffic makes.
const std::vector<std::string>& TrafficKeys();

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_MULTI_CLIENT_TRAFFIC_H_
