// Where a listener listens and by which poller, what CONFIG SET changes of that, and what INFO says.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/listener_testing.h"

namespace larder {
namespace {

using ::testing::HasSubstr;

TEST_F(ListenerTest, ListensOnAllThatItIsTold) {
  ListenerOptions where;
  where.bind = {"127.0.0.1", "::1", "-192.0.2.77"};
  where.any_port = true;
  where.unixsocket = folder_ / "s";
  Start(where);
  const std::string port = std::to_string(listener_->port());
  EXPECT_THAT(listener_->addresses(), testing::ElementsAre("127.0.0.1:" + port, "[::1]:" + port, *where.unixsocket));
  Connect().Expect("PING\r\n", "+PONG\r\n");
  TestClient::Tcp6(listener_->port()).Expect("PING\r\n", "+PONG\r\n");
  TestClient::Unix(*where.unixsocket).Expect("PING\r\n", "+PONG\r\n");
  listener_.reset();
  EXPECT_NE(access(where.unixsocket->c_str(), F_OK), 0) << "the socket's file is gone with it";
}

TEST_F(ListenerTest, TheLogMayAskForItsAddresses) {
  absl::StatusOr<std::unique_ptr<Cache>> other = Cache::Open({});
  std::unique_ptr<Listener> first = *Listener::Start(**other, AnyPort());
  int lines = 0;
  options_.log = [&](LogLevel, std::string_view) {
    if (listener_ == nullptr) return;
    EXPECT_EQ(listener_->addresses(), std::vector<std::string>{"127.0.0.1:" + std::to_string(listener_->port())});
    ++lines;
  };
  options_.any_port = true;
  options_.bind = {"127.0.0.1"};
  Start(ListenerOptions());
  EXPECT_TRUE(cache_->Execute({"CONFIG", "SET", "port", std::to_string(first->port())})->is_error());
  EXPECT_GE(lines, 1);
}

TEST_F(ListenerTest, ConfigSetMovesIt) {
  // Two ports that were free a moment ago.
  absl::StatusOr<std::unique_ptr<Cache>> other = Cache::Open({});
  std::unique_ptr<Listener> first = *Listener::Start(**other, AnyPort());
  std::unique_ptr<Listener> second = *Listener::Start(**other, AnyPort());
  const std::string taken = std::to_string(first->port()), moved = std::to_string(second->port());
  second.reset();
  options_.any_port = true;
  options_.bind = {"127.0.0.1"};
  Start(ListenerOptions());
  TestClient client = Connect();
  const int old_port = listener_->port();
  client.Send("CONFIG SET port " + taken + "\r\n");
  EXPECT_EQ(client.ReadLine(), "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on "
                               "this port. Check server logs.\r\n");
  EXPECT_EQ(listener_->port(), old_port);
  Connect().Expect("PING\r\n", "+PONG\r\n");
  client.Expect("CONFIG SET port " + moved + "\r\n", "+OK\r\n");
  EXPECT_EQ(listener_->addresses(), std::vector<std::string>{"127.0.0.1:" + moved});
  Connect().Expect("PING\r\n", "+PONG\r\n");
  // Addresses that overlap those that it has, there and back, and some that cannot be had.
  client.Expect("CONFIG SET bind *\r\n", "+OK\r\n");
  EXPECT_EQ(listener_->addresses(), std::vector<std::string>{"0.0.0.0:" + moved});
  Connect().Expect("PING\r\n", "+PONG\r\n");
  client.Send("CONFIG SET bind \"127.0.0.1 192.0.2.77\"\r\n");
  EXPECT_EQ(client.ReadLine(), "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to "
                               "specified addresses.\r\n");
  Connect().Expect("PING\r\n", "+PONG\r\n");
  client.Expect("CONFIG SET port 0\r\n", "+OK\r\n");
  EXPECT_EQ(listener_->port(), 0);
  client.Expect("PING\r\n", "+PONG\r\n");
}

TEST_F(ListenerTest, NothingToListenOnIsAnError) {
  Open();
  ListenerOptions where;
  where.io_uring = &Uring();
  where.port = 0;
  EXPECT_EQ(Listener::Start(*cache_, where).status().code(), absl::StatusCode::kInvalidArgument);
  where.port = 70000;
  EXPECT_EQ(Listener::Start(*cache_, where).status().code(), absl::StatusCode::kInvalidArgument);
  where.port = 0;
  where.bind = {"-192.0.2.77"};
  where.any_port = true;
  EXPECT_EQ(Listener::Start(*cache_, where).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ListenerTest, InfoTellsOfTheListener) {
  Start();
  TestClient client = Connect();
  client.Send("INFO\r\n");
  const std::string info = client.ReadBulk();
  EXPECT_THAT(info, HasSubstr("tcp_port:" + std::to_string(listener_->port()) + "\r\n"));
  EXPECT_THAT(info, HasSubstr("multiplexing_api:" + std::string(listener_->poller()) + "\r\n"));
  EXPECT_THAT(info, HasSubstr("connected_clients:1\r\n"));
  EXPECT_THAT(info, HasSubstr("total_connections_received:1\r\n"));
}

TEST_F(ListenerTest, EveryPollerServes) {
  for (const auto& [api, name] : {std::pair(AeApi::kAuto, "epoll"), std::pair(AeApi::kEpoll, "epoll"),
                                  std::pair(AeApi::kPoll, "poll"), std::pair(AeApi::kSelect, "select"),
                                  std::pair(AeApi::kIoUring, "io_uring")}) {
    options_.ae_api = api;
    Start();
    EXPECT_EQ(listener_->poller(), name) << testing::PrintToString(Log());
    TestClient client = Connect();
    client.Expect("PING\r\n", "+PONG\r\n");
    client.Send("INFO server\r\n");
    EXPECT_THAT(client.ReadBulk(), HasSubstr("multiplexing_api:" + std::string(name) + "\r\n"));
    listener_.reset();
    cache_.reset();
  }
}

TEST_F(ListenerTest, AnAeApiThatIsNotThereIsAnError) {
  options_.ae_api = AeApi::kKqueue;
  Open();
  EXPECT_EQ(Listener::Start(*cache_, AnyPort()).status().code(), absl::StatusCode::kInvalidArgument);
  cache_.reset();
  options_.ae_api = AeApi::kIoUring;
  Open();  // without the optional part
  ListenerOptions where = AnyPort();
  where.io_uring = nullptr;
  const absl::Status status = Listener::Start(*cache_, where).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("unknown ae-api 'io_uring'"));
}

}  // namespace
}  // namespace larder
