// What is left to chance in sets, step by step: SPOP of each count of sets of both labels.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/differential/sides.h"

namespace differential {
namespace {

class Sets : public testing::Test {
 protected:
  Sets() : redis_(StartRedis()), larder_(StartLarder()), theirs_(redis_->Connect()), ours_(larder_->Connect()) {}

  // Both sides' replies.
  std::pair<Value, Value> Both(const Argv& argv) { return {Ask(*ours_, argv), Ask(*theirs_, argv)}; }
  void ExpectSame(const Argv& argv) {
    const auto [ours, theirs] = Both(argv);
    EXPECT_TRUE(ours == theirs) << Printable(argv).substr(0, 200) << "\n  Larder: " << Printable(ours.text)
                                << "\n  Redis:  " << Printable(theirs.text);
  }
  void Make(int members, bool table, const std::string& prefix) {
    ExpectSame({"DEL", "s"});
    Argv argv = {"SADD", "s"};
    for (int i = 0; i < members; ++i) argv.push_back(prefix + std::to_string(i));
    if (table) argv.emplace_back("text");
    ExpectSame(argv);
    if (table) ExpectSame({"SREM", "s", "text"});
  }

  std::unique_ptr<Side> redis_, larder_;
  std::unique_ptr<Link> theirs_, ours_;
};

TEST_F(Sets, WhatSpopLeavesHasTheSameLabelAndSize) {
  for (const char* limit : {"512", "3"}) {
    for (const int members : {1, 2, 4, 9, 10, 11, 20, 33, 300}) {
      for (const bool table : {false, true}) {
        for (int count = 1; count <= members + 1 && !HasFailure(); count += members < 40 ? 1 : 37) {
          SCOPED_TRACE(testing::Message()
                       << members << ", table " << table << ", count " << count << ", limit " << limit);
          ExpectSame({"CONFIG", "SET", "set-max-intset-entries", "512"});
          Make(members, table, "");
          ExpectSame({"CONFIG", "SET", "set-max-intset-entries", limit});
          const auto [ours, theirs] = Both({"SPOP", "s", std::to_string(count)});
          ASSERT_EQ(ours.type, theirs.type);
          ASSERT_EQ(ours.items.size(), theirs.items.size());
          ExpectSame({"SCARD", "s"});
          ExpectSame({"OBJECT", "ENCODING", "s"});
        }
      }
    }
  }
}

TEST_F(Sets, SpopOfTextsLeavesATable) {
  for (const int members : {2, 10, 200}) {
    for (const char* count : {"1", "2", "9", "180"}) {
      Make(members, false, "member");
      const auto [ours, theirs] = Both({"SPOP", "s", count});
      ASSERT_EQ(ours.items.size(), theirs.items.size());
      ExpectSame({"SCARD", "s"});
      ExpectSame({"OBJECT", "ENCODING", "s"});
    }
  }
}

// Of each size of the first set, of the second and of the third: Redis has two ways, which leave other labels.
TEST_F(Sets, DifferencesHaveTheSameLabel) {
  const auto make = [&](const std::string& key, const std::string& prefix, int members) {
    ExpectSame({"DEL", key});
    Argv argv = {"SADD", key, "text"};
    for (int i = 1; i < members; ++i) argv.push_back(prefix + std::to_string(i));
    if (members > 0) ExpectSame(argv);
  };
  for (const int first : {1, 2, 3, 6, 21, 101, 600}) {
    make("a", "", first);
    for (const int second : {0, 1, 2, 5, 20, 100}) {
      make("b", "9", second);
      for (const int third : {0, 1, 5, 50}) {
        make("c", "7000", third);
        ExpectSame({"SDIFFSTORE", "to", "a", "b", "c"});
        ExpectSame({"OBJECT", "ENCODING", "to"});
        ExpectSame({"SDIFFSTORE", "to", "a", "b", "c", "b", "none"});
        ExpectSame({"OBJECT", "ENCODING", "to"});
        ExpectSame({"SDIFFSTORE", "to", "a", "b", "a"});
      }
    }
  }
}

}  // namespace
}  // namespace differential
