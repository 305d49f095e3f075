// larder-server: a cache with nothing around it but its listener, started as redis-server is:
//
//   larder-server [FILE] [--directive value]... [-]
//
// This is a host, the one place in Larder that may daemonize, handle signals, exit, print, and change its process's
// directory and limits. It serves on its main thread and starts no other.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include <larder/cache.h>
#include <larder/net/listener.h>
#ifdef LARDER_SERVER_TLS  // CMake leaves it out where there is no OpenSSL
#include <larder/net/tls.h>
#endif
#ifdef LARDER_WITH_URING
#include <larder/net/uring.h>
#endif
#include <larder/options.h>
#include <larder/version.h>
#include "net/larder_server_log.h"
#include "net/larder_server_process.h"

namespace larder::inline v0::server {
namespace {

constexpr const char kUsage[] =
    "Usage: larder-server [/path/to/redis.conf] [options] [-]\n"
    "       larder-server - (read config from stdin)\n"
    "       larder-server -v or --version\n"
    "       larder-server -h or --help\n"
    "\n"
    "Options are the directives of redis.conf, each as --name value.\n"
    "\n"
    "Examples:\n"
    "       larder-server (run the server with default conf)\n"
    "       echo 'maxmemory 128mb' | larder-server -\n"
    "       larder-server /etc/redis/6379.conf\n"
    "       larder-server --port 7777\n"
    "       larder-server /etc/redis/6379.conf --loglevel verbose -\n";

// The only things that a signal handler may touch. A handler gets no argument, hence globals, in this program alone.
std::atomic<Listener*> g_listener{nullptr};
std::atomic<int> g_signal{0};
OwnFile g_unixsocket, g_pidfile;

void OnStopSignal(int signal_number) {
  if (g_signal.exchange(signal_number) != 0) {  // asked twice: ends at once, but removes its files
    g_unixsocket.Remove();
    g_pidfile.Remove();
    _exit(1);
  }
  Listener* const listener = g_listener.load();
  if (listener != nullptr) listener->EndRun();
}

void HandleSignals() {
  struct sigaction action = {};
  action.sa_handler = OnStopSignal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
}

std::string Text(const absl::Status& status) { return {status.message().data(), status.message().size()}; }

void PrintBanner(int port) {
  printf(
      "\n"
      "    .------------.\n"
      "    | []  ()  [] |     Larder " LARDER_VERSION " (Redis 7.0.15's protocol and commands) %d bit\n"
      "    |------------|     Running in standalone mode\n"
      "    | ()  []  () |     Port: %d\n"
      "    |------------|     PID: %d\n"
      "    '------------'\n"
      "\n",
      static_cast<int>(sizeof(void*) * 8), port, static_cast<int>(getpid()));
  fflush(stdout);
}

class Program {
 public:
  int Run(std::span<const std::string_view> arguments);

 private:
  bool Configure(std::span<const std::string_view> arguments);
  bool Detach();
  bool FitDescriptors();
  bool Open();
  void LogReady();
  void Serve();
  void CloseDown();
  void Log(LogLevel level, std::string_view line) { log_.Write(level, line); }

  Options options_;
  ServerLog log_;
  bool supervised_ = false;
  std::string pidfile_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Listener> listener_;
  std::atomic<bool> shutdown_asked_{false};
};

int Program::Run(std::span<const std::string_view> arguments) {
  if (!Configure(arguments) || !Detach()) return 1;
  HandleSignals();
  Log(LogLevel::kWarning, "oO0OoO0OoO0Oo Larder is starting oO0OoO0OoO0Oo");
  Log(LogLevel::kWarning, absl::StrCat("Larder version=", LARDER_VERSION, ", for clients Redis version=7.0.15, bits=",
                                       sizeof(void*) * 8, ", pid=", getpid(), ", just started"));
  if (arguments.empty()) {
    Log(LogLevel::kWarning,
        "Warning: no config file specified, using the default config. In order to specify a config file use "
        "larder-server /path/to/redis.conf");
  } else {
    Log(LogLevel::kWarning, "Configuration loaded");
  }
  if (!FitDescriptors()) return 1;
  log_.set_role('M');
  if (!Open()) return 1;
  LogReady();
  Serve();
  CloseDown();
  return 0;
}

bool Program::Configure(std::span<const std::string_view> arguments) {
  options_.bind = {"*", "-::*"};
  options_.authentication_timeout = 0;
  absl::Status status = ApplyArguments(options_, arguments);
  if (!status.ok()) {
    fprintf(stderr, "\n*** FATAL CONFIG FILE ERROR (Larder " LARDER_VERSION ") ***\n%s\n", Text(status).c_str());
    return false;
  }
  if (!options_.dir.empty() && chdir(options_.dir.c_str()) != 0) {
    fprintf(stderr, "\n*** FATAL CONFIG FILE ERROR (Larder " LARDER_VERSION ") ***\nCan't chdir to '%s': %s\n",
            options_.dir.c_str(), strerror(errno));
    return false;
  }
  log_.Configure(options_.logfile, options_.loglevel);
  if (const std::string problem = log_.Problem(); !problem.empty()) {
    fprintf(stderr, "\n*** FATAL CONFIG FILE ERROR (Larder " LARDER_VERSION ") ***\n%s\n", problem.c_str());
    return false;
  }
  return true;
}

bool Program::Detach() {
  supervised_ = IsSupervised(options_.supervised);
  const bool daemonize = options_.daemonize && !supervised_;
  if (daemonize) Daemonize();
  pidfile_ = options_.pidfile;
  if (pidfile_.empty() && daemonize) pidfile_ = "/var/run/redis.pid";
  if (!pidfile_.empty() && !WritePidFile(pidfile_)) {
    Log(LogLevel::kNotice, absl::StrCat("Failed to write PID file: ", strerror(errno)));
    pidfile_.clear();
  }
  g_pidfile.Remember(pidfile_);
  return true;
}

bool Program::FitDescriptors() {
  uint64_t granted = 0;
  const uint32_t fitting = RaiseDescriptorLimit(options_.maxclients, &granted);
  if (fitting >= options_.maxclients) return true;
  if (fitting == 0) {
    Log(LogLevel::kWarning,
        absl::StrCat("Your current 'ulimit -n' of ", granted, " is not enough for the server to start. Please increase "
                     "your open file limit to at least ", options_.maxclients + kReservedDescriptors, ". Exiting."));
    return false;
  }
  Log(LogLevel::kWarning,
      absl::StrCat("maxclients has been reduced to ", fitting, " from ", options_.maxclients,
                   ": the system grants no more descriptors. If you need higher maxclients increase 'ulimit -n'."));
  options_.maxclients = fitting;
  return true;
}

bool Program::Open() {
  // The loop does everything, so that the process has one thread, and no request ever waits for another.
  options_.background = Background::kLoop;
  options_.log = [this](LogLevel level, std::string_view line) { Log(level, line); };
  options_.on_shutdown = [this](const ShutdownRequest& request) {
    if (request.save) return absl::UnimplementedError("SHUTDOWN SAVE is refused: there is no persistence yet");
    shutdown_asked_ = true;
    if (Listener* listener = g_listener.load()) listener->EndRun();
    return absl::OkStatus();
  };
  absl::StatusOr<std::unique_ptr<Cache>> cache = Cache::Open(options_);
  if (!cache.ok()) {
    Log(LogLevel::kWarning, absl::StrCat("Fatal: ", Text(cache.status())));
    return false;
  }
  cache_ = *std::move(cache);
  ListenerOptions listener_options;
  listener_options.own_thread = false;
  listener_options.takes_unixsocket = true;
  listener_options.host_keeps.clear();  // its clients are its operators
#ifdef LARDER_SERVER_TLS
  listener_options.tls = &Tls();
#endif
#ifdef LARDER_WITH_URING
  listener_options.io_uring = &Uring();
#endif
  absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Start(*cache_, listener_options);
  if (!listener.ok()) {
    const std::string problem = Text(listener.status());
    if (problem.starts_with("Failed to configure TLS")) {
      Log(LogLevel::kWarning, problem);
      return false;
    }
    if (problem.starts_with("none of the addresses")) {
      Log(LogLevel::kWarning, "Configured to not listen anywhere, exiting.");
      return false;
    }
    Log(LogLevel::kWarning, absl::StrCat("Warning: Could not create server listening socket ", problem));
    Log(LogLevel::kWarning, absl::StrCat("Failed listening on port ", options_.port, " (TCP), aborting."));
    return false;
  }
  listener_ = *std::move(listener);
  g_listener.store(listener_.get());
  g_unixsocket.Remember(options_.unixsocket);
  return true;
}

void Program::LogReady() {
  const int port = listener_->port() != 0 ? listener_->port() : listener_->tls_port();
  if (options_.logfile.empty() && (options_.always_show_logo || isatty(STDOUT_FILENO))) PrintBanner(port);
  Log(LogLevel::kNotice, absl::StrCat("Running mode=standalone, port=", port, ". PID: ", getpid()));
  Log(LogLevel::kWarning, "Server initialized");
  if (port != 0) Log(LogLevel::kNotice, "Ready to accept connections");
  if (!options_.unixsocket.empty()) {
    Log(LogLevel::kNotice, absl::StrCat("The server is now ready to accept connections at ", options_.unixsocket));
  }
  if (supervised_) Notify("STATUS=Ready to accept connections\nREADY=1\n");
}

void Program::Serve() {
  if (g_signal.load() != 0) return;  // it came before there was a listener to stop
  const absl::Status status = listener_->Run();
  if (!status.ok()) Log(LogLevel::kWarning, absl::StrCat("The event loop has failed: ", Text(status)));
}

void Program::CloseDown() {
  const int signal_number = g_signal.load();
  if (signal_number != 0) {
    Log(LogLevel::kWarning, absl::StrCat("Received ", signal_number == SIGINT ? "SIGINT" : "SIGTERM",
                                         " scheduling shutdown..."));
  }
  Log(LogLevel::kWarning, "User requested shutdown...");
  if (supervised_) Notify("STOPPING=1\n");
  if (!options_.unixsocket.empty()) Log(LogLevel::kNotice, "Removing the unix socket file.");
  g_listener.store(nullptr);
  listener_.reset();
  (void)cache_->Close(absl::InfiniteFuture());
  cache_.reset();
  if (!pidfile_.empty()) {
    Log(LogLevel::kNotice, "Removing the pid file.");
    unlink(pidfile_.c_str());
  }
  Log(LogLevel::kWarning, "Larder is now ready to exit, bye bye...");
}

int Main(int argc, char** argv) {
  std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1) {
    const std::string_view only = arguments[0];
    if (only == "-v" || only == "--version") {
      printf("Larder server v=%s redis=7.0.15 bits=%d\n", LARDER_VERSION, static_cast<int>(sizeof(void*) * 8));
      return 0;
    }
    if (only == "-h" || only == "--help") {
      fputs(kUsage, stdout);
      return 0;
    }
  }
  if (!arguments.empty() && (arguments[0] == "--test-memory" || arguments[0] == "--check-system")) {
    fprintf(stderr, "larder-server has no %.*s\n", static_cast<int>(arguments[0].size()), arguments[0].data());
    return 1;
  }
  Program program;
  return program.Run(arguments);
}

}  // namespace
}  // namespace larder::inline v0::server

int main(int argc, char** argv) { return larder::server::Main(argc, argv); }
