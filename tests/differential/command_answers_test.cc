// What COMMAND finds out about requests, next to what Redis does: the keys of GETKEYS and GETKEYSANDFLAGS, full names
// of subcommands. (The rows themselves: rows_test.cc.) And what only a server started otherwise shows: DEBUG behind
// enable-debug-command.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/differential/sides.h"

namespace differential {
namespace {

constexpr std::string_view kProse[] = {"summary", "complexity", "notes", "replaced_by"};

// Prose replaced by "said" if there is any, so that its presence is compared; a history keeps its versions.
void DropProse(Value& value) {
  for (Value& item : value.items) DropProse(item);
  if (value.type != '%' && value.type != '*') return;
  for (size_t i = 0; i + 1 < value.items.size(); ++i) {
    if (std::find(std::begin(kProse), std::end(kProse), value.items[i].text) != std::end(kProse)) {
      Value& text = value.items[i + 1];
      if (text.type == '$') text.text = text.text.empty() ? "" : "said";
    }
    if (value.items[i].text != "history") continue;
    for (Value& item : value.items[i + 1].items) {
      if (item.items.size() == 2) item.items[1].text = "said";
    }
  }
}

// Sets sorted, maps sorted by key; arrays keep their order.
void Sort(Value& value) {
  for (Value& item : value.items) Sort(item);
  if (value.type == '~') std::sort(value.items.begin(), value.items.end());
  if (value.type != '%') return;
  std::vector<std::pair<Value, Value>> pairs;
  for (size_t i = 0; i + 1 < value.items.size(); i += 2) pairs.emplace_back(value.items[i], value.items[i + 1]);
  std::sort(pairs.begin(), pairs.end());
  value.items.clear();
  for (auto& [key, item] : pairs) {
    value.items.push_back(key);
    value.items.push_back(item);
  }
}

std::string Print(const Value& value, int depth = 0) {
  std::string text(static_cast<size_t>(depth) * 2, ' ');
  text += std::string(1, value.type) + value.text + "\n";
  for (const Value& item : value.items) text += Print(item, depth + 1);
  return text;
}

class CommandAnswers : public testing::Test {
 protected:
  CommandAnswers()
      : redis_(StartRedis()),
        larder_(StartLarder({.socket = false, .debug = false})),
        theirs_(redis_->Connect()),
        ours_(larder_->Connect()) {
    Both({"HELLO", "3"});
    for (const Value& name : Ask(*ours_, {"COMMAND", "LIST"}).items) names_.push_back(name.text);
    std::sort(names_.begin(), names_.end());
  }

  std::pair<Value, Value> Both(const Argv& argv) { return {Ask(*ours_, argv), Ask(*theirs_, argv)}; }

  void ExpectSame(const Argv& argv) {
    auto [ours, theirs] = Both(argv);
    Sort(ours);
    Sort(theirs);
    EXPECT_EQ(Print(ours), Print(theirs)) << Printable(argv);
  }

  std::unique_ptr<Side> redis_, larder_;
  std::unique_ptr<Link> theirs_, ours_;
  std::vector<std::string> names_;
};

TEST_F(CommandAnswers, AreOfCommandsThatRedisHas) {
  EXPECT_GT(names_.size(), 60u);
  for (const std::string& name : names_) EXPECT_FALSE(Ask(*theirs_, {"COMMAND", "INFO", name}).items[0].null) << name;
}

TEST_F(CommandAnswers, NoProseOfRedisIsRepeated) {
  for (const std::string& name : names_) {
    const auto [ours, theirs] = Both({"COMMAND", "DOCS", name});
    const Value* our_summary = ours.items[1].Find("summary");
    const Value* their_summary = theirs.items[1].Find("summary");
    ASSERT_NE(our_summary, nullptr) << name;
    EXPECT_FALSE(our_summary->text.empty()) << name;
    EXPECT_NE(our_summary->text, their_summary->text) << name;
  }
}

TEST_F(CommandAnswers, KeysAreFoundWhereRedisFindsThem) {
  const Argv kCalls[] = {{"GET", "a"}, {"SET", "a", "b"}, {"SET", "a", "b", "GET"}, {"SET", "a", "b", "NX", "GET"},
                         {"SET", "a", "b", "EX", "10"}, {"MSET", "a", "1", "b", "2"}, {"MSET", "a", "1", "b"},
                         {"MSETNX", "a", "1"}, {"MGET", "a", "b", "c"}, {"DEL", "a", "b"}, {"UNLINK", "a"},
                         {"RENAME", "a", "b"}, {"RENAMENX", "a", "b"}, {"COPY", "a", "b", "DB", "1"},
                         {"OBJECT", "ENCODING", "a"}, {"OBJECT", "HELP"}, {"OBJECT", "a"}, {"EXISTS", "a", "b"},
                         {"TOUCH", "a"}, {"LCS", "a", "b", "LEN"}, {"GETEX", "a", "PERSIST"}, {"GETDEL", "a"},
                         {"PING"}, {"KEYS", "*"}, {"SCAN", "0"}, {"NOSUCH", "a"}, {"GET"}, {"GET", "a", "b"},
                         {"CONFIG", "GET", "a"}, {"EXEC"}, {"WATCH", "a", "b"}, {"EXPIRE", "a", "10", "NX"},
                         {"MOVE", "a", "1"}, {"INCR", "a"}, {"SETRANGE", "a", "0", "x"}, {"DEBUG", "OBJECT", "a"},
                         {"COMMAND", "GETKEYS", "GET", "a"}, {"SUBSTR", "a", "0", "1"}, {"CLIENT", "ID"},
                         {"SET", "a", "b", "get", "KEEPTTL"}, {"GETSET", "a", "b"}, {"FLUSHALL"},
                         {"BITOP", "AND", "a", "b", "c"}, {"BITOP", "AND", "a", "b"}, {"SETBIT", "a", "0", "1"},
                         {"BITFIELD", "a"}, {"BITFIELD", "a", "GET", "u8", "0"}, {"BITFIELD", "a", "get", "u8"},
                         {"BITFIELD", "a", "GET", "u8", "0", "OVERFLOW", "SAT"}, {"BITFIELD", "a", "OVERFLOW"},
                         {"BITFIELD", "a", "OVERFLOW", "FOO"}, {"BITFIELD", "a", "GET", "GET", "GET"},
                         {"BITFIELD", "a", "SET", "u8", "0", "1"}, {"BITFIELD", "a", "GET", "u8", "0", "FOO"},
                         {"PFADD", "a", "x"}, {"PFCOUNT", "a", "b"}, {"PFMERGE", "a"},
                         {"PFMERGE", "a", "b", "c"}, {"PFDEBUG", "GETREG", "a"}, {"PFSELFTEST"},
                         {"BITFIELD_RO", "a", "GET", "u8", "0"}, {"BITCOUNT", "a", "0", "1"}};
  for (const Argv& call : kCalls) {
    for (const char* subcommand : {"GETKEYS", "GETKEYSANDFLAGS"}) {
      Argv argv = {"COMMAND", subcommand};
      argv.insert(argv.end(), call.begin(), call.end());
      ExpectSame(argv);
    }
  }
}

TEST_F(CommandAnswers, SubcommandsAreFoundByTheirFullNames) {
  for (const char* name : {"config|get", "CLIENT|LIST", "object|nosuch", "get|x", "config|", "|", "config|get|x"}) {
    auto [ours, theirs] = Both({"COMMAND", "INFO", name});
    for (Value* value : {&ours, &theirs}) {
      DropProse(*value);
      Sort(*value);
    }
    EXPECT_EQ(Print(ours), Print(theirs)) << name;
  }
}

TEST_F(CommandAnswers, DebugIsRefusedByDefault) {
  ExpectSame({"DEBUG", "SLEEP", "0"});
  ExpectSame({"DEBUG"});
  ExpectSame({"DEBUG", "NOSUCH"});
  ExpectSame({"DEBUG", "OBJECT", "a"});
  ExpectSame({"DEBUG", "HELP"});
}

}  // namespace
}  // namespace differential
