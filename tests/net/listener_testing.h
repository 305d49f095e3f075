// What the tests of a listener share: a cache with a listener in front of it, by epoll or, in another run, by io_uring.
#ifndef LARDER_TESTS_NET_LISTENER_TESTING_H_
#define LARDER_TESTS_NET_LISTENER_TESTING_H_

#include <larder/net/listener.h>
#include <larder/net/uring.h>

#include <stdlib.h>

#include <set>
#include <string>

#include "tests/net/listener_fixture.h"
#include "tests/net/proc_entries.h"

namespace larder {

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
