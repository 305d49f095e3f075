// A real redis-server for a test to ask, on a unix socket in a folder of its own; it ends with the test.
#ifndef LARDER_TESTS_LIB_REDIS_ORACLE_H_
#define LARDER_TESTS_LIB_REDIS_ORACLE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace larder::tests {

// A folder under the system's place for such, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::string& path() const { return path_; }
  std::string Write(const std::string& name, std::string_view text) const;  // returns the path
  std::string Read(const std::string& name) const;

 private:
  std::string path_;
};

class RedisOracle {
 public:
  // `arguments` come before those that the oracle adds (port 0, the socket). Null if it ends before it is ready, with
  // what it printed in *output.
  static std::unique_ptr<RedisOracle> Start(const std::vector<std::string>& arguments, std::string* output);
  ~RedisOracle();

  // The reply with its type byte for one-line replies and errors ("+OK", "-ERR ..."), bare for bulk strings; arrays
  // one element an entry, everything else as one.
  std::vector<std::string> Run(const std::vector<std::string>& command);
  std::string Line(const std::vector<std::string>& command) { return Run(command).at(0); }
  std::string ConfigGet(const std::string& name);

 private:
  RedisOracle() = default;
  std::string ReadLine();

  TemporaryFolder folder_;
  int pid_ = -1;
  int output_ = -1;
  int socket_ = -1;
  std::string unread_;
};

}  // namespace larder::tests

#endif  // LARDER_TESTS_LIB_REDIS_ORACLE_H_
