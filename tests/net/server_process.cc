#include "tests/net/server_process.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "gtest/gtest.h"

namespace larder {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// In the child, between fork and exec: system calls only.
bool Limit(rlim_t soft, rlim_t hard) {
  if (soft == 0 && hard == 0) return true;
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  if (hard != 0) limit.rlim_max = hard;
  if (soft != 0) limit.rlim_cur = soft;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  // A test without privileges cannot drop any, and has nothing to drop.
  return prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0) == 0 || geteuid() != 0;
}

}  // namespace

ServerProcess::ServerProcess(std::vector<std::string> arguments)
    : ServerProcess(std::move(arguments), Surroundings()) {}

ServerProcess::ServerProcess(std::vector<std::string> arguments, Surroundings surroundings) {
  int in[2], out[2];
  EXPECT_EQ(pipe2(in, O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
  const char* const given = getenv("LARDER_SERVER");
  arguments.insert(arguments.begin(), given != nullptr ? given : "net/larder-server");
  const std::vector<char*> argv = Pointers(arguments), envp = Pointers(surroundings.environment);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(out[1], STDERR_FILENO);
    if (!Limit(surroundings.soft_limit, surroundings.hard_limit)) _exit(126);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  EXPECT_GT(pid_, 0);
  close(in[0]);
  close(out[1]);
  const std::string& input = surroundings.input;
  EXPECT_EQ(write(in[1], input.data(), input.size()), static_cast<ssize_t>(input.size()));
  close(in[1]);
  output_ = out[0];
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(output_);
}

bool ServerProcess::WaitFor(std::string_view part) {
  while (text_.find(part) == std::string::npos) {
    if (!ReadSome()) return false;
  }
  return true;
}

void ServerProcess::Signal(int number) { kill(pid_, number); }

int ServerProcess::End() {
  while (ReadSome()) {
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

const std::string& ServerProcess::Stop() {
  Signal(SIGTERM);
  EXPECT_EQ(End(), 0) << text_;
  return text_;
}

int64_t ServerProcess::CpuTicks() const {
  std::istringstream words(File("stat"));
  std::string word;
  int64_t ticks = 0;
  for (int i = 1; words >> word; ++i) {
    if (i == 14 || i == 15) ticks += std::stoll(word);  // utime, stime; its name has no space
  }
  return ticks;
}

int64_t ServerProcess::Status(std::string_view name) const {
  const std::string text = File("status");
  const size_t at = text.find("\n" + std::string(name));
  EXPECT_NE(at, std::string::npos) << name;
  return std::stoll(text.substr(at + 1 + name.size()));
}

rlim_t ServerProcess::Descriptors() const {
  rlimit limit{};
  EXPECT_EQ(prlimit(pid_, RLIMIT_NOFILE, nullptr, &limit), 0);
  return limit.rlim_cur;
}

std::string ServerProcess::File(const char* name) const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool ServerProcess::ReadSome() {
  pollfd wanted{output_, POLLIN, 0};
  if (poll(&wanted, 1, 30'000) != 1) return false;
  char block[4096];
  const ssize_t n = read(output_, block, sizeof(block));
  if (n <= 0) return false;
  text_.append(block, static_cast<size_t>(n));
  return true;
}

}  // namespace larder
