// larder-server as its users start it: a process, watched from outside.
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/net/server_process.h"
#include "tests/net/temp_folder.h"
#include "tests/net/test_client.h"

namespace larder {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

std::string FileText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// Waits, as long as it takes and 30 s at most, until a file has `part` in it; returns its text.
std::string WaitForText(const TempFolder& folder, const char* name, std::string_view part) {
  const int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  EXPECT_GE(inotify_add_watch(watch, folder.path().c_str(), IN_CREATE | IN_MODIFY), 0);
  std::string text = FileText(folder / name);
  while (text.find(part) == std::string::npos) {
    pollfd wanted{watch, POLLIN, 0};
    if (poll(&wanted, 1, 30'000) != 1) break;
    char events[4096];
    EXPECT_GT(read(watch, events, sizeof(events)), 0);
    text = FileText(folder / name);
  }
  close(watch);
  return text;
}

TEST(LarderServerTest, AeApiIoUring) {
  const TempFolder folder;
  const std::string path = folder / "s";
  ServerProcess server({"--port", "0", "--unixsocket", path, "--ae-api", "io_uring"});
  ASSERT_TRUE(server.WaitFor("ready to accept connections at " + path)) << server.text();
  TestClient client = TestClient::Unix(path);
  client.Expect("CONFIG GET ae-api\r\n", "*2\r\n$6\r\nae-api\r\n$8\r\nio_uring\r\n");
  client.Send("INFO server\r\n");
  // A kernel without it is allowed to say so; then the next best must serve.
  const bool refused = server.text().find("The kernel refuses an ae-api, using epoll instead") != std::string::npos;
  EXPECT_THAT(client.ReadBulk(), HasSubstr(refused ? "multiplexing_api:epoll\r\n" : "multiplexing_api:io_uring\r\n"));
  server.Signal(SIGTERM);
  EXPECT_EQ(server.End(), 0);
}

TEST(LarderServerTest, ServesUntilSigterm) {
  const TempFolder folder;
  const std::string path = folder / "s", pidfile = folder / "pid";
  ServerProcess server({"--port", "0", "--unixsocket", path, "--unixsocketperm", "700", "--pidfile", pidfile});
  ASSERT_TRUE(server.WaitFor("ready to accept connections at " + path)) << server.text();
  EXPECT_THAT(server.text(), HasSubstr(" PID: " + std::to_string(server.pid())));
  EXPECT_EQ(FileText(pidfile), std::to_string(server.pid()) + "\n");
  struct stat there;
  ASSERT_EQ(stat(path.c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777, 0700u);
  TestClient client = TestClient::Unix(path);
  client.Expect("SET k v\r\n", "+OK\r\n");
  client.Expect("CONFIG GET unixsocketperm\r\n", "*2\r\n$14\r\nunixsocketperm\r\n$3\r\n700\r\n");
  server.Signal(SIGTERM);
  EXPECT_EQ(server.End(), 0);
  client.ExpectEnd();
  EXPECT_THAT(server.text(), HasSubstr("Received SIGTERM scheduling shutdown..."));
  EXPECT_THAT(server.text(), HasSubstr("ready to exit, bye bye..."));
  EXPECT_FALSE(Exists(path));
  EXPECT_FALSE(Exists(pidfile));
}

TEST(LarderServerTest, ASecondSigtermEndsItAtOnceAndLeavesNoFiles) {
  const TempFolder folder;
  const std::string path = folder / "s", pidfile = folder / "pid";
  ServerProcess server({"--port", "0", "--unixsocket", path, "--pidfile", pidfile, "--enable-debug-command", "yes"});
  ASSERT_TRUE(server.WaitFor("ready to accept connections at " + path)) << server.text();
  TestClient client = TestClient::Unix(path);
  client.Expect("PING\r\n", "+PONG\r\n");
  // Nothing is done on the first signal while a command runs that does not end.
  client.Send("DEBUG SLEEP 600\r\n");
  for (int unread = 1; unread != 0; std::this_thread::yield()) ASSERT_EQ(ioctl(client.fd(), SIOCOUTQ, &unread), 0);
  while (Exists(path)) {
    server.Signal(SIGTERM);
    std::this_thread::yield();
  }
  EXPECT_EQ(server.End(), 1);
  EXPECT_FALSE(Exists(pidfile));
}

// As redis-server 7.0.15 ends: '-' excuses an address that is not here, not a name that nobody knows.
TEST(LarderServerTest, NoAddressToListenOnIsTheEnd) {
  ServerProcess none({"--port", "17377", "--bind", "-192.0.2.77", "-192.0.2.78"});
  EXPECT_EQ(none.End(), 1);
  EXPECT_THAT(none.text(), HasSubstr("Configured to not listen anywhere, exiting."));
  ServerProcess unknown({"--port", "17377", "--bind", "127.0.0.1", "-::x"});
  EXPECT_EQ(unknown.End(), 1);
  EXPECT_THAT(unknown.text(), HasSubstr("Failed listening on port 17377 (TCP), aborting."));
}

// Such a file is what redis-server 7.0.15 makes of `requirepass foo` by CONFIG REWRITE.
TEST(LarderServerTest, StartsWithAFileThatRedisRewroteWithAPassword) {
  const TempFolder folder;
  const std::string path = folder / "s", file = folder / "redis.conf";
  std::ofstream(file) << "requirepass \"foo\"\n\n# Generated by CONFIG REWRITE\nport 0\nsave \"\"\n"
                         "latency-tracking-info-percentiles 50 99 99.9\nuser default on "
                         "#2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae ~* &* +@all\n";
  ServerProcess server({file, "--unixsocket", path});
  ASSERT_TRUE(server.WaitFor("ready to accept connections at " + path)) << server.text();
  TestClient client = TestClient::Unix(path);
  client.Expect("PING\r\n", "-NOAUTH Authentication required.\r\n");
  client.Expect("AUTH foo\r\n", "+OK\r\n");
  client.Expect("CONFIG SET requirepass bar\r\nCONFIG REWRITE\r\n", "+OK\r\n+OK\r\n");
  server.Signal(SIGTERM);
  EXPECT_EQ(server.End(), 0);
  ServerProcess again({file, "--unixsocket", path});
  ASSERT_TRUE(again.WaitFor("ready to accept connections at " + path)) << again.text();
  TestClient::Unix(path).Expect("AUTH bar\r\n", "+OK\r\n");
}

TEST(LarderServerTest, LogsLinesAsRedisDoes) {
  const TempFolder folder;
  ServerProcess server({"--port", "0", "--unixsocket", folder / "s"});
  ASSERT_TRUE(server.WaitFor("ready to accept connections at"));
  server.Signal(SIGINT);
  EXPECT_EQ(server.End(), 0);
  std::stringstream lines(server.text());
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    EXPECT_THAT(line, MatchesRegex("[0-9]+:[CM] [0-9][0-9] [A-Z][a-z][a-z] [0-9]+ [0-9:]+\\.[0-9][0-9][0-9] [#*] .+"));
    ++count;
  }
  EXPECT_GE(count, 6);
  EXPECT_THAT(server.text(), HasSubstr("Received SIGINT"));
}

TEST(LarderServerTest, ShutdownEndsIt) {
  const TempFolder folder;
  const std::string path = folder / "s";
  ServerProcess server({"--port", "0", "--unixsocket", path});
  ASSERT_TRUE(server.WaitFor("ready to accept"));
  TestClient client = TestClient::Unix(path);
  client.Send("SHUTDOWN NOSAVE\r\n");
  client.ExpectEnd();
  EXPECT_EQ(server.End(), 0);
  EXPECT_FALSE(Exists(path));
}

TEST(LarderServerTest, ConfigComesFromFileStandardInputAndArguments) {
  const TempFolder folder;
  const std::string path = folder / "s";
  std::ofstream(folder / "conf") << "port 0\nmaxmemory 100mb\ntimeout 5\n";
  ServerProcess server({folder / "conf", "--timeout", "7", "--unixsocket", path, "-"}, {.input = "maxclients 123\n"});
  ASSERT_TRUE(server.WaitFor("ready to accept")) << server.text();
  TestClient client = TestClient::Unix(path);
  client.Expect("CONFIG GET maxmemory\r\n", "*2\r\n$9\r\nmaxmemory\r\n$9\r\n104857600\r\n");
  client.Expect("CONFIG GET timeout\r\n", "*2\r\n$7\r\ntimeout\r\n$1\r\n7\r\n");
  client.Expect("CONFIG GET maxclients\r\n", "*2\r\n$10\r\nmaxclients\r\n$3\r\n123\r\n");
}

TEST(LarderServerTest, DebiansConfigurationStartsIt) {
  const TempFolder folder;
  const std::string path = folder / "s";
  // As the package has it, but for the places that belong to its own user; not every machine has the package.
  std::string conf = FileText("/etc/redis/redis.conf");
  if (conf.empty()) conf = "bind 127.0.0.1 -::1\ndaemonize yes\nport 6379\nset-proc-title yes\n";
  std::ofstream(folder / "redis.conf") << conf;
  ServerProcess server({folder / "redis.conf", "--daemonize", "no", "--port", "0", "--unixsocket", path, "--dir",
                 folder.path(), "--logfile", folder / "log", "--pidfile", folder / "pid"});
  ASSERT_THAT(WaitForText(folder, "log", "ready to accept"), HasSubstr("connections at " + path)) << server.text();
  TestClient client = TestClient::Unix(path);
  client.Expect("CONFIG GET bind\r\n", "*2\r\n$4\r\nbind\r\n$14\r\n127.0.0.1 -::1\r\n");
  server.Signal(SIGTERM);
  EXPECT_EQ(server.End(), 0);
  EXPECT_EQ(server.text(), "") << "with a log file, nothing is printed";
}

TEST(LarderServerTest, DaemonizeGoesToTheBackground) {
  const TempFolder folder;
  const std::string path = folder / "s", pidfile = folder / "pid";
  ServerProcess server({"--daemonize", "yes", "--port", "0", "--unixsocket", path, "--pidfile", pidfile, "--logfile",
                 folder / "log"});
  EXPECT_EQ(server.End(), 0) << "the parent ends at once";
  ASSERT_THAT(WaitForText(folder, "log", "ready to accept"), HasSubstr("connections at " + path));
  TestClient client = TestClient::Unix(path);
  client.Expect("PING\r\n", "+PONG\r\n");
  const pid_t pid = static_cast<pid_t>(std::stoi(FileText(pidfile)));
  EXPECT_EQ(getsid(pid), pid);
  kill(pid, SIGTERM);
  client.ExpectEnd();
  EXPECT_THAT(WaitForText(folder, "log", "bye bye"), HasSubstr("Removing the pid file."));
  EXPECT_FALSE(Exists(pidfile));
}

TEST(LarderServerTest, TellsSystemd) {
  const TempFolder folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder / "n").copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const auto received = [fd] {
    pollfd wanted{fd, POLLIN, 0};
    if (poll(&wanted, 1, 30'000) != 1) return std::string("nothing");
    char block[1024];
    const ssize_t n = recv(fd, block, sizeof(block), 0);
    return std::string(block, static_cast<size_t>(n));
  };
  ServerProcess server({"--supervised", "auto", "--daemonize", "yes", "--port", "0", "--unixsocket", folder / "s"},
                       {.environment = {"NOTIFY_SOCKET=" + (folder / "n")}});
  EXPECT_THAT(received(), HasSubstr("READY=1"));
  server.Signal(SIGTERM);
  EXPECT_THAT(received(), HasSubstr("STOPPING=1"));
  EXPECT_EQ(server.End(), 0) << "supervised, it does not daemonize";
  close(fd);
}

TEST(LarderServerTest, BadDirectivesAreNamed) {
  const TempFolder folder;
  std::ofstream(folder / "conf") << "port 0\nmaxmemory lots\n";
  ServerProcess server({folder / "conf"});
  EXPECT_EQ(server.End(), 1);
  EXPECT_THAT(server.text(), HasSubstr("FATAL CONFIG FILE ERROR"));
  EXPECT_THAT(server.text(), HasSubstr("maxmemory"));
  EXPECT_THAT(server.text(), HasSubstr(folder / "conf"));
  ServerProcess missing({folder / "none"});
  EXPECT_EQ(missing.End(), 1);
  EXPECT_THAT(missing.text(), HasSubstr("can't open config file '" + (folder / "none") + "'"));
}

TEST(LarderServerTest, AnAddressInUseIsNamed) {
  const TempFolder folder;
  const std::string path = folder / "s";
  close(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  ServerProcess server({"--port", "0", "--unixsocket", path});
  EXPECT_EQ(server.End(), 1);
  EXPECT_THAT(server.text(), HasSubstr(path));
  EXPECT_THAT(server.text(), HasSubstr("aborting"));
  EXPECT_TRUE(Exists(path));
}

TEST(LarderServerTest, SaysWhatItIs) {
  for (const char* word : {"-v", "--version"}) {
    ServerProcess server({word});
    EXPECT_EQ(server.End(), 0);
    EXPECT_THAT(server.text(), MatchesRegex("Larder server v=[0-9.]+ redis=7.0.15 .*\n"));
  }
  for (const char* word : {"-h", "--help"}) {
    ServerProcess server({word});
    EXPECT_EQ(server.End(), 0);
    EXPECT_THAT(server.text(), HasSubstr("Usage: larder-server"));
  }
  ServerProcess server({"--test-memory", "100"});
  EXPECT_EQ(server.End(), 1);
}

TEST(LarderServerTest, FewDescriptorsMeanFewClients) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const TempFolder folder;
  const std::string path = folder / "s";
  // The hard limit cannot be raised again by a process without privileges, so a shell lowers it for the server alone.
  const char* const given = getenv("LARDER_SERVER");
  const std::string program = given != nullptr ? given : "net/larder-server";
  setenv("LARDER_SERVER", "/bin/sh", 1);
  ServerProcess server({"-c", "ulimit -n 100; exec " + program + " --port 0 --maxclients 5000 --unixsocket " + path});
  given != nullptr ? setenv("LARDER_SERVER", program.c_str(), 1) : unsetenv("LARDER_SERVER");
  ASSERT_TRUE(server.WaitFor("ready to accept")) << server.text();
  TestClient client = TestClient::Unix(path);
  // A privileged process raises its hard limit too.
  if (server.text().find("maxclients has been reduced to 68 from 5000") != std::string::npos) {
    client.Expect("CONFIG GET maxclients\r\n", "*2\r\n$10\r\nmaxclients\r\n$2\r\n68\r\n");
  } else {
    client.Expect("CONFIG GET maxclients\r\n", "*2\r\n$10\r\nmaxclients\r\n$4\r\n5000\r\n");
  }
}

TEST(LarderServerTest, TheBannerComesWhenAskedFor) {
  const TempFolder folder;
  ServerProcess server({"--port", "0", "--unixsocket", folder / "s", "--always-show-logo", "yes"});
  ASSERT_TRUE(server.WaitFor("ready to accept"));
  EXPECT_THAT(server.text(), HasSubstr("     PID: " + std::to_string(server.pid()) + "\n"));
}

}  // namespace
}  // namespace larder
