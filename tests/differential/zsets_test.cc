// What random requests leave out of sorted sets: ranges by member over several scores, which Redis answers alike only
// while it has a listpack; and those of one score, as a skiplist of some size.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/differential/generator.h"
#include "tests/differential/sides.h"

namespace differential {
namespace {

class Zsets : public testing::Test {
 protected:
  Zsets() : redis_(StartRedis()), larder_(StartLarder()), theirs_(redis_->Connect()), ours_(larder_->Connect()) {}

  void ExpectSame(const Argv& argv) {
    const Value ours = Ask(*ours_, argv);
    const Value theirs = Ask(*theirs_, argv);
    EXPECT_TRUE(ours == theirs) << Printable(argv).substr(0, 200) << "\n  Larder: " << Printable(ours.text) << " "
                                << ours.items.size() << "\n  Redis:  " << Printable(theirs.text) << " "
                                << theirs.items.size();
  }
  std::string Bound() {
    const int kind = random_.Below(8);
    if (kind == 0) return "-";
    if (kind == 1) return "+";
    return (kind < 5 ? "[" : "(") + std::string(1, static_cast<char>('a' + random_.Below(14))) +
           (random_.Below(3) == 0 ? "x" : "");
  }
  void AskForRange() {
    const std::string min = Bound();
    const std::string max = Bound();
    Argv argv = {random_.Below(2) == 0 ? "ZRANGEBYLEX" : "ZREVRANGEBYLEX", "z", min, max};
    if (random_.Below(2) == 0) {
      argv.insert(argv.end(), {"LIMIT", std::to_string(random_.Below(9) - 1), std::to_string(random_.Below(9) - 2)});
    }
    ExpectSame(argv);
    ExpectSame({"ZLEXCOUNT", "z", min, max});
    if (random_.Below(10) != 0) return;
    ExpectSame({"ZREMRANGEBYLEX", "z", min, max});
    ExpectSame({"ZRANGE", "z", "0", "-1", "WITHSCORES"});
  }

  std::unique_ptr<Side> redis_, larder_;
  std::unique_ptr<Link> theirs_, ours_;
  Random random_{20'261'202};
};

TEST_F(Zsets, ByMemberOverSeveralScoresOfAListpack) {
  for (int round = 0; round < 150 && !HasFailure(); ++round) {
    ExpectSame({"DEL", "z"});
    Argv argv = {"ZADD", "z"};
    for (int i = random_.Below(12); i >= 0; --i) {
      argv.insert(argv.end(), {std::to_string(random_.Below(6)), std::string(1, static_cast<char>('a' + random_.Below(14)))});
    }
    ExpectSame(argv);
    for (int i = 0; i < 15; ++i) AskForRange();
  }
}

TEST_F(Zsets, ByMemberOverOneScoreOfASkiplist) {
  for (int round = 0; round < 10 && !HasFailure(); ++round) {
    ExpectSame({"DEL", "z"});
    Argv argv = {"ZADD", "z"};
    for (int i = 0; i < 400; ++i) {
      argv.insert(argv.end(), {"2.5", std::string(1, static_cast<char>('a' + i % 14)) + std::to_string(i)});
    }
    ExpectSame(argv);
    ExpectSame({"OBJECT", "ENCODING", "z"});
    for (int i = 0; i < 60; ++i) AskForRange();
  }
}

// Sums of several floats depend on their order, which is that of the sets' sizes.
TEST_F(Zsets, SumsAreMadeInTheSameOrder) {
  for (int round = 0; round < 150 && !HasFailure(); ++round) {
    for (const char* key : {"a", "b", "c", "d"}) {
      ExpectSame({"DEL", key});
      Argv argv = {"ZADD", key};
      for (int i = random_.Below(6); i >= 0; --i) {
        argv.insert(argv.end(), {"0." + std::to_string(random_.Next() % 1'000'000'000), "m" + std::to_string(random_.Below(5))});
      }
      ExpectSame(argv);
    }
    ExpectSame({"ZUNION", "4", "a", "b", "c", "d", "WEIGHTS", "1.1", "3.7", "-0.3", "1e10", "WITHSCORES"});
    ExpectSame({"ZINTER", "3", "d", "c", "b", "WITHSCORES"});
    ExpectSame({"ZUNIONSTORE", "to", "4", "d", "c", "b", "a"});
    ExpectSame({"ZRANGE", "to", "0", "-1", "WITHSCORES"});
  }
}

}  // namespace
}  // namespace differential
