#include "tests/lib/redis_oracle.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

extern char** environ;

namespace larder::tests {

TemporaryFolder::TemporaryFolder() {
  // Not TEST_TMPDIR: a unix socket's path may have 107 bytes.
  std::string name = (std::filesystem::temp_directory_path() / "larder-XXXXXX").string();
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::Write(const std::string& name, std::string_view text) const {
  const std::string path = path_ + "/" + name;
  std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
  return path;
}

std::string TemporaryFolder::Read(const std::string& name) const {
  std::ostringstream text;
  text << std::ifstream(path_ + "/" + name, std::ios::binary).rdbuf();
  return text.str();
}

std::unique_ptr<RedisOracle> RedisOracle::Start(const std::vector<std::string>& arguments, std::string* output) {
  std::unique_ptr<RedisOracle> oracle(new RedisOracle);
  const std::string path = oracle->folder_.path() + "/redis.sock";
  std::vector<std::string> words = {"redis-server"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  for (const char* word : {"--port", "0", "--daemonize", "no", "--dir"}) words.push_back(word);
  words.push_back(oracle->folder_.path());
  words.push_back("--unixsocket");
  words.push_back(path);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  const int error = posix_spawnp(&oracle->pid_, "redis-server", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  oracle->output_ = ends[0];
  EXPECT_EQ(error, 0) << "redis-server cannot be started: is it installed?";

  // Its own word that it is ready, or the end of what it says.
  std::string said;
  char bytes[4096];
  while (said.find("ready to accept connections at") == said.npos) {
    const ssize_t got = read(oracle->output_, bytes, sizeof(bytes));
    if (got <= 0) {
      if (output != nullptr) *output = said;
      return nullptr;
    }
    said.append(bytes, static_cast<size_t>(got));
  }
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  oracle->socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(connect(oracle->socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return oracle;
}

RedisOracle::~RedisOracle() {
  if (socket_ >= 0) close(socket_);
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (output_ >= 0) close(output_);
}

std::string RedisOracle::ReadLine() {
  size_t end;
  while ((end = unread_.find("\r\n")) == unread_.npos) {
    char bytes[65536];
    const ssize_t got = read(socket_, bytes, sizeof(bytes));
    if (got <= 0) {
      ADD_FAILURE() << "redis-server closed the connection";
      return "-closed";
    }
    unread_.append(bytes, static_cast<size_t>(got));
  }
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 2);
  return line;
}

std::vector<std::string> RedisOracle::Run(const std::vector<std::string>& command) {
  std::string request = "*" + std::to_string(command.size()) + "\r\n";
  for (const std::string& word : command) request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  for (size_t sent = 0; sent < request.size();) {
    const ssize_t wrote = send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (wrote <= 0) return {"-closed"};
    sent += static_cast<size_t>(wrote);
  }
  std::vector<std::string> reply;
  for (size_t missing = 1; missing > 0; --missing) {
    std::string line = ReadLine();
    if (line == "-closed") return {line};
    if (line[0] == '*') {
      missing += static_cast<size_t>(std::stol(line.substr(1)));
    } else if (line[0] == '$') {
      // The length is known, so line breaks inside a bulk string are put together again.
      const size_t length = static_cast<size_t>(std::stol(line.substr(1)));
      std::string text = ReadLine();
      while (text.size() < length) text += "\r\n" + ReadLine();
      reply.push_back(text);
    } else {
      reply.push_back(line);
    }
  }
  return reply;
}

std::string RedisOracle::ConfigGet(const std::string& name) {
  const std::vector<std::string> reply = Run({"CONFIG", "GET", name});
  return reply.size() == 2 ? reply[1] : "(nothing)";
}

}  // namespace larder::tests
