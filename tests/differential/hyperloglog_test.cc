// HyperLogLogs of up to 30,000 elements, byte for byte as Redis has them: as they grow, merged, and overwritten at
// random; and estimates at many cardinalities.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/differential/sides.h"

namespace differential {
namespace {

constexpr uint64_t kSeed = 20261204;

class HyperLogLogs : public testing::Test {
 protected:
  HyperLogLogs()
      : redis_(StartRedis()), larder_(StartLarder()), theirs_(redis_->Connect()), ours_(larder_->Connect()) {}

  Value ExpectSame(const Argv& argv) {
    const Value ours = Ask(*ours_, argv);
    const Value theirs = Ask(*theirs_, argv);
    EXPECT_TRUE(ours == theirs) << Said() << Printable(argv).substr(0, 200) << "\n  Larder: "
                                << Printable(ours.text) << "\n  Redis:  "
                                << Printable(theirs.text) << "\n  seed " << kSeed;
    said_.push_back(Printable(argv).substr(0, 200) + " -> " + Printable(theirs.text) + "\n");
    return theirs;
  }
  // The last commands with their replies.
  std::string Said() const {
    std::string text;
    for (size_t i = said_.size() < 12 ? 0 : said_.size() - 12; i < said_.size(); ++i) text += said_[i];
    return text;
  }
  int Below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  // PFADD of so many, each one of `space`.
  Argv Elements(const std::string& key, int count, int space) {
    Argv argv = {"PFADD", key};
    for (int i = 0; i < count; ++i) argv.push_back("element:" + std::to_string(Below(space)));
    return argv;
  }

  std::mt19937_64 random_{kSeed};
  std::vector<std::string> said_;
  std::unique_ptr<Side> redis_, larder_;
  std::unique_ptr<Link> theirs_, ours_;
};

TEST_F(HyperLogLogs, GrowAlike) {
  for (const char* sparse_max : {"3000", "0", "200", "16000", "100000"}) {
    ExpectSame({"CONFIG", "SET", "hll-sparse-max-bytes", sparse_max});
    ExpectSame({"DEL", "k"});
    for (int added = 0, at_once = 1; added < 30'000 && !HasFailure(); added += at_once) {
      at_once = std::max(1, added / 40);
      ExpectSame(Elements("k", at_once, 1'000'000'000));
      ExpectSame({"GET", "k"});
      if (Below(3) == 0) ExpectSame({"PFCOUNT", "k"});
    }
  }
}

TEST_F(HyperLogLogs, AreEstimatedAlike) {
  for (int added = 0, at_once = 0; added < 1'000'000 && !HasFailure(); added += at_once) {
    at_once = std::clamp(added / 10, 1, 20'000);
    ExpectSame(Elements("k", at_once, 1'000'000'000));
    ExpectSame({"PFCOUNT", "k"});
    ExpectSame({"PFCOUNT", "k", "missing"});
  }
}

TEST_F(HyperLogLogs, MergeAlike) {
  for (int round = 0; round < 150 && !HasFailure(); ++round) {
    ExpectSame({"FLUSHALL"});
    ExpectSame({"CONFIG", "SET", "hll-sparse-max-bytes", std::to_string(Below(2) == 0 ? 3000 : Below(2000))});
    Argv merge = {"PFMERGE"};
    for (int i = 0; i < 1 + Below(4); ++i) {
      const std::string key = "k" + std::to_string(i);
      merge.push_back(key);
      if (Below(5) == 0) continue;
      ExpectSame(Elements(key, Below(Below(4) == 0 ? 30'000 : 800), 1'000'000));
      if (Below(6) == 0) ExpectSame({"PFDEBUG", "TODENSE", key});
      if (Below(3) == 0) ExpectSame({"PFCOUNT", key});
    }
    ExpectSame(merge);
    ExpectSame({"GET", merge[1]});
    merge[0] = "PFCOUNT";
    ExpectSame(merge);
  }
}

// Whether the last run of a sparse one is cut off: what is behind the string would be its second byte.
bool IsCutOff(const std::string& text) {
  size_t at = 16;
  while (at < text.size()) at += (static_cast<unsigned char>(text[at]) & 0xc0) == 0x40 ? 2 : 1;
  return at > text.size();
}

// A PFADD of several elements to a corrupt string may in Redis have added those before the one at which it notices; so
// it is one at a time here.
TEST_F(HyperLogLogs, AreCorruptAlike) {
  int corrupt = 0;
  for (int round = 0; round < 1500 && !HasFailure(); ++round) {
    ExpectSame({"DEL", "k", "m"});
    ExpectSame(Elements("k", 1 + Below(Below(10) == 0 ? 3000 : 40), 1'000'000));
    const int size = std::stoi(ExpectSame({"STRLEN", "k"}).text);
    for (int i = 0; i <= Below(3); ++i) {
      const int at = Below(3) == 0 ? Below(20) : Below(size + 2);
      ExpectSame({"SETRANGE", "k", std::to_string(at), std::string(1, static_cast<char>(random_()))});
    }
    const Argv kCalls[] = {{"PFADD", "k"}, {"PFCOUNT", "k"}, {"PFCOUNT", "k", "missing"}, {"PFMERGE", "m", "k"},
                           {"PFMERGE", "k", "m"}, {"PFDEBUG", "DECODE", "k"}, {"PFDEBUG", "ENCODING", "k"},
                           {"PFDEBUG", "TODENSE", "k"}, {"PFDEBUG", "GETREG", "k"}};
    for (int i = 0; i < 8 && !HasFailure(); ++i) {
      if (Below(2) != 0) {
        corrupt += ExpectSame(kCalls[static_cast<size_t>(Below(9))]).is_error();
      } else if (!IsCutOff(ExpectSame({"GET", "k"}).text)) {
        corrupt += ExpectSame(Elements("k", 1, 1'000'000)).is_error();
      }
      ExpectSame({"GET", "k"});
    }
  }
  EXPECT_GT(corrupt, 1000);
}

}  // namespace
}  // namespace differential
