// A real redis-server on a unix socket of the test's own, asked in raw bytes and in pipelines. (Tests that want single
// commands and their replies taken apart use tests/lib/redis_oracle.h.)
#ifndef LARDER_TESTS_LIB_RESP_RAW_REDIS_H_
#define LARDER_TESTS_LIB_RESP_RAW_REDIS_H_

#include <sys/types.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace larder::tests {

// `args` as a RESP array of bulks.
std::string EncodeRequest(const std::vector<std::string>& args);

class RawRedis {
 public:
  // Starts `redis-server` with these directives added and waits until it answers. Throws std::runtime_error.
  explicit RawRedis(const std::vector<std::string>& arguments = {});
  ~RawRedis();
  RawRedis(const RawRedis&) = delete;
  RawRedis& operator=(const RawRedis&) = delete;

  // A connection of its own to the server.
  int Connect() const;

  // The raw reply to one command, on a connection that is kept.
  std::string Ask(const std::vector<std::string>& args);
  // The raw replies to many commands, sent as a pipeline.
  std::vector<std::string> AskAll(const std::vector<std::vector<std::string>>& commands);

  // Sends `bytes` on a connection of its own, tells the server that no more will come, and returns all that it
  // answered before it closed.
  std::string Exchange(std::string_view bytes) const;

 private:
  std::string directory_;
  std::string socket_;
  pid_t pid_ = -1;
  int fd_ = -1;
  std::string pending_;
};

}  // namespace larder::tests

#endif  // LARDER_TESTS_LIB_RESP_RAW_REDIS_H_
