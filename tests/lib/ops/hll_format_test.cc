// The strings of HyperLogLogs: registers, runs, and what is not to be trusted. That they are Redis's, byte for byte, is
// in tests/differential/hyperloglog_test.cc.
#include "lib/ops/hll_format.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/random.h"

namespace larder {
namespace {

using namespace ops::hll;
using namespace std::string_literals;

constexpr uint64_t kSeed = 20261203;

// A string of that form with these runs or registers.
std::string Text(char form, const std::string& body) { return "HYLL"s + form + "\0\0\0\0\0\0\0\0\0\0\x80"s + body; }

// What sparse runs say, as PFDEBUG DECODE does.
std::string RunsOf(Bytes text) {
  std::string words;
  ForEachRun(text, [&](const Run& run) {
    words += (run.value == 0 ? "z" : std::to_string(run.value)) + ":" + std::to_string(run.length) + " ";
  });
  return words;
}

std::string AfterRaising(std::vector<Element> elements, size_t sparse_bytes_max = 3000) {
  Sketch sketch;
  EXPECT_TRUE(sketch.MakeEmpty());
  for (const Element& element : elements) EXPECT_EQ(sketch.Raise(element, sparse_bytes_max), Outcome::kRaised);
  return IsDense(sketch.text()) ? "dense" : RunsOf(sketch.text());
}

TEST(HllFormatTest, RunsAreSplitAndJoined) {
  EXPECT_EQ(AfterRaising({}), "z:16384 ");
  EXPECT_EQ(AfterRaising({{0, 3}}), "3:1 z:16383 ");
  EXPECT_EQ(AfterRaising({{16383, 3}}), "z:16383 3:1 ");
  EXPECT_EQ(AfterRaising({{5, 3}, {6, 3}, {7, 3}}), "z:5 3:3 z:16376 ");
  EXPECT_EQ(AfterRaising({{5, 3}, {7, 3}, {6, 3}}), "z:5 3:3 z:16376 ");
  EXPECT_EQ(AfterRaising({{5, 3}, {6, 3}, {7, 3}, {8, 3}, {9, 3}}), "z:5 3:4 3:1 z:16374 ");
  EXPECT_EQ(AfterRaising({{5, 3}, {6, 3}, {7, 3}, {6, 4}}), "z:5 3:1 4:1 3:1 z:16376 ");
}

TEST(HllFormatTest, AStringThatWouldBeTooLongBecomesDense) {
  EXPECT_EQ(AfterRaising({{5, 3}}, 21), "z:5 3:1 z:16378 ");  // two runs of two bytes would be 21
  EXPECT_EQ(AfterRaising({{500, 3}}, 21), "z:500 3:1 z:15883 ");
  EXPECT_EQ(AfterRaising({{500, 3}}, 20), "dense");
}

TEST(HllFormatTest, AValueThatNoRunHasMakesItDense) {
  EXPECT_EQ(AfterRaising({{5, 32}}), "z:5 32:1 z:16378 ");
  EXPECT_EQ(AfterRaising({{5, 33}}), "dense");
}

TEST(HllFormatTest, DenseRegistersAreApart) {
  base::Random random(kSeed);
  Sketch sketch;
  ASSERT_TRUE(sketch.MakeEmpty());
  ASSERT_EQ(sketch.MakeDense(), Outcome::kRaised);
  std::vector<uint8_t> expected(kRegisters);
  for (int i = 0; i < 100'000; ++i) {
    const Element element{static_cast<uint32_t>(random.Below(kRegisters)), static_cast<uint8_t>(random.Below(64))};
    const bool raises = element.count > expected[element.index];
    ASSERT_EQ(WouldRaise(sketch.text(), element), raises ? Outcome::kRaised : Outcome::kSame);
    ASSERT_EQ(sketch.Raise(element, 0), raises ? Outcome::kRaised : Outcome::kSame);
    expected[element.index] = std::max(expected[element.index], element.count);
  }
  Registers registers;
  ASSERT_TRUE(registers.Merge(sketch.text()));
  std::string copy(sketch.text());
  std::fill(copy.begin() + kHeaderBytes, copy.end(), '\0');
  registers.WriteDense(copy.data());
  EXPECT_EQ(copy, sketch.text());
  for (size_t i = 0; i < kRegisters; ++i) ASSERT_EQ(registers[i], expected[i]) << i;
}

TEST(HllFormatTest, SparseAndDenseSayTheSame) {
  base::Random random(kSeed);
  Sketch sparse, dense;
  ASSERT_TRUE(sparse.MakeEmpty() && dense.MakeEmpty());
  ASSERT_EQ(dense.MakeDense(), Outcome::kRaised);
  for (int i = 0; i < 20'000; ++i) {
    const Element element{static_cast<uint32_t>(random.Below(kRegisters)), static_cast<uint8_t>(1 + random.Below(9))};
    ASSERT_EQ(WouldRaise(sparse.text(), element), WouldRaise(dense.text(), element));
    ASSERT_EQ(sparse.Raise(element, 1 << 20), dense.Raise(element, 1 << 20));
    if (i % 500 != 0) continue;
    ASSERT_EQ(Estimate(sparse.text()), Estimate(dense.text()));
    Registers registers;
    ASSERT_TRUE(registers.Merge(sparse.text()));
    EXPECT_EQ(registers.Estimate(), Estimate(dense.text()));
  }
  EXPECT_FALSE(IsDense(sparse.text()));
  ASSERT_EQ(sparse.MakeDense(), Outcome::kRaised);
  EXPECT_EQ(sparse.text(), dense.text());
}

TEST(HllFormatTest, EstimatesAreCloseToWhatWasAdded) {
  Sketch sketch;
  ASSERT_TRUE(sketch.MakeEmpty());
  int64_t added = 0;
  for (const int64_t goal : {1, 2, 10, 100, 1000, 5000, 20'000, 100'000, 300'000}) {
    for (; added < goal; ++added) sketch.Raise(ElementOf(std::to_string(added)), 3000);
    const double error = static_cast<double>(*Estimate(sketch.text()) - added) / static_cast<double>(added);
    EXPECT_LT(std::abs(error), 0.025) << added;
  }
}

TEST(HllFormatTest, TheHeaderDecidesWhatIsOne) {
  EXPECT_TRUE(IsHyperLogLog(Text(1, "\x7f\xff")));
  EXPECT_TRUE(IsHyperLogLog(Text(1, "")));
  EXPECT_TRUE(IsHyperLogLog(Text(0, std::string(12288, '\0'))));
  EXPECT_FALSE(IsHyperLogLog(Text(0, std::string(12287, '\0'))));
  EXPECT_FALSE(IsHyperLogLog(Text(0, std::string(12289, '\0'))));
  EXPECT_FALSE(IsHyperLogLog(Text(2, std::string(12288, '\0'))));
  EXPECT_FALSE(IsHyperLogLog(""));
  EXPECT_FALSE(IsHyperLogLog("HYLL\x01"));
  EXPECT_FALSE(IsHyperLogLog("HYLK" + Text(1, "\x7f\xff").substr(4)));
}

TEST(HllFormatTest, TheKeptCountIsLittleEndianWithAFlag) {
  std::string text = Text(1, "\x7f\xff");
  EXPECT_EQ(KeptCount(text), std::nullopt);
  KeepCount(text.data(), 0x0102030405060708);
  EXPECT_EQ(text.substr(8, 8), "\x08\x07\x06\x05\x04\x03\x02\x01");
  EXPECT_EQ(KeptCount(text), 0x0102030405060708);
  MarkCountStale(text.data());
  EXPECT_EQ(KeptCount(text), std::nullopt);
}

TEST(HllFormatTest, RunsThatDoNotMakeAllRegistersAreCorrupt) {
  const std::string bodies[] = {"", "\x80", "\x7f", "\x7f\xfe", "\x7f\xff\0"s, "\x7f\xfe\x81", "\x7f\xf0\x7f\xff"};
  for (const std::string& body : bodies) {
    const std::string text = Text(1, body);
    Registers registers;
    EXPECT_FALSE(registers.Merge(text)) << RunsOf(text);
    EXPECT_EQ(Estimate(text), std::nullopt) << RunsOf(text);
    Sketch sketch;
    ASSERT_TRUE(sketch.Load(text));
    EXPECT_EQ(sketch.MakeDense(), Outcome::kCorrupt);
    EXPECT_EQ(sketch.text(), text);
  }
}

TEST(HllFormatTest, RegistersThatNoElementMakesHaveAnEstimateToo) {
  EXPECT_EQ(Estimate(Text(0, std::string(12288, '\xff'))), INT64_MIN);
}

TEST(HllFormatTest, GarbageIsSurvived) {
  base::Random random(kSeed);
  for (int round = 0; round < 3000; ++round) {
    std::string body(random.Below(60), '\0');
    for (char& c : body) c = static_cast<char>(random.Next());
    Sketch sketch;
    ASSERT_TRUE(sketch.Load(Text(1, body)));
    for (int i = 0; i < 30; ++i) {
      const Element element{static_cast<uint32_t>(random.Below(kRegisters)), static_cast<uint8_t>(1 + random.Below(40))};
      const Outcome would = WouldRaise(sketch.text(), element);
      const Outcome outcome = sketch.Raise(element, 40 + random.Below(100));
      EXPECT_TRUE(outcome != Outcome::kSame || would == outcome);
      Registers registers;
      EXPECT_EQ(registers.Merge(sketch.text()), Estimate(sketch.text()).has_value());
    }
  }
}

}  // namespace
}  // namespace larder
