#include "tests/fault/command_cases.h"

#include <set>
#include <string_view>
#include <utility>

#include "tests/fault/world.h"
#include "tests/shapes/requests.h"

namespace larder::testing {
namespace {

constexpr uint8_t kVaries = CommandCase::kVaries;
constexpr uint8_t kCloses = CommandCase::kCloses;
constexpr uint8_t kKeepsRoom = CommandCase::kKeepsRoom;
constexpr uint8_t kWaits = CommandCase::kWaits;

std::string Value(size_t bytes) { return World::ValueOf(bytes); }

// MSET's or MSETNX's arguments: `count` new keys with values of these sizes in turn.
Argv ManyPairs(std::string name, size_t count, std::vector<size_t> sizes) {
  Argv argv = {std::move(name)};
  for (size_t i = 0; i < count; ++i) {
    argv.push_back("new:" + std::to_string(i));
    argv.push_back(Value(sizes[i % sizes.size()]));
  }
  return argv;
}

void AddStrings(std::vector<CommandCase>* to) {
  for (const size_t size : {5, 700, 3000, 40'000}) {
    for (const char* key : {"fresh", "short", "large", "huge", "ttl"}) {
      to->push_back({{"SET", key, Value(size)}});
      to->push_back({{"APPEND", key, Value(size)}});
    }
    to->push_back({{"SET", "fresh", Value(size), "EX", "100"}});
    to->push_back({{"SET", "huge", Value(size), "GET"}});
    to->push_back({{"SET", "large", Value(size), "KEEPTTL", "GET"}});
    to->push_back({{"SET", "ttl-large", Value(size), "KEEPTTL"}});
    to->push_back({{"SET", "large", Value(size), "NX"}});
    to->push_back({{"SET", "large", Value(size), "XX", "PX", "5000"}});
    to->push_back({{"SETEX", "fresh", "100", Value(size)}});
    to->push_back({{"PSETEX", "large", "100000", Value(size)}});
    to->push_back({{"SETNX", "fresh", Value(size)}});
    to->push_back({{"GETSET", "large", Value(size)}});
    to->push_back({{"GETSET", "fresh", Value(size)}});
    to->push_back({{"SETRANGE", "short", "10", Value(size)}});
    to->push_back({{"SETRANGE", "large", "2990", Value(size)}});
    to->push_back({{"SETRANGE", "fresh", std::to_string(size), "x"}});
    to->push_back({{"GETRANGE", "huge", "0", std::to_string(size)}});
    to->push_back({{"SUBSTR", "huge", "0", std::to_string(size)}});
  }
  for (const char* key : {"missing", "short", "number", "medium", "large", "huge", "ttl"}) {
    to->push_back({{"GET", key}});
    to->push_back({{"GETDEL", key}});
    to->push_back({{"GETEX", key}});
    to->push_back({{"GETEX", key, "EX", "100"}});
    to->push_back({{"GETEX", key, "PERSIST"}});
  }
  for (const char* key : {"missing", "number"}) {
    to->push_back({{"INCR", key}});
    to->push_back({{"DECR", key}});
    to->push_back({{"INCRBY", key, "1000000000000"}});
    to->push_back({{"DECRBY", key, "5"}});
    to->push_back({{"INCRBYFLOAT", key, "1.5"}});
  }
  to->push_back({{"INCR", "short"}});
  to->push_back({{"MGET", "short", "medium", "large", "huge", "missing"}});
  to->push_back({ManyPairs("MSET", 20, {5}), {}, kKeepsRoom});
  to->push_back({ManyPairs("MSET", 8, {5, 700, 3000, 40'000}), {}, kKeepsRoom});
  to->push_back({ManyPairs("MSET", 300, {5}), {}, kKeepsRoom});
  to->push_back(
      {{"MSET", "short", Value(3000), "fresh", Value(40'000), "number", "1", "ttl", Value(700)}, {}, kKeepsRoom});
  to->push_back({ManyPairs("MSETNX", 8, {5, 700, 3000, 40'000}), {}, kKeepsRoom});
  to->push_back({{"MSETNX", "fresh", Value(3000), "short", "x"}});
  to->push_back({{"LCS", "short", "ttl"}});
  to->push_back({{"LCS", "medium", "large"}});
  to->push_back({{"LCS", "short", "ttl", "IDX", "MINMATCHLEN", "1", "WITHMATCHLEN"}});
}

// HSET of so many fields.
Argv Hash(std::string key, size_t fields) {
  Argv argv = {"HSET", std::move(key)};
  for (size_t i = 0; i < fields; ++i) {
    argv.push_back("field" + std::to_string(i));
    argv.push_back(Value(10 + i % 7));
  }
  return argv;
}

// A hash of each form: in its entry, as a tree in order of arrival, as a tree in order of hash. That a refused change has
// split a node is no change of the hash.
void AddHashes(std::vector<CommandCase>* to) {
  const std::pair<const char*, size_t> kHashes[] = {{"missing", 0}, {"small", 3}, {"full", 100}, {"tree", 400},
                                                    {"table", 600}};
  for (const auto& [key, fields] : kHashes) {
    std::vector<Argv> before;
    if (fields != 0) before.push_back(Hash(key, fields));
    const auto add = [&](Argv argv, uint8_t traits = kKeepsRoom) {
      to->push_back({std::move(argv), before, traits});
    };
    for (const size_t size : {5, 300, 3000}) {
      add({"HSET", key, "fresh", Value(size)});
      add({"HSET", key, "field2", Value(size)});
      add({"HSET", key, "field2", Value(size), "fresh", Value(size), Value(size), "x"});
    }
    add({"HSETNX", key, "fresh", "x"});
    add({"HINCRBY", key, "fresh", "7"});
    add({"HINCRBYFLOAT", key, "fresh", "7.5"});
    add({"HDEL", key, "field1"});
    add({"HDEL", key, "field1", "field2", "field0", "nothing"});
    add({"HGETALL", key});
    add({"HMGET", key, "field1", "nothing", "field2"});
    add({"HSCAN", key, "0", "COUNT", "100"});
    add({"HRANDFIELD", key, "2", "WITHVALUES"}, kVaries | kKeepsRoom);
    add({"COPY", key, "fresh"});
    add({"RENAME", key, "a name that is longer than the one that it had before, so that it needs room"});
    add({"EXPIRE", key, "100"});
    add({"DEL", key});
    add({"SET", key, Value(3000)});
  }
  to->push_back({{"HDEL", "copied", "field7"}, {Hash("tree", 600), {"COPY", "tree", "copied"}}, kKeepsRoom});
  to->push_back({{"HSET", "copied", "fresh", Value(2000)}, {Hash("tree", 600), {"COPY", "tree", "copied"}}, kKeepsRoom});
  to->push_back({{"HSET", "tree", "one more", "x"}, {Hash("tree", 512)}, kKeepsRoom});
}

// A stream of so many entries, of which a group has been given half.
std::vector<Argv> StreamOf(const std::string& key, int entries) {
  std::vector<Argv> made;
  for (int i = 1; i <= entries; ++i) made.push_back({"XADD", key, std::to_string(i), "field", Value(10 + static_cast<size_t>(i) % 7)});
  made.push_back({"XGROUP", "CREATE", key, "g", "0", "MKSTREAM"});
  made.push_back({"XREADGROUP", "GROUP", "g", "c", "COUNT", std::to_string(entries / 2), "STREAMS", key, ">"});
  return made;
}

void AddStreams(std::vector<CommandCase>* to) {
  for (const int entries : {1, 30, 250}) {
    const std::string key = "s" + std::to_string(entries);
    const std::vector<Argv> before = StreamOf(key, entries);
    const auto add = [&](Argv argv, uint8_t traits = kKeepsRoom) { to->push_back({std::move(argv), before, traits}); };
    for (const size_t size : {5, 300, 3000}) {
      add({"XADD", key, "5000-*", "field", Value(size)});
      add({"XADD", key, "MAXLEN", "~", "10", "5000-1", "fresh", Value(size), "field", "x"});
    }
    add({"XTRIM", key, "MAXLEN", "7"});
    add({"XDEL", key, "1", "3", "9999"});
    add({"XSETID", key, "7000-1"});
    add({"XRANGE", key, "-", "+"});
    add({"XREAD", "STREAMS", key, "0"});
    add({"XGROUP", "CREATE", key, "another", "$"});
    add({"XGROUP", "SETID", key, "g", "1"});
    add({"XGROUP", "DESTROY", key, "g"});
    add({"XGROUP", "CREATECONSUMER", key, "g", "d"});
    add({"XGROUP", "DELCONSUMER", key, "g", "c"});
    add({"XREADGROUP", "GROUP", "g", "d", "STREAMS", key, ">"});
    add({"XREADGROUP", "GROUP", "g", "c", "STREAMS", key, "0"});
    add({"XACK", key, "g", "1", "2", "3"});
    add({"XPENDING", key, "g"});
    add({"XPENDING", key, "g", "-", "+", "100"});
    add({"XCLAIM", key, "g", "d", "0", "1", "2", "200", "FORCE"});
    add({"XAUTOCLAIM", key, "g", "d", "0", "0"});
    add({"XINFO", "STREAM", key, "FULL", "COUNT", "0"});
    add({"XINFO", "GROUPS", key});
    add({"XINFO", "CONSUMERS", key, "g"});
    add({"COPY", key, "fresh"});
    add({"DEL", key});
  }
}

// SADD of so many members, which are integers if there is no prefix.
Argv SetOf(std::string key, std::string_view prefix, size_t members) {
  Argv argv = {"SADD", std::move(key)};
  for (size_t i = 0; i < members; ++i) argv.push_back(std::string(prefix) + std::to_string(i));
  return argv;
}

// A set of each form: integers and texts, in the entry and as a tree.
void AddSets(std::vector<CommandCase>* to) {
  struct Form {
    const char* key;
    const char* prefix;
    size_t members;
  };
  constexpr Form kForms[] = {{"missing", "", 0},    {"integers", "", 3},     {"wide", "200000000000", 400},
                             {"small", "member", 3}, {"full", "member", 128}, {"tree", "member", 600}};
  for (const auto& [key, prefix, members] : kForms) {
    std::vector<Argv> before = {SetOf("other", "member", 5), {"SADD", "other", "1", "2000000000007"}};
    if (members != 0) before.push_back(SetOf(key, prefix, members));
    const auto add = [&](Argv argv, uint8_t traits = kKeepsRoom) {
      to->push_back({std::move(argv), before, traits});
    };
    const std::string one = std::string(prefix) + "1";
    for (const size_t size : {5, 300, 3000}) {
      add({"SADD", key, Value(size)});
      add({"SADD", key, "77", Value(size), "7777777777", "x"});
    }
    add({"SADD", key, "9223372036854775807"});
    add({"SREM", key, one});
    add({"SREM", key, one, std::string(prefix) + "2", std::string(prefix) + "0", "nothing"});
    add({"SMEMBERS", key});
    add({"SMISMEMBER", key, one, "nothing"});
    add({"SSCAN", key, "0", "COUNT", "100"});
    add({"SRANDMEMBER", key, "2"}, kVaries | kKeepsRoom);
    add({"SRANDMEMBER", key, "-5"}, kVaries | kKeepsRoom);
    add({"SPOP", key, "1000"});
    add({"SMOVE", key, "other", one});
    add({"SMOVE", key, "fresh", one});
    add({"SMOVE", "other", key, "member4"});
    add({"SINTER", key, "other"});
    add({"SUNION", key, "other", "missing"});
    add({"SDIFF", key, "other"});
    add({"SINTERCARD", "2", key, "other", "LIMIT", "1"});
    for (const char* command : {"SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"}) {
      add({command, "fresh", key, "other"});
      add({command, "other", key, "other"});
      add({command, "short", key});
    }
    add({"SUNION", key, "other", "a", "b", "c"});
    add({"COPY", key, "fresh"});
    add({"EXPIRE", key, "100"});
    add({"DEL", key});
    add({"SET", key, Value(3000)});
  }
  to->push_back({{"SREM", "copied", "member7"}, {SetOf("tree", "member", 600), {"COPY", "tree", "copied"}}, kKeepsRoom});
  to->push_back({{"SADD", "copied", Value(2000)}, {SetOf("tree", "member", 600), {"COPY", "tree", "copied"}}, kKeepsRoom});
  to->push_back({{"SADD", "most", "512"}, {SetOf("most", "", 512)}, kKeepsRoom});
}

// ZADD of so many members.
Argv Zset(std::string key, size_t members) {
  Argv argv = {"ZADD", std::move(key)};
  for (size_t i = 0; i < members; ++i) {
    argv.push_back(std::to_string(i % 20));
    argv.push_back("member" + std::to_string(i));
  }
  return argv;
}

// A sorted set of each form: in its entry, as two trees, as a listpack and as a skiplist.
void AddZsets(std::vector<CommandCase>* to) {
  const std::pair<const char*, size_t> kZsets[] = {{"missing", 0}, {"small", 3}, {"full", 100}, {"trees", 300}};
  for (const auto& [key, members] : kZsets) {
    std::vector<Argv> before = {Zset("other", 50)};
    if (members != 0) before.push_back(Zset(key, members));
    const auto add = [&](Argv argv, uint8_t traits = kKeepsRoom) {
      to->push_back({std::move(argv), before, traits});
    };
    for (const size_t size : {5, 100, 3000}) {
      add({"ZADD", key, "7", Value(size)});
      add({"ZADD", key, "7", Value(size), "8", "member2", "9", Value(size + 1)});
    }
    add({"ZADD", key, "CH", "100", "member1"});
    add({"ZADD", key, "INCR", "100", "member1"});
    add({"ZINCRBY", key, "0.5", "member2"});
    add({"ZREM", key, "member1"});
    add({"ZREM", key, "member1", "member2", "member0", "nothing"});
    add({"ZREMRANGEBYRANK", key, "1", "-2"});
    add({"ZREMRANGEBYSCORE", key, "1", "(10"});
    add({"ZREMRANGEBYLEX", key, "-", "+"});
    add({"ZPOPMIN", key});
    add({"ZPOPMAX", key, "70"});
    add({"ZMPOP", "2", "nothing", key, "MIN", "COUNT", "2"});
    add({"ZRANGE", key, "0", "-1", "WITHSCORES"});
    add({"ZRANGEBYSCORE", key, "2", "5", "LIMIT", "1", "4"});
    add({"ZMSCORE", key, "member1", "nothing", "member2"});
    add({"ZRANK", key, "member1"});
    add({"ZSCAN", key, "0", "COUNT", "100"});
    add({"ZRANDMEMBER", key, "2", "WITHSCORES"}, kVaries | kKeepsRoom);
    add({"ZUNION", "2", key, "other", "WITHSCORES"});
    add({"ZINTERCARD", "2", key, "other"});
    add({"ZUNIONSTORE", "fresh", "2", key, "other", "WEIGHTS", "2", "3"});
    add({"ZINTERSTORE", key, "2", key, "other"});
    add({"ZDIFFSTORE", "short", "2", "other", key});
    add({"ZRANGESTORE", "fresh", key, "1", "-1"});
    add({"COPY", key, "fresh"});
    add({"RENAME", key, "a name that is longer than the one that it had before, so that it needs room"});
    add({"EXPIRE", key, "100"});
    add({"DEL", key});
    add({"SET", key, Value(3000)});
  }
  const std::vector<Argv> copied = {Zset("trees", 300), {"COPY", "trees", "copied"}};
  to->push_back({{"ZADD", "copied", "100", "member7"}, copied, kKeepsRoom});
  to->push_back({{"ZADD", "copied", "100", Value(2000)}, copied, kKeepsRoom});
  to->push_back({{"ZREM", "copied", "member7"}, copied, kKeepsRoom});
  to->push_back({{"ZADD", "full", "1", "one more"}, {Zset("full", 128)}, kKeepsRoom});
}

// Places on a spiral, some of them at the same place.
Argv Places(std::string key, size_t members) {
  Argv argv = {"GEOADD", std::move(key)};
  for (size_t i = 0; i < members; ++i) {
    const size_t place = i / 2;
    argv.insert(argv.end(), {std::to_string(static_cast<double>(place % 50) / 10), std::to_string(place / 10),
                             "member" + std::to_string(i)});
  }
  return argv;
}

void AddGeo(std::vector<CommandCase>* to) {
  const std::pair<const char*, size_t> kPlaces[] = {{"missing", 0}, {"small", 3}, {"full", 100}, {"trees", 300}};
  for (const auto& [key, members] : kPlaces) {
    std::vector<Argv> before = {Places("other", 50)};
    if (members != 0) before.push_back(Places(key, members));
    const auto add = [&](Argv argv) { to->push_back({std::move(argv), before, kKeepsRoom}); };
    add(Places(key, 2));
    add({"GEOADD", key, "CH", "2", "2", "member1", "3", "3", Value(3000)});
    add({"GEOADD", key, "1000", "2", "member1"});
    add(Places(key, 310));
    add({"GEOPOS", key, "member1", "nothing"});
    add({"GEOHASH", key, "member1", "nothing"});
    add({"GEODIST", key, "member1", "member2", "km"});
    add({"GEOSEARCH", key, "FROMLONLAT", "2", "2", "BYRADIUS", "3000", "km", "ASC", "WITHCOORD", "WITHDIST", "WITHHASH"});
    add({"GEOSEARCH", key, "FROMLONLAT", "2", "2", "BYBOX", "900", "1800", "km", "COUNT", "7", "DESC"});
    add({"GEOSEARCHSTORE", "fresh", key, "FROMLONLAT", "2", "2", "BYRADIUS", "3000", "km", "STOREDIST"});
    add({"GEOSEARCHSTORE", key, key, "FROMLONLAT", "2", "2", "BYRADIUS", "300", "km"});
    add({"GEORADIUS", key, "2", "2", "3000", "km", "STORE", "other"});
    add({"GEORADIUSBYMEMBER", "other", "member1", "0", "km", "STOREDIST", key});
  }
}

// RPUSH of so many elements, of which every fourth is "same".
Argv List(std::string key, size_t elements, size_t bytes = 10) {
  Argv argv = {"RPUSH", std::move(key)};
  for (size_t i = 0; i < elements; ++i) argv.push_back(i % 4 == 1 ? "same" : std::to_string(i) + Value(bytes));
  return argv;
}

// A list of each form, and for LMOVE each with each.
void AddLists(std::vector<CommandCase>* to) {
  const std::pair<const char*, size_t> kLists[] = {{"missing", 0}, {"one", 1}, {"few", 4}, {"full", 128}, {"tree", 500}};
  for (const auto& [key, elements] : kLists) {
    std::vector<Argv> before;
    if (elements != 0) before.push_back(List(key, elements));
    const auto add = [&](Argv argv) { to->push_back({std::move(argv), before, kKeepsRoom}); };
    for (const size_t size : {5, 300, 3000, 40'000}) {
      add({"LPUSH", key, Value(size)});
      add({"RPUSH", key, "x", Value(size), "y"});
      add({"LSET", key, "-1", Value(size)});
      add({"LINSERT", key, "AFTER", "same", Value(size)});
    }
    add(List(key, 300));
    add({"RPUSHX", key, "x"});
    add({"LPUSHX", key, "x"});
    add({"LPOP", key});
    add({"RPOP", key, "3"});
    add({"LPOP", key, "400"});
    add({"LMPOP", "2", "nothing", key, "LEFT", "COUNT", "100"});
    add({"LRANGE", key, "0", "-1"});
    add({"LINDEX", key, "2"});
    add({"LLEN", key});
    add({"LPOS", key, "same", "COUNT", "0"});
    add({"LREM", key, "1", "same"});
    add({"LREM", key, "0", "same"});
    add({"LTRIM", key, "1", "-2"});
    add({"LTRIM", key, "5", "4"});
    add({"LMOVE", key, key, "LEFT", "RIGHT"});
    for (const auto& [other, others] : kLists) {
      if (key == other) continue;
      std::vector<Argv> both = before;
      if (others != 0) both.push_back(List(other, others));
      to->push_back({{"LMOVE", key, other, "LEFT", "RIGHT"}, both, kKeepsRoom});
      to->push_back({{"RPOPLPUSH", key, other}, both, kKeepsRoom});
    }
    add({"COPY", key, "fresh"});
    add({"RENAME", key, "a name that is longer than the one that it had before, so that it needs room"});
    add({"EXPIRE", key, "100"});
    add({"DEL", key});
  }
  const std::vector<Argv> copied = {List("tree", 600), {"COPY", "tree", "copied"}};
  for (const Argv& argv : std::vector<Argv>{{"LPOP", "copied", "50"}, {"LPUSH", "copied", Value(2000), "x"},
                                            {"LMOVE", "copied", "tree", "LEFT", "RIGHT"},
                                            {"RPOPLPUSH", "copied", "copied"}, {"LTRIM", "copied", "10", "400"},
                                            {"LREM", "copied", "0", "same"}, {"LSET", "copied", "300", "x"}}) {
    to->push_back({argv, copied, kKeepsRoom});
  }
  to->push_back({{"RPOPLPUSH", "large", "other"}, {List("large", 5, 20'000)}, kKeepsRoom});
  to->push_back({{"LPOP", "large", "5"}, {List("large", 5, 20'000)}, kKeepsRoom});
}

void AddSorts(std::vector<CommandCase>* to) {
  for (const size_t elements : {0, 4, 128, 500}) {
    std::vector<Argv> before = {{"MSET", "w_0", "5", "w_1", Value(3000), "w_2", "7"}, {"HSET", "h_3", "f", "x"}};
    Argv numbers = {"RPUSH", "sorted"};
    for (size_t i = 0; i < elements; ++i) numbers.push_back(std::to_string(i * 7919 % 1000));
    if (elements != 0) before.push_back(numbers);
    for (const Argv& argv : std::vector<Argv>{
             {"SORT", "sorted"}, {"SORT_RO", "sorted", "LIMIT", "2", "10", "DESC"},
             {"SORT", "sorted", "BY", "w_*", "ALPHA", "GET", "#", "GET", "w_*", "GET", "h_*->f"},
             {"SORT", "sorted", "STORE", "sorted"}, {"SORT", "sorted", "GET", "w_*", "STORE", "huge"},
             {"SORT", "sorted", "BY", "nosort", "STORE", "fresh"}, {"SORT", "sorted", "LIMIT", "1", "0", "STORE", "ttl"}}) {
      to->push_back({argv, before, kKeepsRoom});
    }
  }
}

void AddBitmaps(std::vector<CommandCase>* to) {
  for (const char* key : {"fresh", "short", "number", "medium", "large", "huge", "ttl"}) {
    to->push_back({{"GETBIT", key, "5"}});
    to->push_back({{"BITCOUNT", key}});
    to->push_back({{"BITPOS", key, "1"}});
    for (const char* offset : {"0", "5", "8000", "400000"}) to->push_back({{"SETBIT", key, offset, "1"}});
    to->push_back({{"BITFIELD", key, "GET", "u8", "0"}});
    to->push_back({{"BITFIELD", key, "SET", "u8", "0", "1", "INCRBY", "i16", "#3000", "5"}});
    to->push_back({{"BITFIELD", key, "OVERFLOW", "FAIL", "SET", "u8", "80000", "300"}});
    to->push_back({{"BITOP", "NOT", key, "large"}});
    to->push_back({{"BITOP", "XOR", "fresh", key, "short"}});
    to->push_back({{"BITOP", "AND", key, "missing"}});
  }
  // More steps, and more sources, than there is room for without memory.
  Argv fields = {"BITFIELD", "large"};
  for (int i = 0; i < 300; ++i) fields.insert(fields.end(), {"SET", "u8", "#" + std::to_string(i * 20), "200"});
  to->push_back({fields});
  Argv sources = {"BITOP", "OR", "fresh"};
  for (int i = 0; i < 40; ++i) sources.push_back(i % 2 == 0 ? "large" : "number");
  to->push_back({sources});
}

void AddHyperLogLogs(std::vector<CommandCase>* to) {
  Argv many = {"PFADD", "long"}, some = {"PFADD", "sparse"};
  for (int i = 0; i < 3000; ++i) many.push_back(std::to_string(i));
  for (int i = 0; i < 400; ++i) some.push_back(std::to_string(i));
  const std::vector<Argv> before = {many, some};
  for (const char* key : {"fresh", "sparse", "long", "short"}) {
    to->push_back({{"PFADD", key}, before});
    to->push_back({{"PFADD", key, "a", "b", "c", "1"}, before});
    to->push_back({{"PFCOUNT", key}, before});
    to->push_back({{"PFCOUNT", "sparse", key}, before});
    to->push_back({{"PFMERGE", key, "sparse"}, before});
    to->push_back({{"PFMERGE", key, "long", "sparse"}, before});
    for (const char* what : {"GETREG", "DECODE", "ENCODING", "TODENSE"}) to->push_back({{"PFDEBUG", what, key}, before});
  }
  Argv more = {"PFADD", "sparse"};  // than a sparse one can have
  for (int i = 5000; i < 7000; ++i) more.push_back(std::to_string(i));
  to->push_back({more, before});
  to->push_back({{"PFSELFTEST"}});
}

void AddKeys(std::vector<CommandCase>* to) {
  for (const char* key : {"missing", "short", "large", "huge", "ttl"}) {
    to->push_back({{"DEL", key}});
    to->push_back({{"EXPIRE", key, "100"}});
    to->push_back({{"PEXPIRE", key, "100000", "NX"}});
    to->push_back({{"EXPIREAT", key, "4000000000"}});
    to->push_back({{"PEXPIREAT", key, "4000000000000"}});
    to->push_back({{"PEXPIRE", key, "-1"}});
    to->push_back({{"RENAME", key, "fresh"}});
    to->push_back({{"RENAME", key, "a name that is longer than the one that it had before, so that it needs room"}});
    to->push_back({{"RENAMENX", key, "fresh"}});
    to->push_back({{"COPY", key, "fresh"}});
    to->push_back({{"COPY", key, "number", "REPLACE"}});
    to->push_back({{"COPY", key, "number", "DB", "1"}});
    to->push_back({{"COPY", key, "number", "DB", "9"}, {}, kKeepsRoom});
    to->push_back({{"MOVE", key, "1"}});
    to->push_back({{"MOVE", key, "9"}, {}, kKeepsRoom});
  }
  to->push_back({{"RENAME", "short", "huge"}});
  to->push_back({{"DEL", "short", "large", "huge", "missing"}});
  to->push_back({{"KEYS", "*"}});
  to->push_back({{"SCAN", "0"}});
  to->push_back({{"SCAN", "0", "MATCH", "*r*", "COUNT", "1000", "TYPE", "string"}});
  to->push_back({{"RANDOMKEY"}, {}, kVaries});
  for (const char* what : {"ENCODING", "IDLETIME", "REFCOUNT"}) to->push_back({{"OBJECT", what, "large"}});
  to->push_back({{"OBJECT", "FREQ", "short"}, {}, 0, "allkeys-lfu"});
  to->push_back({{"OBJECT", "HELP"}});
}

void AddServer(const std::string& config_file, std::vector<CommandCase>* to) {
  to->push_back({{"DBSIZE"}});
  to->push_back({{"TIME"}});
  to->push_back({{"FLUSHDB"}});
  to->push_back({{"FLUSHDB", "ASYNC"}});
  to->push_back({{"FLUSHALL"}});
  to->push_back({{"SWAPDB", "0", "1"}});
  to->push_back({{"SWAPDB", "1", "9"}, {}, kKeepsRoom});
  to->push_back({{"SHUTDOWN", "NOSAVE"}});
  to->push_back({{"INFO"}, {}, kVaries});
  to->push_back({{"INFO", "everything"}, {}, kVaries});
  to->push_back({{"INFO", "memory", "keyspace", "commandstats"}, {}, kVaries});
  to->push_back({{"MEMORY", "STATS"}, {}, kVaries});
  to->push_back({{"MEMORY", "DOCTOR"}, {}, kVaries});
  to->push_back({{"MEMORY", "MALLOC-STATS"}, {}, kVaries});
  to->push_back({{"DEBUG", "HELP"}});
  to->push_back({{"DEBUG", "OBJECT", "large"}, {}, kVaries});
  to->push_back({{"DEBUG", "SLEEP", "0"}});
  to->push_back({{"DEBUG", "SET-ACTIVE-EXPIRE", "1"}});
  to->push_back({{"COMMAND"}});
  to->push_back({{"COMMAND", "COUNT"}});
  to->push_back({{"COMMAND", "DOCS"}});
  to->push_back({{"COMMAND", "DOCS", "get", "config|set"}});
  to->push_back({{"COMMAND", "INFO", "get", "config", "nothing"}});
  to->push_back({{"COMMAND", "LIST"}});
  to->push_back({{"COMMAND", "LIST", "FILTERBY", "PATTERN", "*get*"}});
  to->push_back({{"COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2"}});
  to->push_back({{"COMMAND", "GETKEYSANDFLAGS", "SET", "a", "1", "GET"}});
  to->push_back({{"COMMAND", "HELP"}});
  to->push_back({{"CONFIG", "GET", "*"}});
  to->push_back({{"CONFIG", "GET", "maxmemory", "save", "*-limit*"}});
  to->push_back({{"CONFIG", "RESETSTAT"}});
  to->push_back({{"CONFIG", "HELP"}});
  const std::string long_text = "a text of some length: " + std::string(100, 'x');
  for (const Argv& pair : std::vector<Argv>{
           {"maxmemory", "100mb"},
           {"maxmemory-policy", "allkeys-lru"},
           {"hz", "50"},
           {"timeout", "10"},
           {"loglevel", "warning"},
           {"lazyfree-lazy-user-del", "yes"},
           {"requirepass", long_text},
           {"bind", "127.0.0.1 ::1 10.20.30.40 192.168.100.200"},
           {"client-output-buffer-limit", "normal 1mb 2mb 60 pubsub 64mb 16mb 90"},
           {"dir", "/"},
           {"save", "3600 1 300 100 60 10000"},
           {"oom-score-adj-values", "0 200 900"},
           {"notify-keyspace-events", "KEA"},
           {"latency-tracking-info-percentiles", "50 99 99.9 99.99"},
           {"proc-title-template", "{title} {listen-addr} {server-mode} and so on"},
           {"shutdown-on-sigint", "nosave now"},
           {"maxmemory-clients", "5%"},
           {"masterauth", long_text},
           {"cluster-announce-hostname", "a.host.name.of.some.length.example"},
           {"acllog-max-len", "256"},
           {"replicaof", "no one"},
           {"dbfilename", "a-file-name-of-some-length.rdb"},
           {"no-such-directive", "1"},
           {"maxmemory", "much"},
           {"maxmemory-policy", "most"},
           {"port", "70000"}}) {
    to->push_back({{"CONFIG", "SET", pair[0], pair[1]}});
  }
  to->push_back({{"CONFIG", "SET", "hz", "50", "requirepass", long_text, "save", "1 1", "appendfsync", "always"}});
  to->push_back({{"CONFIG", "SET", "hz", "50", "requirepass", long_text, "maxmemory", "wrong"}});
  if (!config_file.empty()) {
    to->push_back({{"CONFIG", "REWRITE"}});
    to->push_back({{"CONFIG", "REWRITE"}, {{"CONFIG", "SET", "hz", "77", "masterauth", long_text}}});
  }
}

void AddClients(std::vector<CommandCase>* to) {
  to->push_back({{"PING"}});
  to->push_back({{"PING", Value(3000)}});
  to->push_back({{"ECHO", Value(40'000)}});
  to->push_back({{"SELECT", "1"}});
  to->push_back({{"SELECT", "9"}, {}, kKeepsRoom});
  to->push_back({{"AUTH", "a wrong password"}});
  to->push_back({{"AUTH", "default", "a wrong password"}});
  to->push_back({{"HELLO"}, {}, kVaries});
  to->push_back({{"HELLO", "2", "SETNAME", std::string(100, 'n')}, {}, kVaries});
  to->push_back({{"HELLO", "3"}, {}, kVaries});
  to->push_back({{"RESET"}});
  to->push_back({{"RESET"}, {{"MULTI"}, {"SET", "a", "1"}}});
  to->push_back({{"QUIT"}, {}, kCloses});
  to->push_back({{"CLIENT", "ID"}, {}, kVaries});
  to->push_back({{"CLIENT", "INFO"}, {}, kVaries});
  to->push_back({{"CLIENT", "LIST"}, {{"CLIENT", "SETNAME", std::string(100, 'n')}}, kVaries});
  to->push_back({{"CLIENT", "LIST", "ID", "1", "2", "3"}, {}, kVaries});
  to->push_back({{"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}});
  to->push_back({{"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"}, {}, kCloses});
  to->push_back({{"CLIENT", "KILL", "1.2.3.4:5"}});
  to->push_back({{"CLIENT", "NO-EVICT", "on"}});
  to->push_back({{"CLIENT", "REPLY", "ON"}});
  to->push_back({{"CLIENT", "SETNAME", "short"}});
  to->push_back({{"CLIENT", "SETNAME", std::string(1000, 'n')}});
  to->push_back({{"CLIENT", "GETNAME"}, {{"CLIENT", "SETNAME", std::string(1000, 'n')}}});
  to->push_back({{"CLIENT", "HELP"}});
  to->push_back({{"CLIENT", "PAUSE", "0"}});
  to->push_back({{"CLIENT", "UNPAUSE"}});
  to->push_back({{"CLIENT", "UNBLOCK", "1"}});
  to->push_back({{"CLIENT", "GETREDIR"}});
  to->push_back({{"CLIENT", "CACHING", "YES"}});
  to->push_back({{"CLIENT", "TRACKINGINFO"}});
  to->push_back({{"MONITOR"}});
  to->push_back({{"ECHO", std::string(1000, 'e')}, {{"MONITOR"}}, kVaries | kCloses});
  to->push_back({{"NO-SUCH-COMMAND", std::string(300, 'x'), "b"}});
  to->push_back({{"GET"}});
  to->push_back({{"CONFIG", "NOTHING"}});
}

void AddTransactions(std::vector<CommandCase>* to) {
  to->push_back({{"MULTI"}});
  to->push_back({{"SET", "fresh", Value(40'000)}, {{"MULTI"}}});  // is queued
  to->push_back({{"DISCARD"}, {{"MULTI"}, {"SET", "fresh", Value(3000)}}});
  to->push_back({{"WATCH", "short", "large", "missing"}, {}, kKeepsRoom});
  to->push_back({{"UNWATCH"}, {{"WATCH", "short", "large", "missing"}}});
  to->push_back({{"EXEC"}, {{"MULTI"}}});
  to->push_back({{"EXEC"},
                 {{"WATCH", "short"},
                  {"MULTI"},
                  {"SET", "fresh", Value(3000)},
                  {"GET", "huge"},
                  {"APPEND", "short", Value(700)},
                  {"INCR", "number"},
                  {"MSET", "a", Value(700), "b", Value(3000), "c", Value(40'000)},
                  {"DEL", "ttl"}},
                 kKeepsRoom});
  to->push_back({{"EXEC"}, {{"MULTI"}, {"GETDEL", "large"}, {"GETSET", "huge", Value(3000)}, {"SET", "fresh", "1"}}});
  to->push_back({{"EXEC"}, {{"WATCH", "short"}, {"SET", "short", "other"}, {"MULTI"}, {"SET", "fresh", "1"}}});
}

// The commands that wait: for nothing, as what they want is there, and for what nobody does.
void AddWaiting(std::vector<CommandCase>* to) {
  const std::vector<Argv> list = {{"RPUSH", "l", "a", Value(700), Value(3000)}, {"RPUSH", "to", "b"}};
  const std::vector<Argv> zset = {{"ZADD", "z", "1", "a", "2", Value(700), "3", Value(3000)}};
  const std::vector<Argv> stream = {{"XADD", "x", "1-1", "f", Value(3000)}, {"XGROUP", "CREATE", "x", "g", "0"}};
  const std::vector<std::pair<Argv, const std::vector<Argv>*>> commands = {
      {{"BLPOP", "missing", "l", "0"}, &list},
      {{"BRPOP", "missing", "l", "0"}, &list},
      {{"BLMOVE", "l", "to", "RIGHT", "LEFT", "0"}, &list},
      {{"BRPOPLPUSH", "l", "fresh", "0"}, &list},
      {{"BLMPOP", "0", "2", "missing", "l", "LEFT", "COUNT", "2"}, &list},
      {{"BZPOPMIN", "missing", "z", "0"}, &zset},
      {{"BZPOPMAX", "missing", "z", "0"}, &zset},
      {{"BZMPOP", "0", "2", "missing", "z", "MAX", "COUNT", "2"}, &zset},
      {{"XREAD", "BLOCK", "0", "STREAMS", "missing", "x", "$", "0"}, &stream},
      {{"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "x", ">"}, &stream},
  };
  for (const auto& [argv, before] : commands) {
    to->push_back({argv, *before, kKeepsRoom});
    if (argv[0] != "XREADGROUP") to->push_back({argv, {}, kKeepsRoom | kWaits});
  }
  to->push_back({{"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "x", ">"},
                 {{"XGROUP", "CREATE", "x", "g", "$", "MKSTREAM"}},
                 kKeepsRoom | kWaits});
  to->push_back({{"WAIT", "0", "0"}});
  to->push_back({{"WAIT", "1", "0"}, {}, kWaits});
}

// For commands that need nothing beyond their row: all keys of one kind, with and without all that is optional.
class Plain final : public Choices {
 public:
  Plain(std::string_view key, bool whole) : key_(key), whole_(whole) {}
  bool Takes(const engine::ArgSpec&) override { return whole_; }
  int Repeats(const engine::ArgSpec&) override { return whole_ ? 2 : 0; }
  size_t Which(const engine::ArgSpec&, size_t) override { return 0; }
  std::string Value(const engine::ArgSpec& arg) override {
    switch (arg.type) {
      case engine::ArgType::kKey: return std::string(key_);
      case engine::ArgType::kPattern: return "*";
      case engine::ArgType::kDouble: return "1.5";
      case engine::ArgType::kInteger: return "1";
      case engine::ArgType::kUnixTime: return "4000000000";
      default: return World::ValueOf(3000);
    }
  }

 private:
  std::string_view key_;
  bool whole_;
};

void AddTheRest(std::vector<CommandCase>* to) {
  std::set<std::string> there;
  for (const CommandCase& one : *to) there.insert(one.command());
  for (const engine::CommandRow& row : CoreTable().rows()) {
    char name[engine::kFullNameMax];
    if (row.spec->run == nullptr || there.count(std::string(engine::FullName(row, name))) != 0) continue;
    if (row.spec->args.empty()) {
      Plain plain("", false);
      to->push_back({RequestOf(row, plain)});
      continue;
    }
    for (const char* key : {"missing", "short", "large", "huge", "ttl"}) {
      for (const bool whole : {false, true}) {
        Plain plain(key, whole);
        to->push_back({RequestOf(row, plain)});
      }
    }
  }
}

}  // namespace

std::string CommandCase::command() const {
  return CommandNameOf(argv);
}

std::string CommandCase::ToString() const {
  std::string text;
  for (const Argv& earlier : before) text += earlier[0] + "; ";
  for (size_t i = 0; i < argv.size() && i < 8; ++i) {
    if (i != 0) text += ' ';
    text += argv[i].size() <= 40 ? argv[i] : "(" + std::to_string(argv[i].size()) + " bytes)";
  }
  if (argv.size() > 8) text += "... (" + std::to_string(argv.size()) + " arguments)";
  return text;
}

std::vector<CommandCase> CommandCases(const std::string& config_file) {
  std::vector<CommandCase> cases;
  AddStrings(&cases);
  AddHashes(&cases);
  AddStreams(&cases);
  AddSets(&cases);
  AddZsets(&cases);
  AddGeo(&cases);
  AddLists(&cases);
  AddSorts(&cases);
  AddBitmaps(&cases);
  AddHyperLogLogs(&cases);
  AddKeys(&cases);
  AddServer(config_file, &cases);
  AddClients(&cases);
  AddTransactions(&cases);
  AddWaiting(&cases);
  AddTheRest(&cases);
  return cases;
}

}  // namespace larder::testing
