// larder-server's log: lines as redis-server writes them, to its standard output or a file.
//
//   1234:M 23 Nov 2026 21:37:11.125 * Ready to accept connections
#ifndef LARDER_NET_LARDER_SERVER_LOG_H_
#define LARDER_NET_LARDER_SERVER_LOG_H_

#include <mutex>
#include <string>
#include <string_view>

#include <larder/options.h>

namespace larder::inline v0::server {

// Threads: any thread may call Write.
class ServerLog {
 public:
  // The log goes to `file`, or to standard output if that is "". The file is opened for each line, so a log rotation
  // may rename it at any time. The role is 'C' until the server serves, then 'M', as in Redis.
  void Configure(std::string file, LogLevel level) {
    file_ = std::move(file);
    level_ = level;
  }
  void set_role(char role) { role_ = role; }
  void Write(LogLevel level, std::string_view line);

  // Says why lines cannot be written where they should go; "" if they can.
  std::string Problem() const;

 private:
  std::mutex mutex_;
  std::string file_;
  LogLevel level_ = LogLevel::kNotice;
  char role_ = 'C';
};

}  // namespace larder::inline v0::server

#endif  // LARDER_NET_LARDER_SERVER_LOG_H_
