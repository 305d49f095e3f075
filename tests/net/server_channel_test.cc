// The server's connections with a channel, against one that is simple enough to see through: a handshake of four bytes
// each way, then every byte xor 0x55, a good-bye of one byte, and little room for output. Turn by turn on the test's
// own thread.
#include <errno.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/server.h"
#include "tests/net/ae/ae_testing.h"
#include "tests/net/fake_service.h"
#include "tests/net/peer_socket.h"
#include "tests/net/temp_folder.h"

namespace larder::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kGoodBye = '\0';
constexpr char kBad = '\1';
constexpr size_t kOutputMax = 100;

std::string Masked(std::string text) {
  for (char& c : text) c ^= 0x55;
  return text;
}

struct FakeChannelState {
  bool no_memory = false;
  bool fail_to_put = false;
  int alive = 0;
  size_t most_output = 0;
};

class FakeChannel final : public Channel {
 public:
  explicit FakeChannel(FakeChannelState& state) : state_(state) { ++state_.alive; }
  ~FakeChannel() override { --state_.alive; }

  std::span<char> PrepareInput() override {
    if (state_.no_memory) return {};
    return room_;
  }
  bool CommitInput(size_t n) override {
    input_.append(room_, n);
    maybe_plain_ |= n > 0;
    if (!established_ && input_.size() >= 4) {
      if (input_.compare(0, 4, "helo") != 0) {
        error_ = "no greeting";
        output_ += "ALRT";
        return false;
      }
      input_.erase(0, 4);
      output_ += "HELO";
      established_ = true;
    }
    return true;
  }
  size_t TakePlain(std::span<char> room) override {
    size_t n = 0;
    while (established_ && !at_end_ && n < room.size() && n < 7 && !input_.empty()) {
      if (input_[0] == kBad) {
        error_ = "a byte that is not allowed";
        output_ += "ALRT";
        return 0;
      }
      at_end_ = input_[0] == kGoodBye;
      if (!at_end_) room[n++] = input_[0] ^ 0x55;
      input_.erase(0, 1);
    }
    maybe_plain_ = n > 0;
    return n;
  }
  bool HasPlain() const override { return maybe_plain_; }
  bool AtEnd() const override { return at_end_; }
  size_t PutPlain(std::span<const iovec> pieces) override {
    if (!established_ || finished_) return 0;
    if (state_.fail_to_put) {
      error_ = "cannot put";
      return 0;
    }
    size_t taken = 0;
    for (const iovec& piece : pieces) {
      const size_t n = std::min(piece.iov_len, kOutputMax - std::min(kOutputMax, output_.size()));
      output_ += Masked(std::string(static_cast<const char*>(piece.iov_base), n));
      taken += n;
    }
    state_.most_output = std::max(state_.most_output, output_.size());
    return taken;
  }
  size_t output_bytes() const override { return output_.size(); }
  size_t Output(iovec* pieces, size_t max) const override {
    EXPECT_GT(max, 0u);
    if (output_.empty()) return 0;
    pieces[0] = {const_cast<char*>(output_.data()), output_.size()};
    return 1;
  }
  void ConsumeOutput(size_t n) override { output_.erase(0, n); }
  void Finish() override {
    if (established_ && error_.empty() && !std::exchange(finished_, true)) output_ += kGoodBye;
  }
  bool established() const override { return established_; }
  std::string_view error() const override { return error_; }

 private:
  FakeChannelState& state_;
  std::string input_, output_, error_;
  bool established_ = false, at_end_ = false, finished_ = false, maybe_plain_ = false;
  char room_[3000];
};

class FakeChannels final : public ChannelFactory {
 public:
  std::unique_ptr<Channel> Accept() override {
    return refuse ? nullptr : std::make_unique<FakeChannel>(state);
  }
  FakeChannelState state;
  bool refuse = false;
};

// A peer over a unix socket, which delivers before send returns.
class MaskedSocket {
 public:
  explicit MaskedSocket(const std::string& path) : socket_(path) {}
  void SendRaw(std::string_view bytes) { socket_.Send(bytes); }
  void Send(std::string text) { socket_.Send(Masked(std::move(text))); }
  // All that is there by now; "<end>" behind it if the server closed.
  std::string ReceivedRaw() { return socket_.Received(); }
  // The same, read as text; the good-bye is "<bye>".
  std::string Received() {
    std::string raw = ReceivedRaw();
    const bool end = raw.ends_with("<end>");
    if (end) raw.resize(raw.size() - 5);
    const bool bye = !raw.empty() && raw.back() == kGoodBye;
    if (bye) raw.pop_back();
    return Masked(raw) + (bye ? "<bye>" : "") + (end ? "<end>" : "");
  }
  void ShutDownSending() { socket_.ShutDownSending(); }
  void Close() { socket_.Close(); }

 private:
  PeerSocket socket_;
};

class ServerChannelTest : public testing::Test {
 protected:
  void SetUp() override {
    ae::LoopOptions options;
    options.clock = &clock_;
    loop_ = *ae::EventLoop::Create(options);
    server_.emplace(*loop_, backend_, service_);
    server_->SetChannels(channels_);
    for (bool tls : {true, false}) {
      std::vector<ListeningSocket> sockets;
      absl::StatusOr<ListeningSocket> listening = ListenUnix(folder_ / (tls ? "s" : "p"), 0, 511, /*take=*/false);
      ASSERT_TRUE(listening.ok()) << listening.status();
      listening->tls = tls;
      sockets.push_back(*std::move(listening));
      ASSERT_TRUE(server_->Start(tls ? Server::kTls : Server::kPlain, std::move(sockets)).ok());
    }
  }
  // Connected, and through the handshake.
  MaskedSocket Connect() {
    MaskedSocket peer = Open();
    peer.SendRaw("helo");
    Turns();
    EXPECT_EQ(peer.ReceivedRaw(), "HELO");
    return peer;
  }
  MaskedSocket Open() {
    MaskedSocket peer(folder_ / "s");
    Turns();
    return peer;
  }
  void Turns(int n = 4) {
    for (int i = 0; i < n; ++i) loop_->Poll(0);
  }

  TempFolder folder_;
  ae::HandSetClock clock_;
  SystemCallBackend backend_;
  FakeService service_;
  std::shared_ptr<FakeChannels> channels_ = std::make_shared<FakeChannels>();
  std::unique_ptr<ae::EventLoop> loop_;
  std::optional<Server> server_;
};

TEST_F(ServerChannelTest, AnswersBesideAPlainSocket) {
  MaskedSocket a = Connect();
  MaskedSocket plain(folder_ / "p");
  a.Send("one\n");
  plain.SendRaw("two\n");
  Turns();
  EXPECT_EQ(a.Received(), "one\n");
  EXPECT_EQ(plain.ReceivedRaw(), "two\n");
  EXPECT_EQ(channels_->state.alive, 1);
}

TEST_F(ServerChannelTest, HandshakeMayComeByteByByteAndBringARequest) {
  MaskedSocket a = Open();
  for (char c : std::string("hel")) {
    a.SendRaw(std::string(1, c));
    Turns();
    EXPECT_EQ(a.ReceivedRaw(), "");
  }
  a.SendRaw("o" + Masked("one\n"));
  Turns();
  EXPECT_EQ(a.ReceivedRaw(), "HELO" + Masked("one\n"));
}

// A handshake is costly: many at once are spread over turns, in which the others are served.
TEST_F(ServerChannelTest, FewHandshakesAreDoneInATurn) {
  MaskedSocket other = Connect();
  std::vector<MaskedSocket> peers;
  for (int i = 0; i < 40; ++i) peers.push_back(Open());
  for (MaskedSocket& peer : peers) peer.SendRaw("helo");
  std::vector<bool> done(peers.size());
  size_t count = 0;
  int turns = 0;
  for (; count < peers.size() && turns < 100; ++turns) {
    other.Send("one\n");
    loop_->Poll(turns == 0 ? 0 : -1);  // there is always one of them to go on with, so it does not sleep
    EXPECT_EQ(other.Received(), "one\n") << turns;
    size_t now = 0;
    for (size_t i = 0; i < peers.size(); ++i) {
      if (done[i] || peers[i].ReceivedRaw() != "HELO") continue;
      done[i] = true;
      ++now;
    }
    EXPECT_LE(now, 4u);
    count += now;
  }
  EXPECT_EQ(count, peers.size());
  EXPECT_LE(turns, 12);
}

TEST_F(ServerChannelTest, WhoGoesAwayBeforeItsTurnIsForgotten) {
  std::vector<MaskedSocket> peers;
  for (int i = 0; i < 40; ++i) peers.push_back(Open());
  for (MaskedSocket& peer : peers) peer.SendRaw("helo");
  loop_->Poll(0);
  for (MaskedSocket& peer : peers) peer.Close();
  Turns(20);
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(channels_->state.alive, 0);
}

TEST_F(ServerChannelTest, CountsTheClientsBytes) {
  MaskedSocket a = Connect();
  a.Send("one\n");
  Turns();
  EXPECT_EQ(a.Received(), "one\n");
  EXPECT_EQ(service_.count.input_bytes, 4u);
  EXPECT_EQ(service_.count.output_bytes, 4u);
}

// The client's room is 4096 bytes, a read of the channel's 3000; the quota is 64 lines.
TEST_F(ServerChannelTest, DeepPipelinesAreServedWithoutAnotherEvent) {
  MaskedSocket a = Connect();
  std::string all;
  for (int i = 0; i < 5000; ++i) all += "line " + std::to_string(i) + "\n";
  std::string received;
  a.Send(all);
  for (int i = 0; i < 1000 && received.size() < all.size(); ++i) {
    loop_->Poll(0);
    received += a.Received();
  }
  EXPECT_EQ(received, all);
}

// All of it comes in one read; the loop must go on by itself, asleep as it would be.
TEST_F(ServerChannelTest, WhatIsLeftInTheChannelKeepsTheLoopAwake) {
  MaskedSocket a = Connect();
  std::string all;
  for (int i = 0; i < 700; ++i) all += "abc\n";
  a.Send(all);
  std::string received;
  while (received.size() < all.size()) {
    ASSERT_GT(loop_->Poll(60'000) + 1, 0);
    const std::string more = a.Received();
    received += more;
  }
  EXPECT_EQ(received, all);
}

TEST_F(ServerChannelTest, ARunningClientIsNotTouched) {
  MaskedSocket a = Connect(), b = Connect();
  service_.busy = true;
  a.Send("one\n");
  Turns();
  a.Send("two\n");
  Turns();
  EXPECT_EQ(a.Received(), "");
  ASSERT_THAT(service_.clients, SizeIs(2));
  EXPECT_EQ(service_.clients[0]->input, "") << "what came while it was running is not read";
  service_.busy = false;
  loop_->WakeUp();
  Turns();
  EXPECT_EQ(a.Received(), "one\ntwo\n");
  b.Send("three\n");
  Turns();
  EXPECT_EQ(b.Received(), "three\n");
}

TEST_F(ServerChannelTest, ALargeReplyGoesThroughTheChannelPieceByPiece) {
  MaskedSocket a = Connect();
  a.Send("big 100000\nend\n");
  std::string received;
  for (int i = 0; i < 5000 && received.size() < 100'004; ++i) {
    loop_->Poll(0);
    received += a.Received();
  }
  EXPECT_EQ(received, std::string(100'000, 'b') + "end\n");
  EXPECT_LE(channels_->state.most_output, kOutputMax);
}

TEST_F(ServerChannelTest, APeerThatDoesNotReadLeavesItsOutputWithTheClient) {
  service_.current.output_limits[0] = {1'000'000, 0, 0};
  MaskedSocket a = Connect(), b = Connect();
  a.Send("big 5000000\n");
  Turns(10);
  EXPECT_THAT(service_.clients, SizeIs(1));
  EXPECT_EQ(service_.count.output_limit_disconnections, 1u);
  b.Send("one\n");
  Turns();
  EXPECT_EQ(b.Received(), "one\n");
}

TEST_F(ServerChannelTest, SaysGoodByeAfterTheLastAnswer) {
  MaskedSocket a = Connect();
  a.Send("one\nquit\nnever\n");
  Turns();
  EXPECT_EQ(a.Received(), "one\nquit\n<bye><end>");
  EXPECT_EQ(channels_->state.alive, 0);
}

TEST_F(ServerChannelTest, AnswersAPeerThatSaidGoodBye) {
  MaskedSocket a = Connect();
  a.SendRaw(Masked("big 1000\none\n") + kGoodBye);
  std::string received;
  for (int i = 0; i < 100; ++i) {
    loop_->Poll(0);
    received += a.ReceivedRaw();
    if (received.ends_with("<end>")) break;
  }
  EXPECT_EQ(received, Masked(std::string(1000, 'b') + "one\n") + kGoodBye + "<end>");
}

TEST_F(ServerChannelTest, AnswersAPeerThatOnlyShutDownItsSide) {
  MaskedSocket a = Connect();
  a.Send("one\n");
  a.ShutDownSending();
  Turns();
  EXPECT_EQ(a.Received(), "one\n<bye><end>");
}

TEST_F(ServerChannelTest, AFailedHandshakeIsAnAlertALineAndTheEnd) {
  MaskedSocket good = Connect(), bad = Open();
  bad.SendRaw("PING\r\n");
  Turns();
  EXPECT_EQ(bad.ReceivedRaw(), "ALRT<end>");
  EXPECT_THAT(service_.log, ElementsAre(HasSubstr("Error accepting a client connection: no greeting (fd=")));
  good.Send("one\n");
  Turns();
  EXPECT_EQ(good.Received(), "one\n");
}

TEST_F(ServerChannelTest, AFailureLaterOnIsAnAlertALineAndTheEnd) {
  MaskedSocket bad = Connect();
  bad.SendRaw(std::string(1, kBad));
  Turns();
  EXPECT_EQ(bad.ReceivedRaw(), "ALRT<end>");
  EXPECT_THAT(service_.log, ElementsAre(HasSubstr("Reading from client: a byte that is not allowed (fd=")));
  MaskedSocket other = Connect();
  channels_->state.fail_to_put = true;
  other.Send("one\n");
  Turns();
  EXPECT_EQ(other.Received(), "<end>");
  EXPECT_THAT(service_.log, SizeIs(2));
}

TEST_F(ServerChannelTest, AHandshakeThatIsNotFinishedHoldsNoPlaceWhenTheyAreShort) {
  MaskedSocket slow = Open(), quick = Connect();
  slow.SendRaw("he");
  Turns();
  service_.current.admission_timeout_s = 10;
  clock_.Advance(11'000);
  Turns();
  EXPECT_EQ(server_->connections(), 1u);
  quick.Send("x\n");
  Turns();
  EXPECT_EQ(quick.Received(), "x\n");
}

TEST_F(ServerChannelTest, GoesAwayInTheMiddleOfAHandshake) {
  {
    MaskedSocket a = Open();
    a.SendRaw("he");
    Turns();
    a.Close();
  }
  MaskedSocket half = Open();
  half.SendRaw("he");
  half.ShutDownSending();
  Turns();
  EXPECT_EQ(half.ReceivedRaw(), "<end>");
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_THAT(service_.log, IsEmpty());
}

TEST_F(ServerChannelTest, OutputForAnUnfinishedHandshakeWaits) {
  MaskedSocket a = Open();
  ASSERT_THAT(service_.clients, SizeIs(1));
  service_.clients[0]->output = "pushed\n";
  service_.clients[0]->events->SessionWoken();
  Turns();
  EXPECT_EQ(a.ReceivedRaw(), "");
  a.SendRaw("helo");
  Turns();
  EXPECT_EQ(a.ReceivedRaw(), "HELO" + Masked("pushed\n"));
}

TEST_F(ServerChannelTest, AKilledOrIdleClientIsToldGoodBye) {
  MaskedSocket a = Connect(), b = Connect();
  service_.clients[0]->stopped = true;
  service_.clients[0]->events->SessionWoken();
  Turns();
  EXPECT_EQ(a.Received(), "<bye><end>");
  service_.current.timeout_s = 10;
  clock_.Advance(20'000);
  Turns();
  EXPECT_EQ(b.Received(), "<bye><end>");
  EXPECT_EQ(channels_->state.alive, 0);
}

TEST_F(ServerChannelTest, WithoutMemoryOnlyThatConnectionEnds) {
  MaskedSocket a = Connect(), b = Connect();
  channels_->refuse = true;
  MaskedSocket refused = Open();
  EXPECT_EQ(refused.ReceivedRaw(), "<end>");
  channels_->state.no_memory = true;
  a.Send("one\n");
  Turns();
  channels_->state.no_memory = false;
  EXPECT_EQ(a.Received(), "<bye><end>");
  service_.clients[0]->no_memory = true;
  b.Send("one\n");
  Turns();
  EXPECT_EQ(b.Received(), "<bye><end>");
  EXPECT_THAT(service_.log, SizeIs(3));
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ServerChannelTest, NothingIsWrittenToOneThatIsRefused) {
  service_.current.maxclients = 0;
  MaskedSocket a = Open();
  EXPECT_EQ(a.ReceivedRaw(), "<end>") << "there was no handshake, so it could not read it";
  EXPECT_EQ(service_.count.connections_rejected, 1u);
}

TEST_F(ServerChannelTest, TheServersEndIsAGoodBye) {
  MaskedSocket a = Connect();
  service_.busy = true;
  a.Send("one\n");
  Turns();
  server_.reset();
  EXPECT_EQ(a.Received(), "<bye><end>");
  EXPECT_EQ(channels_->state.alive, 0);
}

}  // namespace
}  // namespace larder::net
