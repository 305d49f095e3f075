// A write of many large values, for which room has to be made first: the loop serves others meanwhile.
#include <poll.h>

#include "tests/net/listener_fixture.h"

namespace larder {
namespace {

class LargeWritesTest : public ListenerFixture {
 protected:
  void SetUp() override {
    ListenerFixture::SetUp();
    options_.background = Background::kTick;  // nobody ticks, so that what the write needs is the write's to make
    options_.maxmemory_policy = MaxmemoryPolicy::kAllkeysLru;
    Start();
    const std::string value(64, 'v');
    for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(cache_->Set("key:" + std::to_string(i), value).ok());
    Run({"CONFIG", "SET", "maxmemory", "6mb"});
    request_ = "*401\r\n$4\r\nMSET\r\n";
    for (int i = 0; i < 200; ++i) {
      const std::string key = "large:" + std::to_string(i);
      request_ +=
          "$" + std::to_string(key.size()) + "\r\n" + key + "\r\n$20000\r\n" + std::string(20'000, 'x') + "\r\n";
    }
  }
  static bool IsAnswered(TestClient& client) {
    pollfd wanted{client.fd(), POLLIN, 0};
    return poll(&wanted, 1, 0) == 1;
  }

  std::string request_;
};

TEST_F(LargeWritesTest, LetOthersHaveTheirTurn) {
  TestClient large = Connect(), other = Connect();
  other.Expect("PING\r\n", "+PONG\r\n");
  large.Send(request_);
  int turns = 0;
  for (; !IsAnswered(large); ++turns) other.Expect("GET nothing\r\n", "$-1\r\n");
  EXPECT_GT(turns, 3);
  large.Expect("EXISTS large:0 large:199\r\n", "+OK\r\n:2\r\n");
}

TEST_F(LargeWritesTest, EndWithTheirClient) {
  TestClient other = Connect();
  {
    TestClient large = Connect();
    large.Send(request_);
    other.Expect("GET nothing\r\n", "$-1\r\n");
  }
  AwaitInfo("clients", "connected_clients:1\r\n");
  other.Expect("PING\r\n", "+PONG\r\n");
}

TEST_F(LargeWritesTest, EndWithTheirCache) {
  TestClient large = Connect(), other = Connect();
  large.Send(request_);
  other.Expect("GET nothing\r\n", "$-1\r\n");
  EXPECT_TRUE(cache_->Close(absl::InfiniteFuture()).ok());
  other.ExpectEnd();
}

}  // namespace
}  // namespace larder
