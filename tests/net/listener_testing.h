// What the tests of a listener share: a cache with a listener in front of it, by epoll or, in another run, by io_uring.
#ifndef LARDER_TESTS_NET_LISTENER_TESTING_H_
#define LARDER_TESTS_NET_LISTENER_TESTING_H_

#include <larder/net/listener.h>
#include <larder/net/uring.h>

#include <dirent.h>
#include <stdlib.h>

#include <set>
#include <string>

#include "tests/net/listener_fixture.h"

namespace larder {

// The names in a folder of /proc, without the descriptor that reads it.
inline std::set<std::string> Entries(const char* path) {
  std::set<std::string> names;
  DIR* dir = opendir(path);
  while (const dirent* entry = readdir(dir)) names.insert(entry->d_name);
  names.erase(std::to_string(dirfd(dir)));
  closedir(dir);
  return names;
}

class ListenerTest : public ListenerFixture {
 protected:
  void SetUp() override {
    ListenerFixture::SetUp();
    if (getenv("LARDER_TEST_IO_URING") != nullptr) options_.ae_api = AeApi::kIoUring;
  }
  static ListenerOptions AnyPort() {
    ListenerOptions where = ListenerFixture::AnyPort();
    where.io_uring = &Uring();
    return where;
  }
  void Start(ListenerOptions where = AnyPort()) {
    where.io_uring = &Uring();
    where.host_keeps.clear();
    ListenerFixture::Start(where);
  }
};

}  // namespace larder

#endif  // LARDER_TESTS_NET_LISTENER_TESTING_H_
