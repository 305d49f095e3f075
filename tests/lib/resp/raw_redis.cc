#include "tests/lib/resp/raw_redis.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "lib/resp/reply_parser.h"

extern char** environ;

namespace larder::tests {
namespace {

void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // the server closed: what it said first can still be read
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

std::string TemporaryDirectory() {
  // Short on purpose: a socket's path may have 107 bytes, and Bazel's own folder for tests is longer.
  std::string name = "/tmp/larder_oracle_XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  return name;
}

}  // namespace

std::string EncodeRequest(const std::vector<std::string>& args) {
  std::string out = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string& arg : args) out += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
  return out;
}

RawRedis::RawRedis(const std::vector<std::string>& arguments) : directory_(TemporaryDirectory()) {
  socket_ = directory_ + "/s";
  std::vector<std::string> command = {"redis-server", "--port", "0", "--unixsocket", socket_, "--save", "",
                                      "--dir", directory_, "--logfile", directory_ + "/log"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  // Not our stdout: whoever reads it would wait for the server's end too.
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  const int error = ::posix_spawnp(&pid_, "redis-server", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start redis-server: is it installed?");
  for (int attempt = 0; attempt < 2000; ++attempt) {
    fd_ = Connect();
    if (fd_ >= 0) return;
    int status;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) throw std::runtime_error("redis-server ended at once");
    ::poll(nullptr, 0, 5);
  }
  throw std::runtime_error("redis-server does not answer");
}

RawRedis::~RawRedis() {
  if (fd_ >= 0) ::close(fd_);
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (const char* file : {"/s", "/log"}) ::unlink((directory_ + file).c_str());
  ::rmdir(directory_.c_str());
}

int RawRedis::Connect() const {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.c_str(), socket_.size() + 1);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
  ::close(fd);
  return -1;
}

std::string RawRedis::Ask(const std::vector<std::string>& args) { return AskAll({args})[0]; }

std::vector<std::string> RawRedis::AskAll(const std::vector<std::vector<std::string>>& commands) {
  std::vector<std::string> replies;
  // In slices, so that neither side fills both sockets' buffers and waits.
  for (size_t from = 0; from < commands.size(); from += 100) {
    const size_t to = std::min(commands.size(), from + 100);
    std::string request;
    for (size_t i = from; i < to; ++i) request += EncodeRequest(commands[i]);
    SendAll(fd_, request);
    resp::ReplyScanner scanner;
    while (replies.size() < to) {
      const ssize_t length = scanner.Scan(pending_);
      if (length < 0) throw std::runtime_error("malformed reply from redis-server");
      if (length > 0) {
        replies.push_back(pending_.substr(0, static_cast<size_t>(length)));
        pending_.erase(0, static_cast<size_t>(length));
        scanner.Reset();
        continue;
      }
      char bytes[65536];
      const ssize_t n = ::read(fd_, bytes, sizeof(bytes));
      if (n <= 0) throw std::runtime_error("redis-server closed the connection");
      pending_.append(bytes, static_cast<size_t>(n));
    }
  }
  return replies;
}

std::string RawRedis::Exchange(std::string_view bytes) const {
  const int fd = Connect();
  SendAll(fd, bytes);
  ::shutdown(fd, SHUT_WR);
  std::string answer;
  for (;;) {
    char part[65536];
    const ssize_t n = ::read(fd, part, sizeof(part));
    if (n <= 0) break;
    answer.append(part, static_cast<size_t>(n));
  }
  ::close(fd);
  return answer;
}

}  // namespace larder::tests
