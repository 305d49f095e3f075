// MONITOR's lines, those of redis-server 7.0.15 and ours, for the same commands. The time and the address are left out.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/differential/sides.h"
#include "tests/differential/value.h"

namespace differential {
namespace {

using namespace std::string_literals;

// One side, with a client in MONITOR mode and one that is watched.
class Watched {
 public:
  explicit Watched(std::unique_ptr<Side> side) : side_(std::move(side)) {
    monitor_ = side_->Connect();
    Reconnect();
    EXPECT_EQ(Ask(*monitor_, {"MONITOR"}).text, "OK");
  }
  void Reconnect() { client_ = side_->Connect(); }

  // The lines that come of it: "[0] "SET" "k"".
  std::vector<std::string> LinesOf(const Argv& argv) {
    Ask(*client_, argv);
    // From another client, since QUIT may have ended that one.
    const std::string end = "end of " + std::to_string(++count_);
    const std::unique_ptr<Link> other = side_->Connect();
    Ask(*other, {"ECHO", end});
    std::vector<std::string> lines;
    for (;;) {
      const std::string line = monitor_->Receive();
      if (line.empty() || line.find(end) != std::string::npos) return lines;
      const size_t db = line.find('[');
      const size_t blank = line.find(' ', db);
      const size_t close = line.find(']', blank);
      lines.push_back(close == std::string::npos ? line : line.substr(db, blank - db) + line.substr(close));
    }
  }
  // What the monitor is answered, up to the line that follows.
  std::string Answer(const Argv& argv) {
    monitor_->Send(Encode(argv));
    return monitor_->Receive();
  }
  // The address in the line of a PING.
  std::string Address() {
    Ask(*client_, {"PING"});
    const std::string line = monitor_->Receive();
    const size_t blank = line.find(' ', line.find('['));
    return line.substr(blank + 1, line.find(']') - blank - 1);
  }

 private:
  std::unique_ptr<Side> side_;
  std::unique_ptr<Link> monitor_;
  std::unique_ptr<Link> client_;
  int count_ = 0;
};

class MonitorTest : public ::testing::Test {
 protected:
  static LarderOptions Socket() { return {.socket = true}; }
  Watched theirs_{StartRedis()};
  Watched ours_{StartLarder(Socket())};
};

TEST_F(MonitorTest, LinesAreTheSame) {
  const Argv kCommands[] = {
      {"SET", "k", "v"}, {"set", "\n\r\t\a\b\"\\\0\x01\x7f\xff ~'"s, ""}, {"GET", "k"}, {"GET"}, {"NOSUCH", "a"},
      {"INCR", "k"}, {"SELECT", "3"}, {"GET", "k"}, {"SELECT", "99"}, {"PING"}, {"ECHO", std::string(5000, '\x01')},
      {"AUTH", "a"}, {"AUTH", "default", "a"}, {"AUTH", "nobody", "a"}, {"AUTH", "a", "b", "c"}, {"HELLO"},
      {"HELLO", "3"}, {"HELLO", "2", "AUTH", "default", "a"}, {"HELLO", "2", "SETNAME", "x", "auth", "default", "b"},
      {"HELLO", "2", "FOO", "AUTH", "a", "b"}, {"HELLO", "9", "AUTH", "a", "b"}, {"HELLO", "2", "AUTH", "a"},
      {"CONFIG", "GET", "hz"}, {"CONFIG", "SET", "hz", "10"}, {"CONFIG", "NOSUCH"}, {"CONFIG"}, {"CLIENT", "ID"},
      {"CLIENT", "LIST"}, {"CLIENT", "INFO"}, {"CLIENT", "SETNAME", "y"}, {"CLIENT", "KILL", "ID", "999999"},
      {"CLIENT", "NO-EVICT", "on"}, {"CLIENT", "PAUSE", "0"}, {"CLIENT", "UNPAUSE"}, {"CLIENT", "UNBLOCK", "9999"},
      {"CLIENT", "GETREDIR"}, {"CLIENT", "CACHING", "YES"}, {"CLIENT", "TRACKINGINFO"}, {"DEBUG", "SLEEP", "0"},
      {"INFO", "clients"}, {"COMMAND", "COUNT"}, {"SHUTDOWN", "ABORT"}, {"TIME"}, {"DBSIZE"}, {"OBJECT", "HELP"},
      {"MULTI"}, {"SET", "a", "b"}, {"CONFIG", "GET", "hz"}, {"AUTH", "x"}, {"GET"}, {"EXEC"}, {"MULTI"},
      {"SET", "a", "b"}, {"CONFIG", "GET", "hz"}, {"AUTH", "x"}, {"MONITOR"}, {"INCR", "a"}, {"EXEC"}, {"EXEC"},
      {"WATCH", "a"}, {"MULTI"}, {"DISCARD"}, {"UNWATCH"}, {"FLUSHDB"}, {"FLUSHALL"}, {"SWAPDB", "0", "1"}, {"RESET"},
      {"QUIT", "now"}};
  for (const Argv& argv : kCommands) {
    EXPECT_EQ(ours_.LinesOf(argv), theirs_.LinesOf(argv)) << Printable(argv);
  }
}

TEST_F(MonitorTest, AddressesOfUnixSocketsLookTheSame) {
  EXPECT_TRUE(theirs_.Address().starts_with("unix:")) << theirs_.Address();
  EXPECT_TRUE(ours_.Address().starts_with("unix:")) << ours_.Address();
  EXPECT_EQ(ours_.Address().find(":0"), std::string::npos);
}

TEST_F(MonitorTest, TheMonitorIsAnsweredTheSame) {
  const Argv kCommands[] = {{"GET", "k"}, {"SET", "k", "v"}, {"DBSIZE"}, {"KEYS", "*"}, {"SWAPDB", "0", "1"},
                            {"GET"}, {"NOSUCH"}, {"CONFIG", "GET", "hz"}, {"MONITOR", "x"}, {"EXISTS", "k"}};
  for (const Argv& argv : kCommands) EXPECT_EQ(ours_.Answer(argv), theirs_.Answer(argv)) << Printable(argv);
  EXPECT_EQ(ours_.Answer({"RESET"}), "+RESET\r\n");
  EXPECT_EQ(theirs_.Answer({"RESET"}), "+RESET\r\n");
}

}  // namespace
}  // namespace differential
