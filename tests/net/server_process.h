// One run of larder-server, as its users start it: a process, whose output is read as it comes. It ends with the object.
#ifndef LARDER_TESTS_NET_SERVER_PROCESS_H_
#define LARDER_TESTS_NET_SERVER_PROCESS_H_

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace larder {

class ServerProcess {
 public:
  explicit ServerProcess(std::vector<std::string> arguments, std::vector<std::string> environment = {},
                         const std::string& input = "") {
    int in[2], out[2];
    EXPECT_EQ(pipe2(in, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    const char* const given = getenv("LARDER_SERVER");
    arguments.insert(arguments.begin(), given != nullptr ? given : "net/larder-server");
    std::vector<char*> argv, envp;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    for (std::string& variable : environment) envp.push_back(variable.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, out[1], 2);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), envp.data()), 0) << argv[0];
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    EXPECT_EQ(write(in[1], input.data(), input.size()), static_cast<ssize_t>(input.size()));
    close(in[1]);
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
  void Signal(int number) { kill(pid_, number); }
  // Waits for its end; the exit code, or -signal.
  int End() {
    while (ReadSome()) {
    }
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  const std::string& text() const { return text_; }
  pid_t pid() const { return pid_; }

 private:
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

#endif  // LARDER_TESTS_NET_SERVER_PROCESS_H_
