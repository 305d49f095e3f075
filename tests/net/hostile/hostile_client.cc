#include "tests/net/hostile/hostile_client.h"

#include <netinet/tcp.h>

#include <iterator>
#include <utility>

namespace larder::hostile {
namespace {

constexpr size_t kKeptMax = 20;           // connections left open by earlier steps
constexpr size_t kLargeValue = 200'000;   // a large argument (32 KB), and more than sockets buffer at once
constexpr size_t kUnreadMax = 8'000'000;  // bytes of replies that one pipeline asks for and leaves

}  // namespace

std::string Command(std::initializer_list<std::string_view> words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) {
    text += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
  }
  return text;
}

void HostileClient::Run(int steps) {
  using Step = void (HostileClient::*)();
  static constexpr Step kSteps[] = {
      &HostileClient::StopInTheMiddle,    &HostileClient::StopInState,      &HostileClient::StopWhilePaused,
      &HostileClient::LeaveRepliesUnread, &HostileClient::MonitorUnread,    &HostileClient::SendByteByByte,
      &HostileClient::PromiseTooMuch,     &HostileClient::BreakTheProtocol, &HostileClient::SendJunk,
      &HostileClient::ComeAndGo,          &HostileClient::CloseOneHalf};
  // Each of them once, whatever the seed, if there are steps enough.
  for (int i = 0; i < steps; ++i) {
    const size_t n = std::size(kSteps);
    const size_t which = static_cast<size_t>(i) < n ? static_cast<size_t>(i) : random_.Below(n);
    (this->*kSteps[which])();
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "hostile step " << i << ", attack " << which;
      break;
    }
  }
  kept_.clear();
}

TestClient HostileClient::Open() {
  ++connections_;
  return connect_();
}

void HostileClient::End(TestClient client) {
  switch (random_.Below(4)) {
    case 0: client.Close(); return;
    case 1: client.Reset(); return;
    case 2:
      client.ShutDownSending();
      if (random_.Below(2) == 0) client.Reset();
      return;
    default: break;
  }
  kept_.push_back(std::move(client));
  if (kept_.size() <= kKeptMax) return;
  if (random_.Below(2) == 0) kept_.front().Reset();
  kept_.pop_front();
}

void HostileClient::Push(const TestClient& client, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = send(client.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

// In a header, in a bulk, small or large, between the bulk and its CRLF...
void HostileClient::StopInTheMiddle() {
  TestClient client = Open();
  const size_t size = random_.Below(2) == 0 ? random_.Below(100) : kLargeValue;
  const std::string request = Command({"SET", Key(), Value(size)});
  // Half of the cuts near the start or the end, where the headers and the last CRLF are.
  size_t cut = random_.Below(request.size());
  if (random_.Below(2) == 0) cut %= 40;
  else if (random_.Below(2) == 0) cut = request.size() - 1 - cut % 5;
  if (random_.Below(2) == 0) client.Expect("PING\r\n", "+PONG\r\n");
  Push(client, std::string_view(request).substr(0, cut));
  End(std::move(client));
}

void HostileClient::StopInState() {
  TestClient client = Open();
  switch (random_.Below(6)) {
    case 0:
      client.Expect(Command({"WATCH", Key(), Key()}) + "MULTI\r\n", "+OK\r\n+OK\r\n");
      client.Expect(Command({"SET", Key(), Value(random_.Below(50'000))}), "+QUEUED\r\n");
      break;
    case 1:
      client.Expect("MULTI\r\nNOSUCH\r\n",
                    "+OK\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
      break;
    case 2: client.Expect("MONITOR\r\n", "+OK\r\n"); break;
    case 3:
      client.Send("HELLO 3\r\n");
      EXPECT_EQ(client.Read(4), "%7\r\n");
      break;
    case 4: client.Expect("CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\n", "+OK\r\n"); break;
    default: client.Expect("SELECT 5\r\nCLIENT SETNAME hostile\r\n", "+OK\r\n+OK\r\n"); break;
  }
  if (random_.Below(2) == 0) Push(client, "*3\r\n$3\r\nSET\r\n$3\r\nh:k\r\n$100000\r\nabc");
  End(std::move(client));
}

// One pauses, others are held by it and go; the pause is over before anybody has to know.
void HostileClient::StopWhilePaused() {
  TestClient pauser = Open();
  pauser.Expect(random_.Below(2) == 0 ? "CLIENT PAUSE 20\r\n" : "CLIENT PAUSE 20 WRITE\r\n", "+OK\r\n");
  for (int i = 0; i < 3; ++i) {
    TestClient held = Open();
    Push(held, Command({"SET", Key(), Value(i == 0 ? kLargeValue : 10)}) + "PING\r\n*1\r\n$4\r\nPI");
    End(std::move(held));
  }
  TestClient patient = Open();
  patient.Expect(Command({"SET", "h:patient", "1"}) + "PING\r\n", "+OK\r\n+PONG\r\n");
  End(std::move(pauser));
}

void HostileClient::LeaveRepliesUnread() {
  TestClient client = Open();
  const std::string key = Key();
  client.Expect(Command({"SET", key, Value(kLargeValue)}), "+OK\r\n");
  const std::string get = Command({"GET", key});
  std::string requests;
  const size_t count = 1 + random_.Below(kUnreadMax / kLargeValue);
  for (size_t i = 0; i < count; ++i) requests += get;
  if (random_.Below(2) == 0) requests += Command({"DEL", key});  // what is on its way is the last to hold the value
  for (int i = 0; i < 1000; ++i) requests += "ECHO abcdefghijklmnopqrstuvwxyz\r\n";
  Push(client, requests);
  if (random_.Below(2) == 0) (void)client.ReadSome();  // not more: another may have made the value a short one
  End(std::move(client));
}

void HostileClient::MonitorUnread() {
  TestClient monitor = Open();
  monitor.Expect("MONITOR\r\n", "+OK\r\n");
  TestClient busy = Open();
  const std::string request = Command({"SET", Key(), Value(500)});
  std::string requests, replies;
  for (int i = 0; i < 300; ++i) {
    requests += request;
    replies += "+OK\r\n";
  }
  busy.Expect(requests, replies);
  End(std::move(busy));
  End(std::move(monitor));
}

void HostileClient::SendByteByByte() {
  TestClient client = Open();
  const int on = 1;
  (void)setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // refused by unix sockets, which need none
  const std::string key = "h:own" + std::to_string(random_.Next());
  const std::string requests = Command({"SET", key, "a\r\nb"}) + "GET " + key + "\r\nMULTI\r\nPING\r\n" +
                               Command({"APPEND", key, "c"}) + "EXEC\r\n" + Command({"DEL", key});
  for (const char byte : requests) ASSERT_TRUE(client.Send({&byte, 1}));
  const std::string replies = "+OK\r\n$4\r\na\r\nb\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+PONG\r\n:5\r\n:1\r\n";
  EXPECT_EQ(client.Read(replies.size()), replies);
  End(std::move(client));
}

// Headers that are allowed, with little or nothing behind them.
void HostileClient::PromiseTooMuch() {
  static constexpr std::string_view kPromises[] = {
      "*1\r\n$536870912\r\n", "*3\r\n$3\r\nSET\r\n$3\r\nh:k\r\n$536870912\r\nxyz", "*1048576\r\n",
      "*1048576\r\n$4\r\nPING\r\n$500000000\r\n", "*2\r\n$3\r\nGET\r\n$100000000\r\n", "*1\r\n$32768\r\n"};
  for (int i = 0; i < 4; ++i) {
    TestClient client = Open();
    client.Expect("PING\r\n", "+PONG\r\n");
    Push(client, kPromises[random_.Below(std::size(kPromises))]);
    if (random_.Below(2) == 0) Push(client, Value(random_.Below(100'000)));
    End(std::move(client));
  }
}

// What is refused is told and closed.
void HostileClient::BreakTheProtocol() {
  static constexpr struct {
    std::string_view input;
    std::string_view error;
  } kCases[] = {{"*1\r\n$-5\r\n", "invalid bulk length"},
                {"*1\r\n$536870913\r\n", "invalid bulk length"},
                {"*1\r\n$999999999999999999999\r\n", "invalid bulk length"},
                {"*2147483648\r\n", "invalid multibulk length"},
                {"*x\r\n", "invalid multibulk length"},
                {"*1\r\n:4\r\n", "expected '$', got ':'"},
                {"GET \"k\r\n", "unbalanced quotes in request"}};
  const auto& c = kCases[random_.Below(std::size(kCases))];
  TestClient client = Open();
  ASSERT_TRUE(client.Send("PING\r\n" + std::string(c.input)));
  EXPECT_EQ(client.ReadToEnd(), "+PONG\r\n-ERR Protocol error: " + std::string(c.error) + "\r\n");
}

// From the letters of the protocol, so that some of it is taken.
void HostileClient::SendJunk() {
  static constexpr std::string_view kParts[] = {"\r\n", "*", "$", "1", "3", "-", "GET", "PING", " ", "\"", "'",
                                                "\n", "\r", "MULTI", "EXEC", "h:k", "*1\r\n$4\r\nPING\r\n"};
  TestClient client = Open();
  std::string junk;
  for (uint64_t i = 1 + random_.Below(300); i > 0; --i) {
    if (random_.Below(10) == 0) junk += static_cast<char>(random_.Below(256));
    else junk += kParts[random_.Below(std::size(kParts))];
  }
  Push(client, junk);
  End(std::move(client));
}

void HostileClient::ComeAndGo() {
  for (int i = 0; i < 40; ++i) {
    TestClient client = Open();
    if (random_.Below(2) == 0) Push(client, "PING\r\n");
    if (random_.Below(2) == 0) client.Reset();
  }
}

// The answers to all that came before are owed; but to who goes in a pause (StopWhilePaused, of another hostile client)
// only those from before the pause, as in Redis. tests/net/listener_test has the same without a pause, to the byte.
void HostileClient::CloseOneHalf() {
  TestClient client = Open();
  constexpr std::string_view kReply = "$5\r\nhello\r\n";
  std::string requests, replies;
  for (uint64_t i = random_.Below(200); i > 0; --i) {
    requests += "ECHO hello\r\n";
    replies += kReply;
  }
  ASSERT_TRUE(client.Send(requests + "*2\r\n$4\r\nECHO\r\n$10\r\ncut"));
  client.ShutDownSending();
  const std::string got = client.Read(replies.size());
  EXPECT_TRUE(replies.starts_with(got) && got.size() % kReply.size() == 0) << got;
  client.ExpectEnd();
}

}  // namespace larder::hostile
