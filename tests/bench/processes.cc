#include "tests/bench/processes.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

extern char** environ;

namespace larder::bench {
namespace {

[[noreturn]] void Die(const std::string& message) {
  std::fprintf(stderr, "bench: %s\n", message.c_str());
  std::exit(1);
}

pid_t Spawn(const std::vector<std::string>& argv) {
  std::vector<char*> raw;
  for (const std::string& arg : argv) raw.push_back(const_cast<char*>(arg.c_str()));
  raw.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  if (posix_spawnp(&pid, raw[0], &actions, nullptr, raw.data(), environ) != 0) Die("cannot start " + argv[0]);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

void Nap(long ms) {
  const timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, nullptr);
}

}  // namespace

int Connect(const std::string& socket_path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof(address.sun_path) - 1);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

Server::Server(const std::string& program, const std::vector<std::string>& extra_arguments) {
  char folder[] = "/tmp/larder-bench-XXXXXX";
  if (mkdtemp(folder) == nullptr) Die("cannot make a folder");
  folder_ = folder;
  socket_ = folder_ + "/s";
  std::vector<std::string> argv = {program, "--port", "0", "--unixsocket", socket_, "--save", "", "--dir", folder_};
  argv.insert(argv.end(), extra_arguments.begin(), extra_arguments.end());
  pid_ = Spawn(argv);
  for (int i = 0; i < 500; ++i) {
    const int fd = Connect(socket_);
    if (fd >= 0) {
      close(fd);
      return;
    }
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) Die(program + " ended at once");
    Nap(10);
  }
  Die(program + " does not answer");
}

Server::~Server() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  unlink(socket_.c_str());
  rmdir(folder_.c_str());
}

Server::Cpu Server::cpu() const {
  const std::string folder = "/proc/" + std::to_string(pid_);
  std::ifstream in(folder + "/stat");
  std::string line;
  std::getline(in, line);
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  const double tick_ns = 1e9 / static_cast<double>(sysconf(_SC_CLK_TCK));
  Cpu cpu = {0, user * tick_ns};
  // Of each thread that is there; none of a server's ends while it is measured.
  for (const auto& thread : std::filesystem::directory_iterator(folder + "/task")) {
    double ran_ns = 0;
    std::ifstream(thread.path() / "schedstat") >> ran_ns;
    cpu.total_ns += ran_ns;
  }
  if (cpu.total_ns == 0) cpu.total_ns = (user + system) * tick_ns;  // a kernel without schedstat
  return cpu;
}

uint64_t ResidentBytes(pid_t pid) {
  std::ifstream in("/proc/" + (pid == 0 ? std::string("self") : std::to_string(pid)) + "/statm");
  uint64_t all = 0;
  uint64_t resident = 0;
  in >> all >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

int RunQuietly(const std::vector<std::string>& argv) {
  int status = 0;
  waitpid(Spawn(argv), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

namespace internal {

void RunInChild(void* result, size_t bytes, void (*fill)(void* result, void* arg), void* arg) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) Die("no pipe");
  std::fflush(stdout);
  const pid_t child = fork();
  if (child < 0) Die("no child process");
  if (child == 0) {
    close(ends[0]);
    fill(result, arg);
    const ssize_t n = write(ends[1], result, bytes);
    _exit(n == static_cast<ssize_t>(bytes) ? 0 : 1);
  }
  close(ends[1]);
  static_assert(PIPE_BUF >= 512, "a small struct is written whole, so one read gets it");
  const ssize_t n = read(ends[0], result, bytes);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  if (n != static_cast<ssize_t>(bytes)) Die("a child process failed");
}

}  // namespace internal

Loader::Loader(const std::string& socket) : fd_(Connect(socket)) {
  if (fd_ < 0) Die("cannot connect to " + socket);
}

Loader::~Loader() { close(fd_); }

void Loader::Add(const std::vector<std::string>& argv, int reply_lines) {
  pending_ += "*" + std::to_string(argv.size()) + "\r\n";
  for (const std::string& arg : argv) pending_ += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
  reply_lines_ += reply_lines;
  if (++commands_ == 1000) Flush();
}

void Loader::Flush() {
  for (size_t sent = 0; sent < pending_.size();) {
    const ssize_t n = send(fd_, pending_.data() + sent, pending_.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) Die("a server hung up");
    sent += static_cast<size_t>(n);
  }
  for (int lines = 0; lines < reply_lines_;) {
    char chunk[65536];
    const ssize_t n = recv(fd_, chunk, sizeof(chunk), 0);
    if (n <= 0) Die("a server hung up");
    for (ssize_t i = 0; i < n; ++i) {
      if (chunk[i] == '-' && (i == 0 || chunk[i - 1] == '\n')) Die("a server refused a command");
      lines += chunk[i] == '\n';
    }
  }
  pending_.clear();
  commands_ = 0;
  reply_lines_ = 0;
}

}  // namespace larder::bench
