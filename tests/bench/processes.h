// Programs that a benchmark starts and watches: servers, and the load that is put on them.
#ifndef LARDER_TESTS_BENCH_PROCESSES_H_
#define LARDER_TESTS_BENCH_PROCESSES_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace larder::bench {

// A server on a unix socket in a folder of its own, both gone with this object.
class Server {
 public:
  // Starts `program` with the arguments that redis-server takes and waits until it answers. Exits the program with a
  // message if that fails: a benchmark without its peer has nothing to say.
  Server(const std::string& program, const std::vector<std::string>& extra_arguments = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& socket() const { return socket_; }
  pid_t pid() const { return pid_; }
  // CPU that all its threads have used, by the kernel's accounting: in user code and in the kernel.
  struct Cpu {
    double user_ns = 0;
    double system_ns = 0;
    double total() const { return user_ns + system_ns; }
  };
  Cpu cpu() const;
  uint64_t rss_bytes() const;

 private:
  std::string folder_;
  std::string socket_;
  pid_t pid_ = -1;
};

// Runs a program to its end, its output dropped. Returns its exit code.
int RunQuietly(const std::vector<std::string>& argv);

// A blocking connection that sends commands in pipelines and drops the replies.
class Loader {
 public:
  explicit Loader(const std::string& socket);
  ~Loader();
  void Add(const std::vector<std::string>& argv);
  void Flush();  // sends what was added and waits for all replies (simple strings, integers)

 private:
  int fd_;
  std::string pending_;
  int commands_ = 0;
};

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_PROCESSES_H_
