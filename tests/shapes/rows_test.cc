// What a row says must agree with itself. The fault is named here before a random stream finds it; whether the row is
// Redis's, tests/differential/rows_test.cc asks a real server.
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>

#include "tests/shapes/requests.h"

namespace larder::testing {
namespace {

using engine::ArgSpec;
using engine::ArgType;
using engine::CommandRow;

std::string NameOf(const CommandRow& row) {
  char name[engine::kFullNameMax];
  return std::string(engine::FullName(row, name));
}

// How many words the arguments are, at least and at most; kNoEnd: as many as you like.
constexpr int kNoEnd = 1 << 20;
struct Words {
  int least = 0;
  int most = 0;
};
Words WordsOf(std::span<const ArgSpec> args);

Words WordsOf(const ArgSpec& arg) {
  const int token = arg.token.empty() ? 0 : 1;
  if (arg.type == ArgType::kPureToken) return {1, 1};
  Words words = {1, 1};
  if (arg.type == ArgType::kBlock) words = WordsOf(arg.args);
  if (arg.type == ArgType::kOneOf) {
    words = {kNoEnd, 0};
    for (const ArgSpec& choice : arg.args) {
      const Words of_choice = WordsOf(choice);
      words = {std::min(words.least, of_choice.least), std::max(words.most, of_choice.most)};
    }
  }
  return {token + words.least, token + words.most};
}

Words WordsOf(std::span<const ArgSpec> args) {
  Words sum;
  for (const ArgSpec& arg : args) {
    const Words words = WordsOf(arg);
    sum.least += arg.optional ? 0 : words.least;
    sum.most = std::min(kNoEnd, sum.most + (arg.multiple ? kNoEnd : words.most));
  }
  return sum;
}

// True of all 240 commands of Redis 7.0.15 too, but for those that have arguments and say of none.
TEST(RowsTest, ArityAndArgumentsAgree) {
  for (const CommandRow& row : CoreTable().rows()) {
    if (row.spec->run == nullptr || (row.spec->args.empty() && row.spec->arity < 0)) continue;
    const int name_words = row.container == nullptr ? 1 : 2;
    const Words words = WordsOf(row.spec->args);
    if (row.spec->arity < 0) {
      EXPECT_GE(words.least + name_words, -row.spec->arity)
          << NameOf(row) << ": `args` may be fewer words than `arity` asks for";
    } else {
      EXPECT_EQ(words.least + name_words, row.spec->arity) << NameOf(row) << ": the least that `args` says, `arity`";
      EXPECT_EQ(words.most + name_words, row.spec->arity) << NameOf(row) << ": the most that `args` says, `arity`";
    }
  }
}

TEST(RowsTest, ARowThatHasKeysSaysWhatItDoesToThem) {
  for (const CommandRow& row : CoreTable().rows()) {
    for (const engine::KeySpec& key : row.spec->keys) {
      EXPECT_NE(key.flags & (engine::kKeyReadOnly | engine::kKeyReadWrite | engine::kKeyOverwrite |
                             engine::kKeyRemove | engine::kKeyNotKey), 0)
          << NameOf(row);
      if ((key.flags & engine::kKeyReadOnly) == 0) {
        EXPECT_TRUE(row.has(engine::kCmdWrite) || row.has(engine::kCmdKeepsResult) ||
                    (key.flags & engine::kKeyNotKey) != 0)
            << NameOf(row) << " changes a key and is no write";
      }
    }
    EXPECT_FALSE(row.has(engine::kCmdWrite) && row.has(engine::kCmdReadOnly)) << NameOf(row) << " is both";
    EXPECT_FALSE(row.has(engine::kCmdDenyOom) && !row.has(engine::kCmdWrite))
        << NameOf(row) << " grows, and is no write";
  }
}

TEST(RowsTest, ProseIsThere) {
  for (const CommandRow& row : CoreTable().rows()) {
    EXPECT_TRUE(row.spec->summary.ends_with('.')) << NameOf(row) << " has no `summary` that is a sentence";
    EXPECT_FALSE(row.spec->since.empty()) << NameOf(row) << " has no `since`";
  }
}

TEST(RowsTest, CommandsHaveTheNamesThatListGivesThem) {
  EXPECT_EQ(CommandNameOf({}), "");
  EXPECT_EQ(CommandNameOf({"GeT", "k"}), "get");
  EXPECT_EQ(CommandNameOf({"CONFIG", "SET", "hz", "1"}), "config|set");
  EXPECT_EQ(CommandNameOf({"client", "nothing"}), "client|nothing");
  EXPECT_EQ(CommandNameOf({"COMMAND"}), "command");
  EXPECT_EQ(CommandNameOf({"nosuch", "word"}), "nosuch");
}

}  // namespace
}  // namespace larder::testing
