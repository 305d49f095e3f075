#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "tests/differential/sides.h"
#include "tests/differential/temp_folder.h"

extern char** environ;

namespace differential {
namespace {

// Long enough for a machine that is busy with other tests; only a missing reply ever waits for it.
constexpr int kReplyWaitMs = 20'000;

class SocketLink final : public Link {
 public:
  explicit SocketLink(int fd) : fd_(fd) {}
  ~SocketLink() override { close(fd_); }

  void Send(std::string_view bytes) override {
    while (!bytes.empty() && !closed_) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return;  // the replies that were written before can still be read
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  bool closed() override {
    char byte;
    const ssize_t got = recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    // An error too: one that hung up with requests unread resets the connection.
    closed_ |= got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    return closed_;
  }

  std::string Drain() override {
    std::string all;
    char buffer[65536];
    for (;;) {
      const ssize_t got = recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return all;
      all.append(buffer, static_cast<size_t>(got));
    }
  }

  std::string Receive() override {
    for (;;) {
      Value value;
      const int64_t length = ParseValue(input_, &value);
      if (length > 0) {
        std::string reply = input_.substr(0, static_cast<size_t>(length));
        input_.erase(0, static_cast<size_t>(length));
        return reply;
      }
      if (length < 0) {  // a finding: hand over what is there
        closed_ = true;
        return std::move(input_);
      }
      if (!Fill()) return {};
    }
  }

 private:
  bool Fill() {
    pollfd wait = {fd_, POLLIN, 0};
    if (poll(&wait, 1, kReplyWaitMs) <= 0) {
      timed_out_ = true;
      return false;
    }
    char buffer[65536];
    const ssize_t got = recv(fd_, buffer, sizeof(buffer), 0);
    if (got <= 0) {
      closed_ = true;
      return false;
    }
    input_.append(buffer, static_cast<size_t>(got));
    return true;
  }

  int fd_;
  bool closed_ = false;
  std::string input_;
};

class RedisSide final : public Side {
 public:
  explicit RedisSide(const RedisOptions& options) { Start(options); }

  ~RedisSide() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  std::unique_ptr<Link> Connect() override { return ConnectUnix(folder_.Short("s")); }

 private:
  void Start(const RedisOptions& options) {
    Argv argv = {"redis-server", "--port", "0", "--unixsocket", "s", "--save", "", "--appendonly", "no",
                 "--daemonize", "no"};
    argv.insert(argv.end(), options.arguments.begin(), options.arguments.end());
    std::vector<char*> pointers;
    for (std::string& arg : argv) pointers.push_back(arg.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, folder_.path().c_str());
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const int error = posix_spawnp(&pid_, "redis-server", &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) Fail("redis-server");
    for (int tries = 0; tries < 1000; ++tries) {  // until it listens
      std::unique_ptr<Link> link = Connect();
      if (link != nullptr) return;
      usleep(10'000);
    }
    Fail("redis-server does not listen");
  }

  TempFolder folder_;
  pid_t pid_ = -1;
};

}  // namespace

std::unique_ptr<Side> StartRedis(const RedisOptions& options) { return std::make_unique<RedisSide>(options); }

std::unique_ptr<Link> ConnectUnix(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return nullptr;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return nullptr;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd);
    return nullptr;
  }
  return std::make_unique<SocketLink>(fd);
}

std::string Encode(const Argv& argv) {
  std::string out = "*" + std::to_string(argv.size()) + "\r\n";
  for (const std::string& arg : argv) out += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
  return out;
}

Value Ask(Link& link, const Argv& argv) {
  link.Send(Encode(argv));
  Value value;
  ParseValue(link.Receive(), &value);
  return value;
}

}  // namespace differential
