// What /proc says of this process's descriptors and threads.
#ifndef LARDER_TESTS_NET_PROC_ENTRIES_H_
#define LARDER_TESTS_NET_PROC_ENTRIES_H_

#include <dirent.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

namespace larder {

// The names in a folder of /proc, without the descriptor that reads it.
inline std::set<std::string> Entries(const char* path) {
  std::set<std::string> names;
  DIR* const dir = opendir(path);
  while (const dirent* entry = readdir(dir)) names.insert(entry->d_name);
  names.erase(std::to_string(dirfd(dir)));
  closedir(dir);
  return names;
}

// Whether no thread is left but some of these. One that has been joined may be listed for another moment.
inline bool OnlyTasksOf(const std::set<std::string>& before) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  do {
    const std::set<std::string> now = Entries("/proc/self/task");
    if (std::includes(before.begin(), before.end(), now.begin(), now.end())) return true;
    sched_yield();
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace larder

#endif  // LARDER_TESTS_NET_PROC_ENTRIES_H_
