// Lists. Error texts and odd cases are what redis-server 7.0.15 replied when asked.
#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "tests/lib/commands/command_test_base.h"

namespace larder::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kWrong = "WRONGTYPE Operation against a key holding the wrong kind of value";

class ListTest : public CommandTest {
 protected:
  using Texts = std::vector<std::string>;

  Texts TextsOf(const Reply& reply) {
    Texts texts;
    for (const ReplyView& element : ElementsOf(reply)) texts.push_back(element.AsString());
    return texts;
  }
  Texts All(std::string_view key) { return TextsOf(Run({"LRANGE", key, "0", "-1"})); }
  void Fill(std::string_view key, int elements, size_t bytes = 10) {
    for (int i = 0; i < elements;) {
      Texts argv = {"RPUSH", std::string(key)};
      for (int j = 0; j < 50 && i < elements; ++j, ++i) argv.push_back(Element(i, bytes));
      Run(argv);
    }
  }
  static std::string Element(int i, size_t bytes = 10) {
    std::string text = "e" + std::to_string(i);
    text.resize(std::max(bytes, text.size()), '.');
    return text;
  }
  // No array, in the words of the protocol.
  static auto IsNilArray() { return IsNil(); }
};
LARDER_COMMAND_TEST(ListTest);

TEST_P(ListTest, PushPutsOneAfterAnotherAtAnEnd) {
  EXPECT_THAT(Run({"RPUSH", "l", "a", "b", "c"}), IsInt(3));
  EXPECT_THAT(Run({"LPUSH", "l", "x", "y"}), IsInt(5));
  EXPECT_THAT(All("l"), ElementsAre("y", "x", "a", "b", "c"));
  EXPECT_THAT(Run({"LLEN", "l"}), IsInt(5));
  EXPECT_THAT(Run({"LLEN", "none"}), IsInt(0));
  EXPECT_THAT(Run({"LPUSHX", "l", "z"}), IsInt(6));
  EXPECT_THAT(Run({"RPUSHX", "l", "d", "e"}), IsInt(8));
  EXPECT_THAT(Run({"LPUSHX", "none", "z"}), IsInt(0));
  EXPECT_THAT(Run({"RPUSHX", "none", "z", "y"}), IsInt(0));
  EXPECT_THAT(Run({"EXISTS", "none"}), IsInt(0));
  EXPECT_THAT(All("l"), ElementsAre("z", "y", "x", "a", "b", "c", "d", "e"));
  EXPECT_THAT(Run({"TYPE", "l"}), IsStatus("list"));
  EXPECT_EQ(EncodingOf("l"), "quicklist");
  EXPECT_THAT(Run({"RPUSH", "l"}), IsError("ERR wrong number of arguments for 'rpush' command"));
}

TEST_P(ListTest, IsAQuicklistOfAnySize) {
  Fill("l", 5000);
  EXPECT_EQ(EncodingOf("l"), "quicklist");
  EXPECT_THAT(Run({"LTRIM", "l", "0", "0"}), IsOk());
  EXPECT_EQ(EncodingOf("l"), "quicklist");
  EXPECT_THAT(All("l"), ElementsAre(Element(0)));
}

TEST_P(ListTest, RangesAndIndices) {
  for (const int size : {7, 100, 3000}) {
    const std::string key = "l" + std::to_string(size);
    Fill(key, size);
    for (const int at : {0, 1, 5, size / 2, size - 2, size - 1}) {
      EXPECT_THAT(Run({"LINDEX", key, std::to_string(at)}), IsBulk(Element(at)));
      EXPECT_THAT(Run({"LINDEX", key, std::to_string(at - size)}), IsBulk(Element(at)));
      EXPECT_THAT(TextsOf(Run({"LRANGE", key, std::to_string(at), std::to_string(at)})), ElementsAre(Element(at)));
      EXPECT_THAT(TextsOf(Run({"LRANGE", key, std::to_string(at), "-1"})), SizeIs(static_cast<size_t>(size - at)));
    }
    EXPECT_THAT(Run({"LINDEX", key, std::to_string(size)}), IsNil());
    EXPECT_THAT(Run({"LINDEX", key, std::to_string(-size - 1)}), IsNil());
    EXPECT_THAT(Run({"LINDEX", key, "-9223372036854775808"}), IsNil());
    EXPECT_THAT(TextsOf(Run({"LRANGE", key, "-9223372036854775808", "9223372036854775807"})),
                SizeIs(static_cast<size_t>(size)));
    EXPECT_THAT(TextsOf(Run({"LRANGE", key, "9223372036854775807", "-9223372036854775808"})), IsEmpty());
    EXPECT_THAT(TextsOf(Run({"LRANGE", key, "3", "1"})), IsEmpty());
  }
  EXPECT_THAT(Run({"LRANGE", "none", "0", "-1"}), IsArray(IsEmpty()));
  EXPECT_THAT(Run({"LINDEX", "none", "x"}), IsNil());
  EXPECT_THAT(Run({"LINDEX", "l7", "x"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"LINDEX", "l7", "00"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"LRANGE", "none", "x", "1"}), IsError("ERR value is not an integer or out of range"));
}

TEST_P(ListTest, PopsFromBothEnds) {
  Run({"RPUSH", "l", "a", "b", "c", "d", "e", "f"});
  EXPECT_THAT(Run({"LPOP", "l"}), IsBulk("a"));
  EXPECT_THAT(Run({"RPOP", "l"}), IsBulk("f"));
  EXPECT_THAT(Run({"LPOP", "l", "0"}), IsArray(IsEmpty()));
  EXPECT_THAT(TextsOf(Run({"RPOP", "l", "2"})), ElementsAre("e", "d"));
  EXPECT_THAT(TextsOf(Run({"LPOP", "l", "100"})), ElementsAre("b", "c"));
  EXPECT_THAT(Run({"EXISTS", "l"}), IsInt(0));
  EXPECT_THAT(Run({"LPOP", "l"}), IsNil());
  EXPECT_THAT(Run({"RPOP", "l", "2"}), IsNilArray());
  EXPECT_THAT(Run({"LPOP", "l", "0"}), IsNilArray());
  EXPECT_THAT(Run({"LPOP", "l", "-1"}), IsError("ERR value is out of range, must be positive"));
  EXPECT_THAT(Run({"LPOP", "l", "x"}), IsError("ERR value is out of range, must be positive"));
  EXPECT_THAT(Run({"LPOP", "l", "1", "2"}), IsError("ERR wrong number of arguments for 'lpop' command"));
  EXPECT_THAT(Run({"rPOP", "l", "1", "2"}), IsError("ERR wrong number of arguments for 'rpop' command"));
}

TEST_P(ListTest, IsADeque) {
  std::deque<std::string> model;
  for (int i = 0; i < 3000; ++i) {
    // Grows at either end, then shrinks from either.
    const bool left = (i / 7) % 2 == 0;
    const std::string element = Element(i, static_cast<size_t>(i % 40 == 0 ? 700 : i % 23));
    if (i < 1600 || i % 5 == 0) {
      EXPECT_THAT(Run({left ? "LPUSH" : "RPUSH", "l", element}), IsInt(static_cast<int64_t>(model.size()) + 1));
      left ? model.push_front(element) : model.push_back(element);
    } else if (!model.empty()) {
      EXPECT_THAT(Run({left ? "LPOP" : "RPOP", "l"}), IsBulk(left ? model.front() : model.back()));
      left ? model.pop_front() : model.pop_back();
    }
    if (i % 250 == 0) {
      EXPECT_EQ(All("l"), Texts(model.begin(), model.end())) << i;
    }
  }
  EXPECT_EQ(All("l"), Texts(model.begin(), model.end()));
}

TEST_P(ListTest, HoldsElementsOfAnySize) {
  Texts model;
  for (const size_t size : {0u, 1u, 127u, 128u, 512u, 513u, 1000u, 5000u, 100000u}) {
    model.push_back(std::string(size, 'x'));
    EXPECT_THAT(Run({"RPUSH", "l", std::string(size, 'x')}), IsInt(static_cast<int64_t>(model.size())));
  }
  EXPECT_EQ(All("l"), model);
  EXPECT_THAT(Run({"COPY", "l", "copy"}), IsInt(1));
  EXPECT_THAT(Run({"LMOVE", "l", "other", "RIGHT", "LEFT"}), IsBulk(std::string(100000, 'x')));
  EXPECT_THAT(Run({"RPOP", "l"}), IsBulk(std::string(5000, 'x')));
  EXPECT_THAT(Run({"LSET", "copy", "0", std::string(3000, 'y')}), IsOk());
  EXPECT_THAT(Run({"LINDEX", "copy", "-1"}), IsBulk(std::string(100000, 'x')));
  EXPECT_THAT(Run({"LINDEX", "l", "0"}), IsBulk(""));
  EXPECT_THAT(Run({"RENAME", "copy", "moved"}), IsOk());
  EXPECT_THAT(Run({"LPOS", "moved", std::string(3000, 'y')}), IsInt(0));
  EXPECT_THAT(Run({"LREM", "moved", "0", std::string(100000, 'x')}), IsInt(1));
  EXPECT_THAT(Run({"LLEN", "moved"}), IsInt(8));
  EXPECT_THAT(Run({"LLEN", "other"}), IsInt(1));
}

TEST_P(ListTest, SetReplacesAnElement) {
  Fill("l", 1000);
  EXPECT_THAT(Run({"LSET", "l", "0", "first"}), IsOk());
  EXPECT_THAT(Run({"LSET", "l", "-1", "last"}), IsOk());
  EXPECT_THAT(Run({"LSET", "l", "500", std::string(900, 'm')}), IsOk());
  const Texts all = All("l");
  ASSERT_THAT(all, SizeIs(1000));
  EXPECT_EQ(all.front() + all.back(), "firstlast");
  EXPECT_EQ(all[500], std::string(900, 'm'));
  EXPECT_EQ(all[499], Element(499));
  EXPECT_EQ(all[501], Element(501));
  EXPECT_THAT(Run({"LSET", "l", "1000", "v"}), IsError("ERR index out of range"));
  EXPECT_THAT(Run({"LSET", "l", "-1001", "v"}), IsError("ERR index out of range"));
  EXPECT_THAT(Run({"LSET", "l", "x", "v"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"LSET", "none", "x", "v"}), IsError("ERR no such key"));
  Run({"SET", "s", "v"});
  EXPECT_THAT(Run({"LSET", "s", "x", "v"}), IsError(kWrong));
}

TEST_P(ListTest, InsertPutsBesideTheFirst) {
  Run({"RPUSH", "l", "a", "b", "a"});
  EXPECT_THAT(Run({"LINSERT", "l", "before", "a", "x"}), IsInt(4));
  EXPECT_THAT(Run({"LINSERT", "l", "AFTER", "a", "y"}), IsInt(5));
  EXPECT_THAT(All("l"), ElementsAre("x", "a", "y", "b", "a"));
  EXPECT_THAT(Run({"LINSERT", "l", "BEFORE", "zz", "y"}), IsInt(-1));
  EXPECT_THAT(Run({"LINSERT", "none", "BEFORE", "a", "y"}), IsInt(0));
  EXPECT_THAT(Run({"LINSERT", "none", "beside", "a", "y"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"EXISTS", "none"}), IsInt(0));
  Fill("large", 2000);
  for (const int at : {0, 1, 57, 1000, 1999}) {
    EXPECT_THAT(Run({"LINSERT", "large", "AFTER", Element(at), "after " + std::to_string(at)}), IsInt(2001));
    EXPECT_THAT(Run({"LINDEX", "large", std::to_string(at + 1)}), IsBulk("after " + std::to_string(at)));
    EXPECT_THAT(Run({"LREM", "large", "-1", "after " + std::to_string(at)}), IsInt(1));
    EXPECT_THAT(Run({"LINSERT", "large", "BEFORE", Element(at), "before " + std::to_string(at)}), IsInt(2001));
    EXPECT_THAT(Run({"LINDEX", "large", std::to_string(at)}), IsBulk("before " + std::to_string(at)));
    EXPECT_THAT(Run({"LREM", "large", "1", "before " + std::to_string(at)}), IsInt(1));
  }
}

TEST_P(ListTest, RemoveTakesTheFirstOrTheLast) {
  const auto make = [&] {
    Run({"DEL", "l"});
    Run({"RPUSH", "l", "a", "x", "b", "x", "x", "c", "x"});
  };
  make();
  EXPECT_THAT(Run({"LREM", "l", "2", "x"}), IsInt(2));
  EXPECT_THAT(All("l"), ElementsAre("a", "b", "x", "c", "x"));
  make();
  EXPECT_THAT(Run({"LREM", "l", "-3", "x"}), IsInt(3));
  EXPECT_THAT(All("l"), ElementsAre("a", "x", "b", "c"));
  make();
  EXPECT_THAT(Run({"LREM", "l", "0", "x"}), IsInt(4));
  EXPECT_THAT(All("l"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Run({"LREM", "l", "0", "x"}), IsInt(0));
  EXPECT_THAT(Run({"LREM", "l", "-9223372036854775808", "a"}), IsInt(1));
  EXPECT_THAT(Run({"LREM", "l", "9223372036854775807", "b"}), IsInt(1));
  EXPECT_THAT(Run({"LREM", "l", "0", "c"}), IsInt(1));
  EXPECT_THAT(Run({"EXISTS", "l"}), IsInt(0));
  EXPECT_THAT(Run({"LREM", "none", "1", "c"}), IsInt(0));
  EXPECT_THAT(Run({"LREM", "none", "x", "c"}), IsError("ERR value is not an integer or out of range"));
  // Every third of many, and runs of them.
  Texts model;
  for (int i = 0; i < 4000; ++i) model.push_back(i % 3 == 0 || (i / 500) % 2 == 1 ? "x" : Element(i));
  for (size_t i = 0; i < model.size(); i += 50) {
    Texts argv = {"RPUSH", "large"};
    argv.insert(argv.end(), model.begin() + static_cast<std::ptrdiff_t>(i),
                model.begin() + static_cast<std::ptrdiff_t>(i + 50));
    Run(argv);
  }
  for (int i = 0; i < 700; ++i) model.erase(std::find(model.begin(), model.end(), "x"));
  EXPECT_THAT(Run({"LREM", "large", "700", "x"}), IsInt(700));
  EXPECT_EQ(All("large"), model);
  for (int i = 0; i < 600; ++i) {
    model.erase(std::prev(std::find(model.rbegin(), model.rend(), "x").base()));
  }
  EXPECT_THAT(Run({"LREM", "large", "-600", "x"}), IsInt(600));
  EXPECT_EQ(All("large"), model);
  const auto rest = static_cast<int64_t>(std::count(model.begin(), model.end(), "x"));
  EXPECT_THAT(Run({"LREM", "large", "0", "x"}), IsInt(rest));
  std::erase(model, "x");
  EXPECT_EQ(All("large"), model);
}

TEST_P(ListTest, TrimKeepsARange) {
  for (const int size : {10, 100, 5000}) {
    for (const auto& [start, stop] : std::vector<std::pair<int, int>>{{0, -1}, {1, -2}, {0, 4}, {-4, -1}, {3, 3},
                                                                     {-100000, 5}, {4, 100000}}) {
      Run({"DEL", "l"});
      Fill("l", size);
      const Texts kept = TextsOf(Run({"LRANGE", "l", std::to_string(start), std::to_string(stop)}));
      EXPECT_THAT(Run({"LTRIM", "l", std::to_string(start), std::to_string(stop)}), IsOk());
      EXPECT_EQ(All("l"), kept);
    }
    EXPECT_THAT(Run({"LTRIM", "l", "5", "1"}), IsOk());
    EXPECT_THAT(Run({"EXISTS", "l"}), IsInt(0));
  }
  EXPECT_THAT(Run({"LTRIM", "none", "0", "1"}), IsOk());
  EXPECT_THAT(Run({"LTRIM", "none", "x", "1"}), IsError("ERR value is not an integer or out of range"));
}

TEST_P(ListTest, PositionsByRankCountAndLength) {
  Run({"RPUSH", "l", "a", "b", "c", "d", "a", "b", "c", "a"});
  const auto positions = [&](Texts options) {
    Texts argv = {"LPOS", "l", "a"};
    argv.insert(argv.end(), options.begin(), options.end());
    std::vector<int64_t> found;
    const Reply reply = Run(argv);
    for (const ReplyView& element : ElementsOf(reply)) found.push_back(element.integer());
    return found;
  };
  EXPECT_THAT(Run({"LPOS", "l", "a"}), IsInt(0));
  EXPECT_THAT(Run({"LPOS", "l", "zz"}), IsNil());
  EXPECT_THAT(Run({"LPOS", "l", "zz", "COUNT", "0"}), IsArray(IsEmpty()));
  EXPECT_THAT(Run({"LPOS", "none", "a"}), IsNil());
  EXPECT_THAT(Run({"LPOS", "none", "a", "COUNT", "1"}), IsArray(IsEmpty()));
  EXPECT_THAT(Run({"LPOS", "l", "a", "RANK", "-1"}), IsInt(7));
  EXPECT_THAT(Run({"LPOS", "l", "a", "RANK", "9223372036854775807"}), IsNil());
  EXPECT_THAT(Run({"LPOS", "l", "a", "MAXLEN", "3", "RANK", "2"}), IsNil());
  EXPECT_THAT(Run({"LPOS", "l", "a", "MAXLEN", "5", "RANK", "2"}), IsInt(4));
  EXPECT_THAT(positions({"COUNT", "0"}), ElementsAre(0, 4, 7));
  EXPECT_THAT(positions({"count", "2"}), ElementsAre(0, 4));
  EXPECT_THAT(positions({"RANK", "2", "COUNT", "0"}), ElementsAre(4, 7));
  EXPECT_THAT(positions({"RANK", "-2", "COUNT", "2"}), ElementsAre(4, 0));
  EXPECT_THAT(positions({"RANK", "-1", "COUNT", "0", "MAXLEN", "3"}), ElementsAre(7));
  EXPECT_THAT(positions({"RANK", "1", "RANK", "2", "COUNT", "1"}), ElementsAre(4));
  EXPECT_THAT(Run({"LPOS", "l", "a", "RANK", "-9223372036854775808"}), IsInt(7));
  EXPECT_THAT(positions({"RANK", "-9223372036854775808", "COUNT", "1"}), ElementsAre(7, 4, 0));
  EXPECT_THAT(Run({"LPOS", "s", "a", "RANK", "0"}),
              IsError("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use "
                      "negative to start from the end of the list"));
  EXPECT_THAT(Run({"LPOS", "l", "a", "RANK", "x"}), IsError("ERR value is not an integer or out of range"));
  EXPECT_THAT(Run({"LPOS", "l", "a", "COUNT", "-1"}), IsError("ERR COUNT can't be negative"));
  EXPECT_THAT(Run({"LPOS", "l", "a", "COUNT", "x"}), IsError("ERR COUNT can't be negative"));
  EXPECT_THAT(Run({"LPOS", "l", "a", "MAXLEN", "-1"}), IsError("ERR MAXLEN can't be negative"));
  EXPECT_THAT(Run({"LPOS", "l", "a", "RANK"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"LPOS", "l", "a", "FOO", "1"}), IsError("ERR syntax error"));
}

TEST_P(ListTest, MoveTakesFromOneEndToAnother) {
  Run({"RPUSH", "l", "a", "b", "c", "d"});
  EXPECT_THAT(Run({"LMOVE", "l", "m", "LEFT", "RIGHT"}), IsBulk("a"));
  EXPECT_THAT(Run({"LMOVE", "l", "m", "right", "right"}), IsBulk("d"));
  EXPECT_THAT(Run({"RPOPLPUSH", "l", "m"}), IsBulk("c"));
  EXPECT_THAT(All("m"), ElementsAre("c", "a", "d"));
  EXPECT_THAT(Run({"LMOVE", "l", "m", "LEFT", "LEFT"}), IsBulk("b"));
  EXPECT_THAT(Run({"EXISTS", "l"}), IsInt(0));
  EXPECT_THAT(Run({"LMOVE", "l", "m", "LEFT", "LEFT"}), IsNil());
  EXPECT_THAT(Run({"RPOPLPUSH", "l", "m"}), IsNil());
  EXPECT_THAT(Run({"LMOVE", "l", "m", "UP", "LEFT"}), IsError("ERR syntax error"));
  EXPECT_THAT(Run({"LMOVE", "l", "m", "LEFT", "UP"}), IsError("ERR syntax error"));
  // To itself.
  EXPECT_THAT(Run({"RPOPLPUSH", "m", "m"}), IsBulk("d"));
  EXPECT_THAT(All("m"), ElementsAre("d", "b", "c", "a"));
  EXPECT_THAT(Run({"LMOVE", "m", "m", "LEFT", "RIGHT"}), IsBulk("d"));
  EXPECT_THAT(Run({"LMOVE", "m", "m", "LEFT", "LEFT"}), IsBulk("b"));
  EXPECT_THAT(All("m"), ElementsAre("b", "c", "a", "d"));
  // The source is looked at first.
  Run({"SET", "s", "v"});
  EXPECT_THAT(Run({"LMOVE", "none", "s", "LEFT", "LEFT"}), IsNil());
  EXPECT_THAT(Run({"LMOVE", "m", "s", "LEFT", "LEFT"}), IsError(kWrong));
  EXPECT_THAT(Run({"RPOPLPUSH", "s", "m"}), IsError(kWrong));
  EXPECT_THAT(All("m"), ElementsAre("b", "c", "a", "d"));
}

TEST_P(ListTest, ManyAreMovedBetweenListsOfAllForms) {
  Fill("a", 1000);
  const Texts all = All("a");
  for (int i = 0; i < 1000; ++i) EXPECT_THAT(Run({"LMOVE", "a", "b", "LEFT", "RIGHT"}), IsBulk(Element(i)));
  EXPECT_EQ(All("b"), all);
  EXPECT_THAT(Run({"EXISTS", "a"}), IsInt(0));
  Run({"COPY", "b", "c"});
  for (int i = 0; i < 1000; ++i) EXPECT_THAT(Run({"RPOPLPUSH", "b", "b"}), IsBulk(Element(999 - i)));
  EXPECT_EQ(All("b"), all);
  for (int i = 0; i < 10; ++i) Run({"RPOPLPUSH", "b", "c"});
  EXPECT_THAT(Run({"LLEN", "c"}), IsInt(1010));
  EXPECT_THAT(Run({"LINDEX", "c", "0"}), IsBulk(Element(990)));
}

TEST_P(ListTest, MultiPopTakesTheFirstListThatThereIs) {
  Run({"RPUSH", "l", "a", "b", "c", "d"});
  EXPECT_THAT(Run({"LMPOP", "2", "none", "l", "LEFT"}),
              IsArray(ElementsAre(IsBulk("l"), IsArray(ElementsAre(IsBulk("a"))))));
  EXPECT_THAT(Run({"LMPOP", "1", "l", "right", "count", "2"}),
              IsArray(ElementsAre(IsBulk("l"), IsArray(ElementsAre(IsBulk("d"), IsBulk("c"))))));
  EXPECT_THAT(Run({"LMPOP", "1", "l", "left", "COUNT", "9223372036854775807"}),
              IsArray(ElementsAre(IsBulk("l"), IsArray(ElementsAre(IsBulk("b"))))));
  EXPECT_THAT(Run({"LMPOP", "1", "l", "left"}), IsNilArray());
  Run({"SET", "s", "v"});
  EXPECT_THAT(Run({"LMPOP", "2", "none", "s", "LEFT"}), IsError(kWrong));
  for (const std::string_view keys : {"0", "-1", "x"}) {
    EXPECT_THAT(Run({"LMPOP", keys, "l", "left"}), IsError("ERR numkeys should be greater than 0"));
  }
  for (const std::string_view count : {"0", "-1", "x", "9223372036854775808"}) {
    EXPECT_THAT(Run({"LMPOP", "1", "l", "left", "COUNT", count}), IsError("ERR count should be greater than 0"));
  }
  for (const Texts& argv : std::vector<Texts>{{"LMPOP", "2", "l", "left"}, {"LMPOP", "1", "l", "up"},
                                              {"LMPOP", "1", "l", "left", "COUNT"},
                                              {"LMPOP", "1", "l", "left", "COUNT", "1", "COUNT", "1"},
                                              {"LMPOP", "9223372036854775807", "l", "left"}}) {
    EXPECT_THAT(Run(argv), IsError("ERR syntax error"));
  }
  EXPECT_THAT(Run({"LMPOP", "1", "l"}), IsError("ERR wrong number of arguments for 'lmpop' command"));
  EXPECT_THAT(Run({"COMMAND", "GETKEYS", "LMPOP", "2", "x", "y", "left"}),
              IsArray(ElementsAre(IsBulk("x"), IsBulk("y"))));
}

TEST_P(ListTest, KeepsItsExpiry) {
  Run({"RPUSH", "l", "a", "b"});
  Run({"PEXPIRE", "l", "5000"});
  Fill("l", 600);
  EXPECT_EQ(TtlMs("l"), 5000);
  Run({"LPOP", "l", "590"});
  Run({"LMOVE", "l", "m", "LEFT", "LEFT"});
  EXPECT_EQ(TtlMs("l"), 5000);
  EXPECT_EQ(TtlMs("m"), -1);
  Advance(absl::Seconds(6));
  EXPECT_THAT(Run({"LLEN", "l"}), IsInt(0));
  EXPECT_THAT(Run({"LMOVE", "l", "m", "LEFT", "LEFT"}), IsNil());
}

TEST_P(ListTest, AnExpiredDestinationIsANewList) {
  Run({"RPUSH", "l", "a", "b"});
  Run({"RPUSH", "m", "old"});
  Run({"PEXPIRE", "m", "10"});
  Advance(absl::Milliseconds(11));
  EXPECT_THAT(Run({"LMOVE", "l", "m", "LEFT", "LEFT"}), IsBulk("a"));
  EXPECT_THAT(All("m"), ElementsAre("a"));
  EXPECT_EQ(TtlMs("m"), -1);
}

TEST_P(ListTest, OtherTypesAreRefused) {
  Run({"SET", "s", "v"});
  Run({"RPUSH", "l", "a"});
  for (const Texts& argv : std::vector<Texts>{
           {"LPUSH", "s", "a"}, {"RPUSH", "s", "a"}, {"LPUSHX", "s", "a"}, {"RPUSHX", "s", "a"}, {"LPOP", "s"},
           {"RPOP", "s", "1"}, {"LPOP", "s", "0"}, {"LLEN", "s"}, {"LRANGE", "s", "0", "1"}, {"LINDEX", "s", "x"},
           {"LINSERT", "s", "before", "a", "b"}, {"LREM", "s", "0", "a"}, {"LTRIM", "s", "0", "1"}, {"LPOS", "s", "a"},
           {"LMPOP", "1", "s", "left"}, {"GET", "l"}, {"APPEND", "l", "x"}, {"INCR", "l"}, {"HGET", "l", "f"},
           {"HSET", "l", "f", "v"}, {"STRLEN", "l"}, {"SETBIT", "l", "1", "1"}, {"PFADD", "l", "1"}}) {
    EXPECT_THAT(Run(argv), IsError(kWrong)) << argv[0];
  }
  EXPECT_THAT(Run({"SET", "l", "now a string"}), IsOk());
  EXPECT_THAT(Run({"GET", "l"}), IsBulk("now a string"));
}

TEST_P(ListTest, AChangeIsSeenByWatch) {
  Run({"RPUSH", "l", "a", "b", "a"});
  EXPECT_TRUE(RunsAfter("l", {"LRANGE", "l", "0", "-1"}));
  EXPECT_TRUE(RunsAfter("l", {"LREM", "l", "0", "zz"}));
  EXPECT_TRUE(RunsAfter("l", {"LPOP", "l", "0"}));
  EXPECT_TRUE(RunsAfter("l", {"LINSERT", "l", "BEFORE", "zz", "x"}));
  EXPECT_TRUE(RunsAfter("none", {"LPUSHX", "none", "x"}));
  EXPECT_FALSE(RunsAfter("l", {"LTRIM", "l", "0", "-1"})) << "which keeps all, and is a change, as in Redis";
  EXPECT_FALSE(RunsAfter("l", {"LSET", "l", "0", "a"})) << "the same element is a change too";
  EXPECT_FALSE(RunsAfter("l", {"LMOVE", "l", "l", "LEFT", "LEFT"}));
  EXPECT_FALSE(RunsAfter("l", {"LMOVE", "l", "m", "LEFT", "LEFT"}));
  EXPECT_FALSE(RunsAfter("m", {"LMOVE", "l", "m", "LEFT", "LEFT"}));
  EXPECT_FALSE(RunsAfter("l", {"LPOP", "l"}));
}

}  // namespace
}  // namespace larder::testing
