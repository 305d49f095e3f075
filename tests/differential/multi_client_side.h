// One side of the traffic of several clients: its connections, what each has been sent, and what the server says of the
// clients and the keys.
#ifndef LARDER_TESTS_DIFFERENTIAL_MULTI_CLIENT_SIDE_H_
#define LARDER_TESTS_DIFFERENTIAL_MULTI_CLIENT_SIDE_H_

#include <array>
#include <memory>
#include <string>

#include "tests/differential/multi_client_traffic.h"
#include "tests/differential/sides.h"

namespace differential {

class MultiClientSide {
 public:
  explicit MultiClientSide(Side& side);

  // No keys, and new clients that speak these versions of RESP.
  void Restart(const std::array<int, kClients>& protocols);
  void Connect(int client, int protocol);
  // Returns when the server knows that the client is gone.
  void HangUp(int client);
  void Send(int client, const std::vector<Argv>& commands);

  // Until nothing more comes and `client`, if it is not -1, has been answered, waits or is gone. Then there is a new
  // look; `keys`: at the keys, too.
  void Settle(int client, bool keys);
  // What all have been sent since the last time, by client.
  std::array<std::string, kClients> Take();
  bool closed(int client) { return clients_[static_cast<size_t>(client)].link->closed(); }

  // What the server said of itself when it had settled.
  struct Look {
    TrafficState state;
    std::array<bool, kClients> is_there = {};
    // Of CLIENT LIST, what is to be the same on both sides. The order of its lines is not: Redis turns its list.
    std::array<std::string, kClients> clients;
    std::string keys;     // types and encodings of TrafficKeys()
  };
  const Look& look() const { return look_; }

  // All keys with their values, channels and counters: what is left of an episode.
  std::string Dump();

 private:
  struct Client {
    std::unique_ptr<Link> link;
    std::string id;
    std::string got;
  };

  bool Gather();
  void LookAtClients();
  void LookAtKeys();
  void ReadClient(const std::string& line);
  bool IsListed(const std::string& id);
  std::string DumpKey(const std::string& key);
  std::string DumpStream(const std::string& key);
  std::string DumpCounters();

  Side& side_;
  std::unique_ptr<Link> control_;
  std::array<Client, kClients> clients_;
  Look look_;
};

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_MULTI_CLIENT_SIDE_H_
