// larder-server as a process of its own, with limits of its own, watched from outside.
#ifndef LARDER_TESTS_NET_LIMITS_SERVER_PROCESS_H_
#define LARDER_TESTS_NET_LIMITS_SERVER_PROCESS_H_

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace larder {

class ServerProcess {
 public:
  // With these limits of descriptors, 0 for those of the test. It may not raise its hard limit, whoever runs the test.
  explicit ServerProcess(std::vector<std::string> arguments, rlim_t soft = 0, rlim_t hard = 0) {
    const char* const given = getenv("LARDER_SERVER");
    arguments.insert(arguments.begin(), given != nullptr ? given : "net/larder-server");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int out[2];
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(out[1], STDOUT_FILENO);
      dup2(out[1], STDERR_FILENO);
      if (!Limit(soft, hard)) _exit(126);
      execv(argv[0], argv.data());
      _exit(127);
    }
    EXPECT_GT(pid_, 0);
    close(out[1]);
    output_ = out[0];
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(output_);
  }

  // Until the output has `part`; false if it ends, or half a minute passes, before.
  bool WaitFor(std::string_view part) {
    while (text_.find(part) == std::string::npos) {
      if (!ReadSome()) return false;
    }
    return true;
  }
  // Ends it; all that it has printed.
  const std::string& End() {
    kill(pid_, SIGTERM);
    while (ReadSome()) {
    }
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    pid_ = -1;
    return text_;
  }
  const std::string& text() const { return text_; }
  pid_t pid() const { return pid_; }

  // CPU of all its threads so far, in clock ticks.
  int64_t CpuTicks() const {
    std::istringstream words(File("stat"));
    std::string word;
    int64_t ticks = 0;
    for (int i = 1; words >> word; ++i) {
      if (i == 14 || i == 15) ticks += std::stoll(word);  // utime, stime; its name has no space
    }
    return ticks;
  }
  // A number of /proc/<pid>/status: "VmHWM:", "RssAnon:" (KB), "voluntary_ctxt_switches:" (of its main thread).
  int64_t Status(std::string_view name) const {
    const std::string text = File("status");
    const size_t at = text.find("\n" + std::string(name));
    EXPECT_NE(at, std::string::npos) << name;
    return std::stoll(text.substr(at + 1 + name.size()));
  }
  // Its soft limit of descriptors.
  rlim_t Descriptors() const {
    rlimit limit{};
    EXPECT_EQ(prlimit(pid_, RLIMIT_NOFILE, nullptr, &limit), 0);
    return limit.rlim_cur;
  }

 private:
  static bool Limit(rlim_t soft, rlim_t hard) {
    rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    if (hard != 0) limit.rlim_max = hard;
    if (soft != 0) limit.rlim_cur = soft;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    // A test without privileges cannot drop any, and has nothing to drop.
    return prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0) == 0 || geteuid() != 0;
  }
  std::string File(const char* name) const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/" + name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  bool ReadSome() {
    pollfd wanted{output_, POLLIN, 0};
    if (poll(&wanted, 1, 30'000) != 1) return false;
    char block[4096];
    const ssize_t n = read(output_, block, sizeof(block));
    if (n <= 0) return false;
    text_.append(block, static_cast<size_t>(n));
    return true;
  }

  pid_t pid_ = -1;
  int output_ = -1;
  std::string text_;
};

}  // namespace larder

#endif  // LARDER_TESTS_NET_LIMITS_SERVER_PROCESS_H_
