// Arguments that are large enough to be read straight into the block that becomes the value.
#include <larder/cache.h>
#include <larder/session.h>

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace larder {
namespace {

std::string Text(size_t size, char seed) {
  std::string text(size, seed);
  for (size_t i = 0; i < size; i += 101) text[i] = static_cast<char>('a' + (i / 101 + static_cast<size_t>(seed)) % 26);
  return text;
}

std::string Command(const std::vector<std::string>& words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

std::string Bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }

class LargeArgumentsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto cache = Cache::Open(Options());
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
    Connect();
  }
  void Connect() {
    auto connection = cache_->NewConnection();
    ASSERT_TRUE(connection.ok()) << connection.status();
    connection_ = *std::move(connection);
  }
  // Feeds the input in pieces that end at these places; returns all the output.
  std::string Feed(const std::string& input, std::vector<size_t> cuts = {}) {
    std::string output;
    size_t from = 0;
    cuts.push_back(input.size());
    for (const size_t to : cuts) {
      EXPECT_TRUE(connection_->Feed(input.substr(from, to - from)).ok());
      output += connection_->output();
      connection_->ConsumeOutput(connection_->output().size());
      from = to;
    }
    return output;
  }
  std::string Get(const std::string& key) {
    std::string value;
    EXPECT_TRUE(*cache_->Get(key, &value));
    return value;
  }

  std::unique_ptr<Cache> cache_;
  std::unique_ptr<RespConnection> connection_;
};

// The input has grown for the first request, whose arguments stand in it until it has run. It is short enough for both
// to be taken in one turn (32 KB).
TEST_F(LargeArgumentsTest, OneThatBeginsBehindALongRequestLeavesThatAlone) {
  std::vector<std::string> words = {"MSET"};
  for (int i = 0; i < 250; ++i) {
    words.push_back("key:" + std::to_string(i));
    words.push_back(Text(100, static_cast<char>('a' + i % 26)));
  }
  const std::string before = Command(words);
  ASSERT_LT(before.size(), 32u * 1024);
  const std::string value = Text(100'000, 'v');
  const std::string input = before + Command({"SET", "k", value});
  EXPECT_EQ(Feed(input, {before.size() - 10, before.size() + 40}), "+OK\r\n+OK\r\n");
  EXPECT_EQ(Get("key:0"), words[2]);
  EXPECT_EQ(Get("key:249"), words[500]);
  EXPECT_EQ(Get("k"), value);
}

TEST_F(LargeArgumentsTest, CutAnywhereTheyArriveWhole) {
  for (const size_t size : {size_t{32 * 1024}, size_t{300'000}, size_t{1'500'000}}) {
    const std::string value = Text(size, 'p');
    const std::string input = "PING\r\n" + Command({"SET", "k", value}) + "GET k\r\n" + Command({"SET", "after", "1"});
    const std::string output = "+PONG\r\n+OK\r\n" + Bulk(value) + "+OK\r\n";
    const size_t start = input.find(value);
    const size_t end = start + size;
    std::vector<std::vector<size_t>> all = {{}};
    for (size_t at = start - 12; at <= start + 12; ++at) all.push_back({at});
    for (size_t at = end - 3; at <= end + 5; ++at) all.push_back({start + 100, at});
    all.push_back({start, start + 1, start + 2, start + size / 2, end - 1, end, end + 1, end + 2, end + 3});
    for (const std::vector<size_t>& cuts : all) {
      EXPECT_TRUE(Feed(input, cuts) == output) << size << " bytes, first cut at " << (cuts.empty() ? 0 : cuts[0]);
    }
    EXPECT_EQ(Get("k"), value);
  }
}

TEST_F(LargeArgumentsTest, SeveralInOneRequestAndArgumentsBehindThem) {
  const std::string a = Text(100'000, 'a');
  const std::string b = Text(70'000, 'b');
  const std::string key = Text(50'000, 'k');
  const std::string mset = Command({"MSET", "a", a, "b", b, key, "small"});
  for (const size_t cut : {size_t{30}, size_t{50'000}, mset.size() - 40'000, mset.size() - 20}) {
    EXPECT_EQ(Feed(mset, {cut}), "+OK\r\n");
    EXPECT_EQ(Get("a"), a);
    EXPECT_EQ(Get("b"), b);
    EXPECT_EQ(Get(key), "small");
    EXPECT_EQ(Feed("DEL a b\r\n"), ":2\r\n");
  }
  const std::string set = Command({"SET", "a", a, "EX", "100", "GET"});
  EXPECT_EQ(Feed(set, {40, 60'000, set.size() - 25, set.size() - 12}), "$-1\r\n");
  EXPECT_EQ(Get("a"), a);
  EXPECT_EQ(Feed("TTL a\r\n"), ":100\r\n");
  EXPECT_EQ(Feed(Command({"GETSET", "a", b}), {200, 50'000}), Bulk(a));
  EXPECT_EQ(Feed(Command({"SETNX", "a", a}), {200, 50'000}), ":0\r\n");
  EXPECT_EQ(Feed(Command({"SETEX", "c", "10", a}), {200, 50'000}), "+OK\r\n");
  EXPECT_EQ(Get("c"), a);
}

TEST_F(LargeArgumentsTest, CommandsThatDoNotKeepThem) {
  const std::string a = Text(100'000, 'a');
  EXPECT_EQ(Feed(Command({"SET", "k", a}), {200}), "+OK\r\n");
  EXPECT_EQ(Feed(Command({"APPEND", "k", a}), {200}), ":200000\r\n");
  EXPECT_EQ(Get("k"), a + a);
  EXPECT_EQ(Feed(Command({"ECHO", a}), {200, 300}), Bulk(a));
  EXPECT_EQ(Feed(Command({a, "x"}), {200, 300}).substr(0, 20), "-ERR unknown command");
  EXPECT_EQ(Feed(Command({"GET", a}), {200, 300}), "$-1\r\n");
  EXPECT_EQ(Feed("MULTI\r\n" + Command({"SET", "k", a}) + "EXEC\r\n", {300, 40'000}),
            "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n");
  EXPECT_EQ(Get("k"), a);
  EXPECT_EQ(Feed(Command({"SET", "k", a, "BAD"}), {200, 300}), "-ERR syntax error\r\n");
  EXPECT_EQ(Get("k"), a);
}

TEST_F(LargeArgumentsTest, TheValueIsTheBlockThatCame) {
  const auto memory_used = [this] { return cache_->Stats()->used_memory; };
  const std::string input = Command({"SET", "k", Text(200'000, 'v')});
  const auto before = memory_used();
  EXPECT_EQ(Feed(input.substr(0, 100'000)), "");
  const auto arriving = memory_used();
  EXPECT_GT(arriving, before + 200'000);
  EXPECT_EQ(Feed(input.substr(100'000)), "+OK\r\n");
  EXPECT_LT(memory_used(), arriving + 2000) << "it was copied";
}

TEST_F(LargeArgumentsTest, WhoLeavesHalfwayLeavesNothing) {
  const std::string input = Command({"SET", "k", Text(500'000, 'v')});
  Feed(input.substr(0, 40));  // whatever is kept once is kept now
  Connect();
  const auto before = cache_->Stats()->used_memory;
  for (const size_t cut : {size_t{40}, size_t{100'000}, size_t{450'000}, input.size() - 1}) {
    EXPECT_EQ(Feed(input.substr(0, cut)), "");
    Connect();
    EXPECT_EQ(cache_->Stats()->used_memory, before) << cut;
  }
}

// A header alone takes no memory that its claim would, over a bound.
TEST_F(LargeArgumentsTest, AClaimIsNotBelieved) {
  const auto before = cache_->Stats()->used_memory;
  EXPECT_EQ(Feed("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000000\r\nabc"), "");
  EXPECT_LT(cache_->Stats()->used_memory, before + 100'000);
}

TEST_F(LargeArgumentsTest, WhatIsPinnedOutlivesTheNextValue) {
  const std::string a = Text(100'000, 'a');
  const std::string b = Text(100'000, 'b');
  EXPECT_EQ(Feed(Command({"SET", "k", a}), {200}), "+OK\r\n");
  EXPECT_TRUE(connection_->Feed("GET k\r\n").ok());  // not read yet
  ASSERT_TRUE(cache_->Set("k", b).ok());
  EXPECT_TRUE(std::string(connection_->output()) == Bulk(a));
  EXPECT_EQ(Get("k"), b);
}

// CLIENT PAUSE holds requests that were parsed already: they are parsed again from the input.
TEST_F(LargeArgumentsTest, HeldByAPauseTheyArriveWholeToo) {
  const std::string a = Text(100'000, 'a');
  const std::string b = Text(90'000, 'b');
  const std::string input = Command({"SET", "a", a}) + Command({"SET", "b", b, "EX", "100"}) + "GET a\r\n";
  for (const size_t cut : {size_t{100}, size_t{60'000}, size_t{100'040}, size_t{100'080}, size_t{150'000}}) {
    auto other = cache_->NewConnection();
    ASSERT_TRUE(other.ok());
    ASSERT_TRUE((*other)->Feed("FLUSHALL\r\nCLIENT PAUSE 1000000 WRITE\r\n").ok());
    EXPECT_EQ(Feed(input, {cut}), "");
    ASSERT_TRUE((*other)->Feed("CLIENT UNPAUSE\r\n").ok());
    EXPECT_EQ((*other)->output(), "+OK\r\n+OK\r\n+OK\r\n");
    EXPECT_TRUE(Feed("PING\r\n") == "+OK\r\n+OK\r\n" + Bulk(a) + "+PONG\r\n") << cut;
    EXPECT_EQ(Get("a"), a);
    EXPECT_EQ(Get("b"), b);
  }
}

}  // namespace
}  // namespace larder
