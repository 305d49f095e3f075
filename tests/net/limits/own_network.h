// A network that belongs to one test: a namespace of its own, in which it may do what needs privileges, whoever runs
// it.
#ifndef LARDER_TESTS_NET_LIMITS_OWN_NETWORK_H_
#define LARDER_TESTS_NET_LIMITS_OWN_NETWORK_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace larder {

// An address of the own network that is not a loopback one.
inline constexpr char kOwnAddress[] = "192.0.2.10";

namespace own_network {

inline bool WriteFile(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  const bool written = fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) close(fd);
  return written;
}

// Where this process has no privileges, in a user namespace, as whose root it keeps those that it has there.
inline bool Unshare() {
  if (unshare(CLONE_NEWNET) == 0) return true;
  const std::string uid = std::to_string(getuid()), gid = std::to_string(getgid());
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  return WriteFile("/proc/self/setgroups", "deny") && WriteFile("/proc/self/uid_map", "0 " + uid + " 1") &&
         WriteFile("/proc/self/gid_map", "0 " + gid + " 1");
}

inline bool Configure(int fd, const char* interface, const char* address) {
  ifreq request{};
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  if (address != nullptr) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    inet_pton(AF_INET, address, &in.sin_addr);
    memcpy(&request.ifr_addr, &in, sizeof(in));
    if (ioctl(fd, SIOCSIFADDR, &request) != 0) return false;
  }
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

inline bool SetUp() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool done = Configure(fd, "lo", nullptr) && Configure(fd, "lo:1", kOwnAddress);
  close(fd);
  return done;
}

}  // namespace own_network

// To be called first in main: runs the program once more in a network of its own, and ends with its result. Returns
// true in that one; false if it cannot be had here, and then says so.
inline bool EnterOwnNetwork(char** argv) {
  constexpr char kEntered[] = "LARDER_OWN_NETWORK";
  constexpr int kRefused = 125;
  if (getenv(kEntered) != nullptr) return true;
  // Not fork(), in which ThreadSanitizer starts a thread; a process with threads cannot change its user namespace.
  const pid_t child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child == 0) {
    if (!own_network::Unshare() || !own_network::SetUp()) _exit(kRefused);
    setenv(kEntered, "1", 1);
    execv("/proc/self/exe", argv);
    _exit(kRefused);
  }
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  if (child > 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == kRefused)) {
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  }
  printf("NOT RUN: there are no network namespaces here, so nothing is seen of strangers and of peers that are gone\n");
  return false;
}

}  // namespace larder

#endif  // LARDER_TESTS_NET_LIMITS_OWN_NETWORK_H_
