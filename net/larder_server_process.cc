#include "net/larder_server_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

namespace larder::inline v0::server {
void Daemonize() {
  const pid_t child = fork();
  if (child != 0) _exit(child > 0 ? 0 : 1);
  setsid();
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, stream);
  if (null > STDERR_FILENO) close(null);
}

uint32_t RaiseDescriptorLimit(uint32_t maxclients, uint64_t* granted) {
  const rlim_t wanted = maxclients + kReservedDescriptors;
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return maxclients;
  // The soft limit is raised to the hard limit, so that CONFIG SET maxclients may go as far later. The hard limit is
  // raised too, if it is too low and this process may. If the system refuses so high a soft limit, it is set to what is
  // wanted now.
  rlimit raised = limit;
  const rlim_t highest = std::max(limit.rlim_max, wanted);
  for (const rlimit& attempt : {rlimit{highest, highest}, rlimit{limit.rlim_max, limit.rlim_max},
                                rlimit{std::min(limit.rlim_max, wanted), limit.rlim_max}}) {
    if (attempt.rlim_cur <= limit.rlim_cur || setrlimit(RLIMIT_NOFILE, &attempt) != 0) continue;
    raised = attempt;
    break;
  }
  *granted = raised.rlim_cur;
  if (raised.rlim_cur >= wanted) return maxclients;
  return raised.rlim_cur <= kReservedDescriptors ? 0 : static_cast<uint32_t>(raised.rlim_cur - kReservedDescriptors);
}

bool WritePidFile(const std::string& path) {
  FILE* file = fopen(path.c_str(), "we");
  if (file == nullptr) return false;
  const bool written = fprintf(file, "%d\n", static_cast<int>(getpid())) > 0;
  return fclose(file) == 0 && written;
}

void OwnFile::Remember(const std::string& path) {
  struct stat there;
  if (path.empty() || path.size() >= sizeof(path_) || lstat(path.c_str(), &there) != 0) return;
  memcpy(path_, path.c_str(), path.size() + 1);
  device_ = there.st_dev;
  inode_ = there.st_ino;
  known_.store(true);
}

void OwnFile::Remove() const {
  struct stat there;
  if (!known_.load() || lstat(path_, &there) != 0) return;
  if (there.st_dev == device_ && there.st_ino == inode_) unlink(path_);
}

bool Notify(std::string_view state) {
  const char* path = getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t length = strlen(path);
  if (length >= sizeof(address.sun_path)) return false;
  memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';  // Linux's abstract names
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  const ssize_t sent =
      sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), size);
  close(fd);
  return sent == static_cast<ssize_t>(state.size());
}

bool IsSupervised(Supervised supervised) {
  const bool systemd = getenv("NOTIFY_SOCKET") != nullptr;
  const bool upstart = getenv("UPSTART_JOB") != nullptr;
  switch (supervised) {
    case Supervised::kNo:
      return false;
    case Supervised::kAuto:
      return systemd || upstart;
    case Supervised::kUpstart:
      if (upstart) {
        raise(SIGSTOP);  // upstart waits for this
        unsetenv("UPSTART_JOB");
      }
      return upstart;
    case Supervised::kSystemd:
      return systemd;
  }
  return false;
}

}  // namespace larder::inline v0::server
