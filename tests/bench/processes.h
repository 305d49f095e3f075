// Programs that a benchmark starts and watches: servers, and the load that is put on them.
#ifndef LARDER_TESTS_BENCH_PROCESSES_H_
#define LARDER_TESTS_BENCH_PROCESSES_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
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
  // CPU that all its threads have used, by the kernel's accounting. The scheduler counts the total in ns; what of it
  // was user code is sampled at the kernel's ticks (10 ms as a rule).
  struct Cpu {
    double total_ns = 0;
    double user_ns = 0;
  };
  Cpu cpu() const;

 private:
  std::string folder_;
  std::string socket_;
  pid_t pid_ = -1;
};

// Resident memory of a process; 0: this one.
uint64_t ResidentBytes(pid_t pid = 0);

// Runs a program to its end, its output dropped. Returns its exit code.
int RunQuietly(const std::vector<std::string>& argv);

// A blocking connection to a unix socket, -1 if nobody listens there.
int Connect(const std::string& socket_path);

// A blocking connection that sends commands in pipelines and drops the replies.
class Loader {
 public:
  explicit Loader(const std::string& socket);
  ~Loader();
  // `reply_lines`: 1 for simple strings and integers, 2 for a bulk string of one line.
  void Add(const std::vector<std::string>& argv, int reply_lines = 1);
  void Flush();  // sends what was added and waits for all replies

 private:
  int fd_;
  std::string pending_;
  int commands_ = 0;
  int reply_lines_ = 0;
};

namespace internal {
// Calls fill(result, arg) in the child and carries `bytes` at `result` over.
void RunInChild(void* result, size_t bytes, void (*fill)(void* result, void* arg), void* arg);
}  // namespace internal

// fn's result (a plain struct), computed in a forked child: the memory that it takes, and what it leaves behind in the
// allocator, is the child's. REQUIRES: this process has one thread.
template <class T, class F>
T InChild(F fn) {
  static_assert(std::is_trivially_copyable_v<T>);
  T result;
  internal::RunInChild(
      &result, sizeof(result), [](void* to, void* arg) { *static_cast<T*>(to) = (*static_cast<F*>(arg))(); }, &fn);
  return result;
}

}  // namespace larder::bench

#endif  // LARDER_TESTS_BENCH_PROCESSES_H_
