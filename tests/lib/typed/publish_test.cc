// Publish and PublishToShard: who gets a message, how receivers are counted, and what the header promises of databases,
// Transactions, bytes and errors.
#include <larder/cache.h>
#include <larder/pubsub.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace larder::testing {
namespace {

using Code = absl::StatusCode;
using namespace std::string_view_literals;

class PublishTest : public ::testing::Test {
 protected:
  PublishTest()
      : cache_(*Cache::Open({.clock = std::make_shared<ManualClock>(), .seed = 7, .background = Background::kTick})) {}

  // A connection that has sent `requests` and whose replies to them have been read.
  std::unique_ptr<RespConnection> Subscriber(std::string_view requests) {
    std::unique_ptr<RespConnection> subscriber = *cache_->NewConnection();
    EXPECT_TRUE(subscriber->Feed(requests).ok());
    EXPECT_NE(Taken(*subscriber), "");
    return subscriber;
  }
  static std::string Taken(RespConnection& subscriber) {
    std::string bytes(subscriber.output());
    subscriber.ConsumeOutput(bytes.size());
    return bytes;
  }

  std::unique_ptr<Cache> cache_;
};

constexpr char kHi[] = "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n";
constexpr char kHiByPattern[] = "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n";
constexpr char kHiInShard[] = "*3\r\n$8\r\nsmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n";

TEST_F(PublishTest, CountsSubscribersAndTheirPatterns) {
  EXPECT_EQ(*Publish(*cache_, "news", "hi"), 0);
  const auto one = Subscriber("SUBSCRIBE news\r\n");
  const auto both = Subscriber("SUBSCRIBE news\r\nPSUBSCRIBE n* other*\r\n");
  EXPECT_EQ(*Publish(*cache_, "news", "hi"), 3);
  EXPECT_EQ(Taken(*one), kHi);
  EXPECT_EQ(Taken(*both), std::string(kHi) + kHiByPattern);
  EXPECT_EQ(*Publish(*cache_, "views", "hi"), 0);
  EXPECT_EQ(Taken(*one) + Taken(*both), "");
}

TEST_F(PublishTest, WhoSubscribesLaterDoesNotGetTheMessage) {
  EXPECT_EQ(*Publish(*cache_, "news", "hi"), 0);
  const auto late = Subscriber("SUBSCRIBE news\r\n");
  EXPECT_EQ(Taken(*late), "");
}

TEST_F(PublishTest, ShardChannelsAreApart) {
  const auto channel = Subscriber("SUBSCRIBE news\r\nPSUBSCRIBE n*\r\n");
  const auto shard = Subscriber("SSUBSCRIBE news\r\n");
  EXPECT_EQ(*PublishToShard(*cache_, "news", "hi"), 1);
  EXPECT_EQ(Taken(*channel), "");
  EXPECT_EQ(Taken(*shard), kHiInShard);
  EXPECT_EQ(*Publish(*cache_, "news", "hi"), 2);
  EXPECT_EQ(Taken(*channel), std::string(kHi) + kHiByPattern);
  EXPECT_EQ(Taken(*shard), "");
}

TEST_F(PublishTest, TheDatabaseMakesNoDifference) {
  const auto subscriber = Subscriber("SELECT 3\r\nSUBSCRIBE news\r\n");
  EXPECT_EQ(*Publish(*cache_->Db(5), "news", "hi"), 1);
  EXPECT_EQ(Taken(*subscriber), kHi);
}

TEST_F(PublishTest, ChannelAndMessageAreAnyBytes) {
  const auto subscriber = Subscriber("*3\r\n$9\r\nSUBSCRIBE\r\n$0\r\n\r\n$3\r\na\0b\r\n"sv);
  EXPECT_EQ(*Publish(*cache_, "", ""), 1);
  EXPECT_EQ(Taken(*subscriber), "*3\r\n$7\r\nmessage\r\n$0\r\n\r\n$0\r\n\r\n");
  EXPECT_EQ(*Publish(*cache_, "a\0b"sv, "\r\n\0"sv), 1);
  EXPECT_EQ(Taken(*subscriber), "*3\r\n$7\r\nmessage\r\n$3\r\na\0b\r\n$3\r\n\r\n\0\r\n"sv);
}

TEST_F(PublishTest, ThePublisherWaitsForNobody) {
  const auto subscriber = Subscriber("SUBSCRIBE news\r\n");
  constexpr int kMessages = 1000;  // of which nothing is read meanwhile
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(*Publish(*cache_, "news", "hi"), 1);
  std::string all;
  for (int i = 0; i < kMessages; ++i) all += kHi;
  EXPECT_EQ(Taken(*subscriber), all);
  EXPECT_EQ(*Publish(*cache_, "nobody", "hi"), 0);
  const auto later = Subscriber("SUBSCRIBE nobody\r\n");
  EXPECT_EQ(Taken(*later), "") << "nothing is kept";
}

TEST_F(PublishTest, ATransactionSendsAtOnce) {
  const auto subscriber = Subscriber("SUBSCRIBE news\r\nSSUBSCRIBE news\r\n");
  const absl::Status status = cache_->Atomically([&](Transaction& transaction) {
    EXPECT_EQ(*Publish(transaction, "news", "hi"), 1);
    EXPECT_EQ(*PublishToShard(transaction, "news", "hi"), 1);
    EXPECT_EQ(Publish(*cache_, "news", "hi").status().code(), Code::kFailedPrecondition);
    EXPECT_EQ(Taken(*subscriber), std::string(kHi) + kHiInShard);
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Taken(*subscriber), "");
}

TEST_F(PublishTest, IsRefusedInsideViewAndAfterClose) {
  ASSERT_TRUE(cache_->Set("k", "v").ok());
  bool viewed = false;
  ASSERT_TRUE(cache_->View("k", [&](std::optional<std::string_view>) {
                      EXPECT_EQ(Publish(*cache_, "news", "hi").status().code(), Code::kFailedPrecondition);
                      EXPECT_EQ(PublishToShard(*cache_, "news", "hi").status().code(), Code::kFailedPrecondition);
                      viewed = true;
                    }).ok());
  EXPECT_TRUE(viewed);
  ASSERT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  EXPECT_EQ(Publish(*cache_, "news", "hi").status().code(), Code::kCancelled);
  EXPECT_EQ(PublishToShard(*cache_, "news", "hi").status().code(), Code::kCancelled);
}

}  // namespace
}  // namespace larder::testing
