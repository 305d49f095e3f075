// One run of larder-server, as its users start it: a process, whose output is read as it comes, and which is watched
// from outside. It ends with the object.
#ifndef LARDER_TESTS_NET_SERVER_PROCESS_H_
#define LARDER_TESTS_NET_SERVER_PROCESS_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder {

class ServerProcess {
 public:
  // What the process is given besides its arguments.
  struct Surroundings {
    std::vector<std::string> environment = {};  // all of it
    std::string input = "";                     // what it can read from its standard input
    // Its limits of descriptors; 0 for those of the test. It may not raise its hard limit, whoever runs the test.
    rlim_t soft_limit = 0;
    rlim_t hard_limit = 0;
  };

  // The program is net/larder-server, or what LARDER_SERVER names.
  explicit ServerProcess(std::vector<std::string> arguments);
  ServerProcess(std::vector<std::string> arguments, Surroundings surroundings);
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess();

  // Reads until the output has `part`; false if it ends, or half a minute passes, before.
  bool WaitFor(std::string_view part);
  void Signal(int number);
  // Waits for its end. Returns the exit code, or -signal.
  int End();
  // Ends it by SIGTERM, and expects exit code 0. Returns all that it has printed.
  const std::string& Stop();
  const std::string& text() const { return text_; }
  pid_t pid() const { return pid_; }

  // CPU of all its threads so far, in clock ticks.
  int64_t CpuTicks() const;
  // A number of /proc/<pid>/status: "VmHWM:", "RssAnon:" (KB), "voluntary_ctxt_switches:" (of its main thread).
  int64_t Status(std::string_view name) const;
  // Its soft limit of descriptors.
  rlim_t Descriptors() const;

 private:
  std::string File(const char* name) const;
  bool ReadSome();

  pid_t pid_ = -1;
  int output_ = -1;
  std::string text_;
};

}  // namespace larder

#endif  // LARDER_TESTS_NET_SERVER_PROCESS_H_
