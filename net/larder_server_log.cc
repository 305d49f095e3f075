#include "net/larder_server_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

namespace larder::inline v0::server {
namespace {

int OpenLog(const std::string& file) { return open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644); }

void WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // a log has nowhere to report to
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace

void ServerLog::Write(LogLevel level, std::string_view line) {
  if (level < level_) return;
  timeval now;
  gettimeofday(&now, nullptr);
  tm local;
  localtime_r(&now.tv_sec, &local);
  char date[64];
  const size_t date_length = strftime(date, sizeof(date), "%d %b %Y %H:%M:%S", &local);
  char head[128];
  const int head_length = snprintf(head, sizeof(head), "%d:%c %.*s.%03d %c ", static_cast<int>(getpid()), role_,
                                   static_cast<int>(date_length), date, static_cast<int>(now.tv_usec / 1000),
                                   ".-*#"[static_cast<int>(level)]);
  std::string text(head, static_cast<size_t>(head_length));
  text.append(line).append("\n");
  const std::lock_guard<std::mutex> lock(mutex_);
  if (file_.empty()) return WriteAll(STDOUT_FILENO, text);
  const int fd = OpenLog(file_);
  if (fd < 0) return;
  WriteAll(fd, text);
  close(fd);
}

std::string ServerLog::Problem() const {
  if (file_.empty()) return "";
  const int fd = OpenLog(file_);
  if (fd < 0) return "Can't open the log file: " + std::string(strerror(errno));
  close(fd);
  return "";
}

}  // namespace larder::inline v0::server
