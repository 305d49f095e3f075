// A client that does what no client should: a seed decides what and in which order.
//
//   HostileClient hostile([&] { return TestClient::Tcp(port); }, seed);
//   hostile.Run(100);   // steps; afterwards none of its sockets is open
//
// A step opens a connection, brings it into some state (in the middle of a header or a bulk, in MULTI, in MONITOR,
// paused, with replies that nobody reads...) and ends it: closed, reset, half-closed, or kept until a later step ends
// it. Others are whole attacks: requests a byte at a time, headers that promise what never comes, bytes at random, many
// connections in a row. Where the answer is known it is checked.
//
// It touches only keys that begin with "h:", never FLUSHALL, CONFIG or CLIENT KILL of others, so that a client beside
// it must see nothing but delays, of which CLIENT PAUSE (20 ms) is the longest.
//
// It never waits for the server to take what it sends; it waits for replies only where they must come.
//
// Threads: one; several objects at a time are fine.
#ifndef LARDER_TESTS_NET_HOSTILE_HOSTILE_CLIENT_H_
#define LARDER_TESTS_NET_HOSTILE_HOSTILE_CLIENT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/random.h"
#include "tests/net/test_client.h"

namespace larder::hostile {

// A request as clients send it.
std::string Command(std::initializer_list<std::string_view> words);

class HostileClient {
 public:
  using Connect = std::function<TestClient()>;
  HostileClient(Connect connect, uint64_t seed) : connect_(std::move(connect)), random_(seed) {}

  void Run(int steps);
  // How many connections there were.
  int connections() const { return connections_; }

 private:
  TestClient Open();
  void End(TestClient client);
  // As much as the socket takes at once.
  static void Push(const TestClient& client, std::string_view bytes);

  void StopInTheMiddle();
  void StopInState();
  void StopWhilePaused();
  void LeaveRepliesUnread();
  void MonitorUnread();
  void SendByteByByte();
  void PromiseTooMuch();
  void BreakTheProtocol();
  void SendJunk();
  void ComeAndGo();
  void CloseOneHalf();

  std::string Key() { return "h:" + std::to_string(random_.Below(20)); }
  std::string Value(size_t size) { return std::string(size, static_cast<char>('a' + random_.Below(26))); }

  const Connect connect_;
  base::Random random_;
  std::deque<TestClient> kept_;
  int connections_ = 0;
};

}  // namespace larder::hostile

#endif  // LARDER_TESTS_NET_HOSTILE_HOSTILE_CLIENT_H_
