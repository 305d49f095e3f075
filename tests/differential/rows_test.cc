// Every row of ours against the same command's of a real redis-server: COMMAND INFO and COMMAND DOCS, over RESP2 and
// RESP3. Free prose (summary, complexity, what changed, notes, replaced_by) must be there on both sides or on neither;
// everything else must be equal, types and order included. Sets that Redis keeps in hash tables (subcommands) are
// matched by name, and subcommands that Larder does not have yet are left out of Redis's.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tests/differential/sides.h"

namespace differential {
namespace {

// COMMAND INFO's ten elements.
constexpr size_t kInfoSize = 10;
constexpr size_t kInfoKeySpecs = 8;
constexpr size_t kInfoSubcommands = 9;

// The value at `key`, for changing. REQUIRES: a map, or a flat array of pairs.
Value* Member(Value& map, std::string_view key) {
  for (size_t i = 0; i + 1 < map.items.size(); i += 2) {
    if (map.items[i].text == key) return &map.items[i + 1];
  }
  return nullptr;
}

void BlankProse(Value& map, std::initializer_list<std::string_view> keys) {
  for (std::string_view key : keys) {
    if (Value* text = Member(map, key); text != nullptr && !text->text.empty()) text->text = "prose";
  }
}

void SortPairs(Value& map) {
  std::vector<std::pair<Value, Value>> pairs;
  for (size_t i = 0; i + 1 < map.items.size(); i += 2) pairs.emplace_back(map.items[i], map.items[i + 1]);
  std::sort(pairs.begin(), pairs.end());
  map.items.clear();
  for (auto& [key, value] : pairs) {
    map.items.push_back(std::move(key));
    map.items.push_back(std::move(value));
  }
}

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// `ours`: all names that we have, subcommands as "config|get".
void NormaliseInfo(Value& info, const std::vector<std::string>& ours) {
  ASSERT_EQ(info.items.size(), kInfoSize);
  for (Value& spec : info.items[kInfoKeySpecs].items) BlankProse(spec, {"notes"});
  std::vector<Value>& subcommands = info.items[kInfoSubcommands].items;
  std::erase_if(subcommands, [&](const Value& sub) { return !Has(ours, sub.items.at(0).text); });
  for (Value& sub : subcommands) NormaliseInfo(sub, ours);
  std::sort(subcommands.begin(), subcommands.end());
}

void NormaliseDocs(Value& docs, const std::vector<std::string>& ours) {
  BlankProse(docs, {"summary", "complexity", "replaced_by"});
  if (Value* history = Member(docs, "history"); history != nullptr) {
    for (Value& item : history->items) item.items.at(1).text = "prose";
  }
  Value* subcommands = Member(docs, "subcommands");
  if (subcommands == nullptr) return;
  std::vector<Value> kept;
  for (size_t i = 0; i + 1 < subcommands->items.size(); i += 2) {
    if (!Has(ours, subcommands->items[i].text)) continue;
    kept.push_back(subcommands->items[i]);
    NormaliseDocs(subcommands->items[i + 1], ours);
    kept.push_back(subcommands->items[i + 1]);
  }
  subcommands->items = std::move(kept);
  SortPairs(*subcommands);
}

std::string Dump(const Value& value) {
  if (value.null) return "nil";
  if (!value.is_aggregate()) return value.type + value.text;
  std::string text(1, value.type);
  text += '[';
  for (const Value& item : value.items) text += Dump(item) + ' ';
  return text + ']';
}

class RowsTest : public ::testing::TestWithParam<int> {
 protected:
  RowsTest() : redis_(StartRedis()), larder_(StartLarder()) {
    theirs_ = redis_->Connect();
    ours_ = larder_->Connect();
    const std::string protocol = std::to_string(GetParam());
    EXPECT_FALSE(Ask(*theirs_, {"HELLO", protocol}).is_error());
    EXPECT_FALSE(Ask(*ours_, {"HELLO", protocol}).is_error());
    for (const Value& name : Ask(*ours_, {"COMMAND", "LIST"}).items) names_.push_back(name.text);
  }

  std::unique_ptr<Side> redis_, larder_;
  std::unique_ptr<Link> theirs_, ours_;
  std::vector<std::string> names_;
};

TEST_P(RowsTest, InfoIsTheSame) {
  ASSERT_GT(names_.size(), 60u);
  for (const std::string& name : names_) {
    Value theirs = Ask(*theirs_, {"COMMAND", "INFO", name});
    Value ours = Ask(*ours_, {"COMMAND", "INFO", name});
    ASSERT_EQ(theirs.items.size(), 1u) << name;
    ASSERT_EQ(ours.items.size(), 1u) << name;
    ASSERT_NO_FATAL_FAILURE(NormaliseInfo(theirs.items[0], names_)) << name;
    ASSERT_NO_FATAL_FAILURE(NormaliseInfo(ours.items[0], names_)) << name;
    EXPECT_EQ(Dump(ours), Dump(theirs));
  }
}

TEST_P(RowsTest, DocsAreTheSame) {
  for (const std::string& name : names_) {
    Value theirs = Ask(*theirs_, {"COMMAND", "DOCS", name});
    Value ours = Ask(*ours_, {"COMMAND", "DOCS", name});
    ASSERT_EQ(theirs.items.size(), 2u) << name;
    ASSERT_EQ(ours.items.size(), 2u) << name;
    NormaliseDocs(theirs.items[1], names_);
    NormaliseDocs(ours.items[1], names_);
    EXPECT_EQ(Dump(ours), Dump(theirs));
  }
}

TEST_P(RowsTest, EveryCategoryHoldsTheSame) {
  for (const char* category : {"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap",
                               "hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking",
                               "dangerous", "connection", "transaction", "scripting", "nosuch"}) {
    auto names = [&](Link& link) {
      std::vector<std::string> found;
      for (const Value& name : Ask(link, {"COMMAND", "LIST", "FILTERBY", "ACLCAT", category}).items) {
        if (Has(names_, name.text)) found.push_back(name.text);
      }
      std::sort(found.begin(), found.end());
      return found;
    };
    EXPECT_EQ(names(*ours_), names(*theirs_)) << category;
  }
}

INSTANTIATE_TEST_SUITE_P(Protocol, RowsTest, ::testing::Values(2, 3), [](const auto& info) {
  return "Resp" + std::to_string(info.param);
});

}  // namespace
}  // namespace differential
