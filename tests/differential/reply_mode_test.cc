// CLIENT REPLY in random pipelines, compared byte by byte: which replies are silenced when MULTI, EXEC, RESET, blank
// requests and errors come in between. Whole connections are compared, since what is silenced has no end to wait for.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include <larder/cache.h>
#include "tests/lib/resp/raw_redis.h"

namespace differential {
namespace {

constexpr int kPipelines = 1500;
constexpr int kRequestsMax = 14;

std::string Pipeline(std::mt19937_64& random) {
  static constexpr const char* kRequests[] = {
      "CLIENT REPLY SKIP\r\n", "CLIENT REPLY SKIP\r\n", "CLIENT REPLY OFF\r\n", "CLIENT REPLY ON\r\n",
      "CLIENT REPLY ON\r\n", "CLIENT REPLY maybe\r\n", "MULTI\r\n", "MULTI\r\n", "EXEC\r\n", "EXEC\r\n", "DISCARD\r\n",
      "RESET\r\n", "\r\n", " \t\r\n", "*0\r\n", "*-1\r\n", "PING\r\n", "*2\r\n$4\r\nECHO\r\n$1\r\na\r\n", "ECHO b\r\n",
      "GET\r\n", "NOSUCH x\r\n", "INCR n\r\n", "DEL n\r\n", "APPEND t x\r\n", "INCR t\r\n", "DEL t\r\n", "WATCH n\r\n",
      "HELLO 2 SETNAME a\r\n", "SELECT 99\r\n", "SELECT 0\r\n", "CLIENT GETNAME\r\n"};
  static constexpr const char* kLast[] = {"", "", "CLIENT REPLY ON\r\n", "CLIENT REPLY ON\r\n", "*1\r\n+x\r\n",
                                          "\"unbalanced\r\n", "QUIT\r\n", "POST /\r\n", "PI"};
  const auto pick = [&](const auto& from) { return from[random() % std::size(from)]; };
  std::string bytes;
  for (uint64_t n = 2 + random() % (kRequestsMax - 1); n > 0; --n) bytes += pick(kRequests);
  return bytes + pick(kLast);
}

// HELLO's reply has the client's number.
std::string WithoutIds(std::string text) {
  constexpr char kId[] = "$2\r\nid\r\n:";
  for (size_t at = 0; (at = text.find(kId, at)) != std::string::npos;) {
    at += sizeof(kId) - 1;
    text.erase(at, text.find('\r', at) - at);
  }
  return text;
}

std::string OurAnswer(larder::Cache& cache, std::string_view bytes, std::mt19937_64& random) {
  auto connection = cache.NewConnection();
  EXPECT_TRUE(connection.ok());
  const size_t cut = random() % 3 == 0 ? random() % bytes.size() : bytes.size();
  EXPECT_TRUE((*connection)->Feed(bytes.substr(0, cut)).ok());
  EXPECT_TRUE((*connection)->Feed(bytes.substr(cut)).ok());
  return std::string((*connection)->output());
}

TEST(ReplyMode, RandomPipelinesGetTheBytesOfRedis) {
  const larder::tests::RawRedis redis;
  auto cache = larder::Cache::Open(larder::Options());
  ASSERT_TRUE(cache.ok()) << cache.status();
  constexpr uint64_t kSeed = 20261201;
  std::mt19937_64 random(kSeed);
  size_t silent = 0;
  for (int i = 0; i < kPipelines; ++i) {
    const std::string bytes = Pipeline(random);
    const std::string theirs = WithoutIds(redis.Exchange(bytes));
    const std::string ours = WithoutIds(OurAnswer(**cache, bytes, random));
    ASSERT_EQ(ours, theirs) << "seed " << kSeed << ", pipeline " << i << ":\n" << bytes;
    silent += theirs.empty();
  }
  EXPECT_LT(silent, kPipelines / 4u);
}

}  // namespace
}  // namespace differential
