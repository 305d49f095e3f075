#include "tests/differential/multi_client_traffic.h"

#include <algorithm>
#include <set>

namespace differential {
namespace {

// Of each kind, and some that are of any.
constexpr const char* kKeysOf[3][3] = {{"l0", "l1", "l2"}, {"z0", "z1", "z2"}, {"s0", "s1", "s2"}};
constexpr const char* kMixedKeys[] = {"m0", "m1", "m2"};
constexpr const char* kTypeOf[] = {"list", "zset", "stream"};
constexpr std::string_view kChannels[] = {"c0", "c0", "c1", "c1", "c2", "d0", "d0", "", {"c\0\r\n\xff", 5}};
constexpr const char* kPatterns[] = {"c*", "*", "c[01]", "d?", "x*"};

bool MayWait(const Argv& argv) {
  return argv[0][0] == 'B' || argv[0] == "WAIT" || std::find(argv.begin(), argv.end(), "BLOCK") != argv.end();
}

void Append(Argv* argv, const Argv& more) { argv->insert(argv->end(), more.begin(), more.end()); }

}  // namespace

const std::vector<std::string>& TrafficKeys() {
  static const std::vector<std::string> kAll = [] {
    std::vector<std::string> all(std::begin(kMixedKeys), std::end(kMixedKeys));
    for (const auto& of_kind : kKeysOf) all.insert(all.end(), std::begin(of_kind), std::end(of_kind));
    return all;
  }();
  return kAll;
}

// ---- Steps ----------------------------------------------------------------------------------------------------------

TrafficStep MultiClientGenerator::Next(const TrafficState& state) {
  state_ = &state;
  TrafficStep step;
  step.client = PickClient();
  actor_ = static_cast<size_t>(step.client);
  const ClientState& client = state.clients[actor_];
  if (!client.waits) awaited_[actor_].clear();
  const int kind = random_.Below(100);
  if (kind < 2) {
    step.kind = TrafficStep::kHangUp;
  } else if (kind < 14 && !client.in_multi && (client.channels == 0 || client.protocol == 3)) {
    step.commands = Transaction();
  } else {
    const int count = kind < 24 ? 2 + random_.Below(4) : 1;
    for (int i = 0; i < count; ++i) {
      step.commands.push_back(Command(client));
      if (!behind_ && MayWait(step.commands.back())) break;
    }
  }
  // RESET ends a batch of Larder's, so that others may run before what stands behind it. Redis does not close whoever
  // says QUIT after CLIENT REPLY OFF.
  for (Argv& argv : step.commands) {
    silenced_[actor_] |= argv.size() == 3 && argv[1] == "REPLY";
    if (argv[0] == "QUIT" && silenced_[actor_]) argv = {"PING"};
    if (argv[0] == "RESET" && (step.commands.size() > 1 || client.waits)) argv = {"PING"};
  }
  return step;
}

// Client 0 waits only inside MULTI, that is never, so that there is always one to go on. Of those that wait, few send
// something behind.
int MultiClientGenerator::PickClient() {
  for (int tries = 0; tries < 8; ++tries) {
    const int client = random_.Chance(25) ? 0 : random_.Below(kClients);
    if (!state_->clients[static_cast<size_t>(client)].waits || (behind_ && random_.Chance(4))) return client;
  }
  return 0;
}

Argv MultiClientGenerator::Command(const ClientState& client) {
  const bool is_writer = &client == &state_->clients[0];
  if (client.in_multi && random_.Chance(25)) return {random_.Chance(85) ? "EXEC" : "DISCARD"};
  if (client.channels != 0 && client.protocol == 2 && random_.Chance(90)) {
    return random_.Chance(75) ? Subscription() : random_.Chance(40) ? Argv{"PING", "p"} : Argv{"RESET"};
  }
  const int family = random_.Below(100);
  if (family < 40 && !is_writer) return Blocking();
  if (family < 47) return is_writer && client.protocol == 2 ? Publish() : Subscription();
  if (family < 57) return Publish();
  if (family < 86) return AnyWrite();
  if (family < 91) return Read();
  if (family < 95) return Connection();
  return Admin();
}

Argv MultiClientGenerator::AnyWrite() {
  const int family = random_.Below(100);
  if (family < 55) {
    const auto [kind, key] = Awaited();
    return kind == kList ? ListWrite(key) : kind == kZset ? ZsetWrite(key) : StreamWrite(key);
  }
  if (family < 62) return ListWrite(Key(kList));
  if (family < 67) return ListMove();
  if (family < 72) return ZsetWrite(Key(kZset));
  if (family < 75) return ZsetStore();
  if (family < 80) return StreamWrite(Key(kStream));
  if (family < 86) return GroupWrite(Key(kStream));
  if (family < 94) return KeyWrite();
  return OtherType();
}

std::vector<Argv> MultiClientGenerator::Transaction() {
  std::vector<Argv> commands;
  const int kind = random_.Below(10);
  if (kind < 2) commands.push_back({"WATCH", AnyKey(), AnyKey()});
  if (kind == 0) return commands;
  commands.push_back({"MULTI"});
  for (int i = random_.Below(5); i >= 0; --i) {
    const int what = random_.Below(20);
    commands.push_back(what < 15   ? AnyWrite()
                       : what < 17 ? Publish()
                       : what < 18 ? Blocking()
                       : what < 19 ? Read()
                                   : Subscription());
  }
  if (kind < 9) commands.push_back({random_.Chance(95) ? "EXEC" : "DISCARD"});
  return commands;
}

// ---- Commands that wait ---------------------------------------------------------------------------------------------

Argv MultiClientGenerator::Blocking() {
  const int what = random_.Below(100);
  if (what < 35) return BlockingPop();
  if (what < 55) return BlockingMove();
  if (what < 75) return BlockingZpop();
  if (what < 99) return BlockingRead();
  return {"WAIT", "1", "0"};
}

Argv MultiClientGenerator::BlockingPop() {
  Argv argv;
  if (random_.Chance(70)) {
    argv.push_back(random_.Chance(50) ? "BLPOP" : "BRPOP");
    AddKeys(kList, &argv);
    argv.push_back(Timeout());
    return argv;
  }
  Argv keys;
  AddKeys(kList, &keys);
  argv = {"BLMPOP", Timeout(), std::to_string(keys.size())};
  Append(&argv, keys);
  argv.push_back(End());
  if (random_.Chance(50)) Append(&argv, {"COUNT", std::to_string(1 + random_.Below(4))});
  return argv;
}

Argv MultiClientGenerator::BlockingMove() {
  Argv keys;
  keys.push_back(EmptyKey(kList));
  Await(kList, keys[0]);
  const std::string destination = random_.Chance(85) ? Key(kList) : AnyKey();
  if (random_.Chance(40)) return {"BRPOPLPUSH", keys[0], destination, Timeout()};
  return {"BLMOVE", keys[0], destination, End(), End(), Timeout()};
}

Argv MultiClientGenerator::BlockingZpop() {
  Argv argv;
  if (random_.Chance(70)) {
    argv.push_back(random_.Chance(50) ? "BZPOPMIN" : "BZPOPMAX");
    AddKeys(kZset, &argv);
    argv.push_back(Timeout());
    return argv;
  }
  Argv keys;
  AddKeys(kZset, &keys);
  argv = {"BZMPOP", Timeout(), std::to_string(keys.size())};
  Append(&argv, keys);
  argv.push_back(random_.Chance(50) ? "MIN" : "MAX");
  if (random_.Chance(50)) Append(&argv, {"COUNT", std::to_string(1 + random_.Below(4))});
  return argv;
}

Argv MultiClientGenerator::BlockingRead() {
  const bool of_group = random_.Chance(45);
  Argv argv = {of_group ? "XREADGROUP" : "XREAD"};
  if (of_group) Append(&argv, {"GROUP", Group(), "w" + std::to_string(random_.Below(3))});
  if (random_.Chance(30)) Append(&argv, {"COUNT", std::to_string(1 + random_.Below(3))});
  Append(&argv, {"BLOCK", random_.Chance(80) ? "0" : "3000000"});
  if (of_group && random_.Chance(25)) argv.push_back("NOACK");
  argv.push_back("STREAMS");
  Argv ids;
  for (int i = random_.Chance(75) ? 0 : random_.Below(3); i >= 0; --i) {
    argv.push_back(Key(kStream));
    Await(kStream, argv.back());
    if (of_group) {
      ids.push_back(random_.Chance(92) ? ">" : "0");
    } else {
      ids.push_back(random_.Chance(70) ? "$" : std::to_string(stream_ms_ - random_.Below(4)) + "-0");
    }
  }
  Append(&argv, ids);
  return argv;
}

// ---- Writes ---------------------------------------------------------------------------------------------------------

Argv MultiClientGenerator::ListWrite(const std::string& key) {
  static constexpr const char* kPushes[] = {"LPUSH", "RPUSH", "LPUSH", "RPUSH", "LPUSHX", "RPUSHX"};
  const int what = random_.Below(20);
  if (what < 12) {
    Argv argv = {random_.Pick(kPushes), key};
    for (int i = Repeats(5); i >= 0; --i) argv.push_back(Value());
    return argv;
  }
  switch (what) {
    case 12: return {"LPOP", key};
    case 13: return {"RPOP", key, std::to_string(random_.Below(5))};
    case 14: return {"LINSERT", key, "BEFORE", Value(), Value()};
    case 15: return {"LTRIM", key, "0", std::to_string(random_.Below(3) - 1)};
    case 16: return {"LREM", key, "0", Value()};
    case 17: return {"LSET", key, "0", Value()};
    case 18: return {"LMPOP", "2", Key(kList), key, End(), "COUNT", std::to_string(1 + random_.Below(3))};
    default: return {"DEL", key};
  }
}

Argv MultiClientGenerator::ListMove() {
  switch (random_.Below(4)) {
    case 0: return {"RPOPLPUSH", Key(kList), AwaitedKey(kList)};
    case 1: {
      // Redis makes a skiplist of whatever sorted set is sorted; Larder does not, so that is not asked for.
      const std::string key = Key(kList);
      const auto found = state_->type_of.find(key);
      if (found != state_->type_of.end() && found->second == "zset") return {"LMOVE", key, key, End(), End()};
      return {"SORT", key, "ALPHA", "STORE", AwaitedKey(kList)};
    }
    default: return {"LMOVE", Key(kList), AwaitedKey(kList), End(), End()};
  }
}

Argv MultiClientGenerator::ZsetWrite(const std::string& key) {
  static constexpr const char* kOptions[] = {"NX", "XX", "GT", "CH", "LT"};
  const int what = random_.Below(20);
  if (what < 12) {
    Argv argv = {"ZADD", key};
    if (random_.Chance(20)) argv.push_back(random_.Pick(kOptions));
    for (int i = Repeats(4); i >= 0; --i) Append(&argv, {Score(), i < 10 ? Value() : std::to_string(i)});
    return argv;
  }
  switch (what) {
    case 12: return {"ZADD", key, "INCR", Score(), Value()};
    case 13: return {"ZINCRBY", key, Score(), Value()};
    case 14: return {"ZREM", key, Value()};
    case 15: return {"ZPOPMIN", key, std::to_string(random_.Below(5))};
    case 16: return {"ZMPOP", "2", Key(kZset), key, "MAX", "COUNT", std::to_string(1 + random_.Below(3))};
    case 17: return {"GEOADD", key, "13.361389", "38.115556", Value()};
    case 18: return {"ZREMRANGEBYRANK", key, "0", std::to_string(random_.Below(3))};
    default: return {"DEL", key};
  }
}

Argv MultiClientGenerator::ZsetStore() {
  static constexpr const char* kStores[] = {"ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"};
  switch (random_.Below(3)) {
    case 0: return {"ZRANGESTORE", AwaitedKey(kZset), Key(kZset), "0", std::to_string(random_.Below(4) - 1)};
    case 1: return {random_.Pick(kStores), AwaitedKey(kZset), "1", Key(kZset)};
    default: return {random_.Pick(kStores), AwaitedKey(kZset), "2", Key(kZset), Key(kZset)};
  }
}

Argv MultiClientGenerator::StreamWrite(const std::string& key) {
  const int what = random_.Below(20);
  const std::string older = std::to_string(std::max(1, stream_ms_ - random_.Below(6)));
  if (what < 14) {
    Argv argv = {"XADD", key};
    if (random_.Chance(10)) argv.push_back("NOMKSTREAM");
    if (random_.Chance(15)) Append(&argv, {"MAXLEN", std::to_string(random_.Below(4))});
    Append(&argv, {NextId(), "f", Value()});
    return argv;
  }
  switch (what) {
    case 14: return {"XDEL", key, older + "-1"};
    case 15: return {"XTRIM", key, "MAXLEN", std::to_string(random_.Below(5))};
    case 16: return {"XTRIM", key, "MINID", older};
    case 17: return {"XSETID", key, std::to_string(stream_ms_) + "-1"};
    case 18: return GroupWrite(key);
    default: return {"DEL", key};
  }
}

Argv MultiClientGenerator::GroupWrite(const std::string& key) {
  const std::string consumer = "w" + std::to_string(random_.Below(3));
  const std::string older = std::to_string(std::max(1, stream_ms_ - random_.Below(6))) + "-1";
  switch (random_.Below(14)) {
    case 0: case 1: case 2: case 3: return {"XGROUP", "CREATE", key, Group(), "$", "MKSTREAM"};
    case 4: return {"XGROUP", "CREATE", key, Group(), "0"};
    case 5: return {"XGROUP", "DESTROY", key, Group()};
    case 6: return {"XGROUP", "SETID", key, Group(), random_.Chance(50) ? "$" : "0"};
    case 7: return {"XGROUP", "CREATECONSUMER", key, Group(), consumer};
    case 8: return {"XGROUP", "DELCONSUMER", key, Group(), consumer};
    case 9: return {"XACK", key, Group(), older};
    case 10: return {"XCLAIM", key, Group(), consumer, "0", older, "JUSTID"};
    case 11: return {"XAUTOCLAIM", key, Group(), consumer, "0", "0", "COUNT", "2", "JUSTID"};
    default: return {"XREADGROUP", "GROUP", Group(), consumer, "COUNT", "2", "STREAMS", key, ">"};
  }
}

// Whoever waits for keys of both databases is served in the order of a hash table of keys: at most one is waited for.
bool MultiClientGenerator::MaySwap() const {
  std::set<std::string> keys;
  for (size_t i = 0; i < kClients; ++i) {
    if (!state_->clients[i].waits && i != actor_) continue;
    for (const auto& [kind, key] : awaited_[i]) keys.insert(key);
  }
  return keys.size() <= 1;
}

// Keys come, go and change their place, whatever is in them.
Argv MultiClientGenerator::KeyWrite() {
  switch (random_.Below(24)) {
    case 0: case 1: case 2: return {"DEL", AnyKey(), AnyKey()};
    case 3: return {"UNLINK", AnyKey()};
    case 4: case 5: case 6: return {"RENAME", AnyKey(), AnyKey()};
    case 7: return {"RENAMENX", AnyKey(), AnyKey()};
    case 8: case 9: return {"COPY", AnyKey(), AnyKey(), "REPLACE"};
    case 10: return {"COPY", AnyKey(), AnyKey()};
    case 11: case 12: return {"COPY", AnyKey(), AnyKey(), "DB", "1", "REPLACE"};
    case 13: case 14: return {"MOVE", AnyKey(), random_.Chance(50) ? "1" : "0"};
    case 15: return MaySwap() ? Argv{"SWAPDB", "0", "1"} : Argv{"DEL", AnyKey()};
    case 16: return {"EXPIRE", AnyKey(), "-1"};
    case 17: return {"PEXPIREAT", AnyKey(), "1"};
    case 18: return {"EXPIRE", AnyKey(), "100000"};
    case 19: return {"PERSIST", AnyKey()};
    case 20: return {random_.Chance(30) ? "FLUSHALL" : "FLUSHDB"};
    case 21: return {"SELECT", "1"};
    default: return {"SELECT", "0"};
  }
}

Argv MultiClientGenerator::OtherType() {
  const std::string key = random_.Chance(50) ? Awaited().second : AnyKey();
  switch (random_.Below(9)) {
    case 0: return {"SET", key, Value()};
    case 1: return {"SETNX", key, Value()};
    case 2: return {"SADD", key, Value(), Value()};
    case 3: return {"HSET", key, Value(), Value()};
    case 4: return {"INCR", key};
    case 5: return {"APPEND", key, Value()};
    case 6: return {"GETDEL", key};
    case 7: return {"SUNIONSTORE", key, AnyKey(), AnyKey()};
    default: return {"PFADD", key, Value()};
  }
}

// ---- Channels -------------------------------------------------------------------------------------------------------

Argv MultiClientGenerator::Subscription() {
  const int what = random_.Below(18);
  if (what < 3) {
    Argv argv = {"PSUBSCRIBE"};
    for (int i = random_.Below(3); i >= 0; --i) argv.push_back(random_.Pick(kPatterns));
    return argv;
  }
  if (what < 4) return {"PUNSUBSCRIBE", random_.Pick(kPatterns), random_.Pick(kPatterns)};
  if (what < 6) {
    static constexpr const char* kAll[] = {"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"};
    return {random_.Pick(kAll)};
  }
  Argv argv = {what < 12 ? "SUBSCRIBE" : what < 15 ? "SSUBSCRIBE" : what == 15 ? "UNSUBSCRIBE" : "SUNSUBSCRIBE"};
  for (int i = random_.Below(3); i >= 0; --i) argv.push_back(Channel());
  return argv;
}

Argv MultiClientGenerator::Publish() {
  switch (random_.Below(10)) {
    case 0: return {"PUBSUB", "NUMPAT"};
    case 1: return {"PUBSUB", random_.Chance(50) ? "NUMSUB" : "SHARDNUMSUB", Channel(), Channel()};
    case 2: case 3: case 4: return {"SPUBLISH", Channel(), Value()};
    default: return {"PUBLISH", Channel(), Value()};
  }
}

// ---- The rest -------------------------------------------------------------------------------------------------------

Argv MultiClientGenerator::Read() {
  switch (random_.Below(11)) {
    case 0: return {"LRANGE", Key(kList), "0", "-1"};
    case 1: return {"LLEN", Key(kList)};
    case 2: return {"ZRANGE", Key(kZset), "0", "-1", "WITHSCORES"};
    case 3: return {"XRANGE", Key(kStream), "-", "+"};
    case 4: return {"XLEN", Key(kStream)};
    case 5: return {"XPENDING", Key(kStream), Group()};
    case 6: return {"XINFO", "GROUPS", Key(kStream)};
    case 7: return {"TYPE", AnyKey()};
    case 8: return {"EXISTS", AnyKey(), AnyKey()};
    case 9: return {"OBJECT", "ENCODING", AnyKey()};
    default: return {"DBSIZE"};
  }
}

Argv MultiClientGenerator::Connection() {
  switch (random_.Below(10)) {
    case 0: return {"HELLO", "2"};
    case 1: return {"HELLO", "3"};
    case 2: return {"RESET"};
    case 3: return {"CLIENT", "REPLY", random_.Chance(40) ? "SKIP" : random_.Chance(20) ? "OFF" : "ON"};
    case 4: return {"CLIENT", "SETNAME", "n" + std::to_string(random_.Below(3))};
    case 5: return {"WATCH", AnyKey()};
    case 6: return {"UNWATCH"};
    case 7: return {"MULTI"};
    case 8: return {random_.Chance(20) ? "QUIT" : "PING"};
    default: return {"CLIENT", "GETNAME"};
  }
}

Argv MultiClientGenerator::Admin() {
  switch (random_.Below(8)) {
    case 0: return {"CLIENT", "UNBLOCK", Id(), "TIMEOUT"};
    case 1: case 2: return {"CLIENT", "UNBLOCK", Id(), "ERROR"};
    case 3: return {"CLIENT", "KILL", "ID", Id()};
    default: return {"CLIENT", "UNBLOCK", Id()};
  }
}

// ---- Arguments ------------------------------------------------------------------------------------------------------

std::string MultiClientGenerator::Key(Kind kind) {
  const int chance = random_.Below(100);
  return chance < 80 ? random_.Pick(kKeysOf[kind]) : chance < 95 ? random_.Pick(kMixedKeys) : AnyKey();
}

std::string MultiClientGenerator::AnyKey() {
  const std::vector<std::string>& keys = TrafficKeys();
  return keys[static_cast<size_t>(random_.Below(static_cast<int>(keys.size())))];
}

// A key that somebody waits for, if there is one.
std::pair<MultiClientGenerator::Kind, std::string> MultiClientGenerator::Awaited() {
  const int first = random_.Below(kClients);
  for (int i = 0; i < kClients; ++i) {
    const size_t client = static_cast<size_t>((first + i) % kClients);
    const auto& keys = awaited_[client];
    if (!state_->clients[client].waits || keys.empty()) continue;
    return keys[static_cast<size_t>(random_.Below(static_cast<int>(keys.size())))];
  }
  const Kind kind = static_cast<Kind>(random_.Below(kKinds));
  return {kind, Key(kind)};
}

std::string MultiClientGenerator::AwaitedKey(Kind kind) {
  const auto [found, key] = Awaited();
  return found == kind ? key : Key(kind);
}

// A key at which there is nothing to take, mostly.
std::string MultiClientGenerator::EmptyKey(Kind kind) {
  for (int tries = 0; tries < 4; ++tries) {
    const std::string key = Key(kind);
    const auto found = state_->type_of.find(key);
    if (found == state_->type_of.end() || (found->second != kTypeOf[kind] && random_.Chance(30))) return key;
  }
  return Key(kind);
}

void MultiClientGenerator::AddKeys(Kind kind, Argv* argv) {
  for (int i = random_.Chance(60) ? 0 : random_.Below(3); i >= 0; --i) {
    argv->push_back(EmptyKey(kind));
    Await(kind, argv->back());
  }
}

std::string MultiClientGenerator::Value() {
  static constexpr const char* kValues[] = {"a", "b", "c", "1", "2", "-7", "3.5", "lighthouse", ""};
  const int chance = random_.Below(200);
  if (chance == 0) return std::string(5000, 'L');
  if (chance < 4) return std::string(70, static_cast<char>('a' + random_.Below(3)));
  if (chance < 8) return std::string("\0\r\n\xff", 4);
  return random_.Pick(kValues);
}

// How many more elements than one: none, mostly; seldom so many that the value takes its large form.
int MultiClientGenerator::Repeats(int few) {
  return random_.Chance(60) ? 0 : random_.Chance(98) ? random_.Below(few) : 140;
}

std::string MultiClientGenerator::Score() {
  static constexpr const char* kScores[] = {"0", "1", "2", "-1", "1.5", "1e3", "inf", "-inf"};
  return random_.Pick(kScores);
}

// For ever, or far longer than an episode.
std::string MultiClientGenerator::Timeout() {
  static constexpr const char* kTimeouts[] = {"0", "0", "0", "0.0", "3000", "1e4"};
  return random_.Pick(kTimeouts);
}

std::string MultiClientGenerator::NextId() {
  const std::string id = std::to_string(++stream_ms_);
  return random_.Chance(60) ? id + "-1" : random_.Chance(50) ? id + "-*" : random_.Chance(90) ? id : "5-1";
}

std::string MultiClientGenerator::Group() { return random_.Chance(80) ? "g" : "h"; }

std::string MultiClientGenerator::Channel() { return std::string(random_.Pick(kChannels)); }

std::string MultiClientGenerator::Id() {
  // One that waits, mostly.
  int client = random_.Below(kClients);
  for (int tries = 0; tries < 6 && !state_->clients[static_cast<size_t>(client)].waits; ++tries) {
    client = random_.Below(kClients);
  }
  return std::string(kClientIdMark) + std::to_string(client);
}

}  // namespace differential
