// Uses: OBJECT FREQ of a few keys after each command of random traffic, next to Redis's. The counter is a matter of
// chance (must_differ.cc), but not with a log factor of 0, where each use raises it by one, and a decay time of 0.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/differential/sides.h"

namespace differential {
namespace {

constexpr int kCommands = 3000;
constexpr size_t kForgottenEvery = 60;  // the counter ends at 255

const std::vector<Argv>& Forms() {
  // K is a key, H one with a HyperLogLog, L one with a list, N a number.
  static const std::vector<Argv> forms = {{"SET", "K", "text"},
                                          {"SET", "K", "N"},
                                          {"SET", "K", "text", "GET"},
                                          {"SET", "K", "text", "NX"},
                                          {"SET", "K", "text", "XX", "GET"},
                                          {"SET", "K", "text", "EX", "100"},
                                          {"SET", "K", "text", "KEEPTTL"},
                                          {"SETNX", "K", "N"},
                                          {"SETEX", "K", "100", "text"},
                                          {"GETSET", "K", "N"},
                                          {"GET", "K"},
                                          {"GET", "K"},
                                          {"GET", "K"},
                                          {"GETEX", "K"},
                                          {"GETEX", "K", "EX", "100"},
                                          {"GETEX", "K", "PERSIST"},
                                          {"GETDEL", "K"},
                                          {"MGET", "K", "K", "K"},
                                          {"MSET", "K", "text", "K", "N"},
                                          {"MSETNX", "K", "text", "K", "N"},
                                          {"APPEND", "K", "text"},
                                          {"SETRANGE", "K", "N", "text"},
                                          {"SETRANGE", "K", "N", ""},
                                          {"GETRANGE", "K", "0", "N"},
                                          {"STRLEN", "K"},
                                          {"INCR", "K"},
                                          {"INCRBY", "K", "N"},
                                          {"DECR", "K"},
                                          {"INCRBYFLOAT", "K", "N"},
                                          {"LCS", "K", "K"},
                                          {"PFADD", "H", "N"},
                                          {"PFADD", "H"},
                                          {"PFCOUNT", "H"},
                                          {"PFCOUNT", "H", "H"},
                                          {"PFMERGE", "H", "H"},
                                          {"PFDEBUG", "ENCODING", "H"},
                                          {"PFDEBUG", "TODENSE", "H"},
                                          {"PFDEBUG", "GETREG", "H"},
                                          {"RPUSH", "L", "N", "same", "N"},
                                          {"LPUSH", "L", "same"},
                                          {"RPUSHX", "L", "N"},
                                          {"LPOP", "L"},
                                          {"RPOP", "L", "2"},
                                          {"LPOP", "L", "0"},
                                          {"LLEN", "L"},
                                          {"LRANGE", "L", "0", "-1"},
                                          {"LINDEX", "L", "0"},
                                          {"LINDEX", "L", "N"},
                                          {"LSET", "L", "0", "N"},
                                          {"LSET", "L", "N", "N"},
                                          {"LINSERT", "L", "BEFORE", "same", "N"},
                                          {"LREM", "L", "1", "same"},
                                          {"LREM", "L", "1", "nothing"},
                                          {"LTRIM", "L", "0", "-2"},
                                          {"LTRIM", "L", "0", "-1"},
                                          {"LPOS", "L", "same"},
                                          {"LMOVE", "L", "L", "LEFT", "RIGHT"},
                                          {"RPOPLPUSH", "L", "L"},
                                          {"LMPOP", "2", "L", "L", "LEFT"},
                                          {"SETBIT", "K", "N", "1"},
                                          {"SETBIT", "K", "0", "0"},
                                          {"GETBIT", "K", "N"},
                                          {"BITCOUNT", "K"},
                                          {"BITPOS", "K", "1", "0"},
                                          {"BITOP", "OR", "K", "K", "K"},
                                          {"BITOP", "NOT", "K", "K"},
                                          {"BITFIELD", "K", "GET", "u8", "0"},
                                          {"BITFIELD", "K", "SET", "u8", "N", "1", "GET", "u8", "0"},
                                          {"BITFIELD_RO", "K", "GET", "u8", "0"},
                                          {"RENAME", "K", "K"},
                                          {"RENAME", "K", "K"},
                                          {"RENAME", "K", "K"},
                                          {"RENAMENX", "K", "K"},
                                          {"RENAMENX", "K", "K"},
                                          {"MOVE", "K", "1"},
                                          {"MOVE", "K", "0"},
                                          {"COPY", "K", "K"},
                                          {"COPY", "K", "K", "REPLACE"},
                                          {"COPY", "K", "K", "DB", "1", "REPLACE"},
                                          {"COPY", "K", "K", "DB", "0", "REPLACE"},
                                          {"SWAPDB", "0", "1"},
                                          {"EXPIRE", "K", "100"},
                                          {"EXPIRE", "K", "N", "XX"},
                                          {"EXPIRE", "K", "N", "GT"},
                                          {"PERSIST", "K"},
                                          {"TTL", "K"},
                                          {"EXPIRETIME", "K"},
                                          {"TYPE", "K"},
                                          {"EXISTS", "K", "K"},
                                          {"TOUCH", "K", "K"},
                                          {"OBJECT", "ENCODING", "K"},
                                          {"OBJECT", "FREQ", "K"},
                                          {"SCAN", "0", "TYPE", "string"},
                                          {"KEYS", "*"},
                                          {"DBSIZE"},
                                          {"WATCH", "K"},
                                          {"UNWATCH"},
                                          {"SELECT", "0"},
                                          {"SELECT", "1"},
                                          {"DEL", "K"}};
  return forms;
}

Argv Filled(const Argv& form, std::mt19937_64& random) {
  Argv argv = form;
  for (std::string& word : argv) {
    if (word == "K") word = std::string(1, static_cast<char>('a' + random() % 4));
    if (word == "L") word = std::string(1, static_cast<char>('g' + random() % 2));
    if (word == "H") word = std::string(1, static_cast<char>('e' + random() % 2));
    if (word == "N") word = std::to_string(random() % 20000 + 1);
  }
  return argv;
}

TEST(Uses, AreCountedAsRedisCountsThem) {
  const Argv kArguments = {"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu", "--lfu-log-factor", "0",
                           "--lfu-decay-time", "0"};
  const auto redis = StartRedis({.arguments = kArguments});
  const auto larder = StartLarder();
  const auto theirs = redis->Connect();
  const auto ours = larder->Connect();
  for (size_t i = 0; i < kArguments.size(); i += 2) {
    EXPECT_EQ(Ask(*ours, {"CONFIG", "SET", kArguments[i].substr(2), kArguments[i + 1]}).text, "OK");
  }
  constexpr uint64_t kSeed = 20261201;
  std::mt19937_64 random(kSeed);
  std::vector<std::string> said;
  for (int i = 0; i < kCommands && !HasFailure(); ++i) {
    if (i % kForgottenEvery == 0) {
      Ask(*ours, {"FLUSHALL"}), Ask(*theirs, {"FLUSHALL"});
      said.clear();
    }
    const Argv argv = Filled(Forms()[random() % Forms().size()], random);
    Ask(*ours, argv), Ask(*theirs, argv);
    said.push_back(Printable(argv));
    for (const char* key : {"a", "b", "c", "d", "e", "f"}) {
      const Value our_uses = Ask(*ours, {"OBJECT", "FREQ", key});
      const Value their_uses = Ask(*theirs, {"OBJECT", "FREQ", key});
      EXPECT_EQ(our_uses.text, their_uses.text) << key << " after " << testing::PrintToString(said);
    }
  }
}

}  // namespace
}  // namespace differential
