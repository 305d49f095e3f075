// The two sides of the comparison, seen alike: something that can be connected to, and connections that take a
// request's bytes and give back replies' bytes.
#ifndef LARDER_TESTS_DIFFERENTIAL_SIDES_H_
#define LARDER_TESTS_DIFFERENTIAL_SIDES_H_

#include <memory>
#include <string>
#include <string_view>

#include "tests/differential/value.h"

namespace differential {

// One connection.
class Link {
 public:
  virtual ~Link() = default;
  virtual void Send(std::string_view bytes) = 0;
  // The next reply as it came, "" if the other side has closed or (see timed_out) nothing came for too long.
  virtual std::string Receive() = 0;
  // All that has come by now, whatever it is. Not to be mixed with Receive.
  virtual std::string Drain() = 0;

  // The other side has closed it, as far as this end can know by now.
  virtual bool closed() = 0;
  // Nothing came where a reply was due: always a finding.
  bool timed_out() const { return timed_out_; }

 protected:
  bool timed_out_ = false;
};

// One server.
class Side {
 public:
  virtual ~Side() = default;
  virtual std::unique_ptr<Link> Connect() = 0;
  // What the side does on its own has been done when this returns.
  virtual void Settle() {}
};

// A redis-server of this machine, on a unix socket in a new folder below TEST_TMPDIR. Ends with the object.
struct RedisOptions {
  Argv arguments;  // beyond those that keep it off the network and the disk
};
std::unique_ptr<Side> StartRedis(const RedisOptions& options = {});

// A connection to a unix socket, of whoever listens there.
std::unique_ptr<Link> ConnectUnix(const std::string& path);

// A cache in this process, spoken to through in-memory RESP connections or through a listener on a unix socket.
struct LarderOptions {
  bool socket = false;
  bool debug = true;  // DEBUG is allowed
};
std::unique_ptr<Side> StartLarder(const LarderOptions& options = {});

// A request as an array of bulks.
std::string Encode(const Argv& argv);

// Sends one request and reads its reply.
Value Ask(Link& link, const Argv& argv);

}  // namespace differential

#endif  // LARDER_TESTS_DIFFERENTIAL_SIDES_H_
