// Somebody else's event loop with a listener inside, as tests need one: every loop by the same interface.
#ifndef LARDER_TESTS_NET_HOSTS_HOST_H_
#define LARDER_TESTS_NET_HOSTS_HOST_H_

#include <larder/net/listener.h>

#include <functional>
#include <memory>
#include <utility>

namespace larder {

// Threads: the one that made it.
class Host {
 public:
  virtual ~Host() = default;

  // By the adapter of tests/examples that users copy.
  virtual void Attach(Listener& listener) = 0;
  virtual void Detach() = 0;

  // Runs the host's loop until `done`, which a timer of the host's asks each millisecond, inside of the loop. So a loop
  // that the listener held up would never end.
  void RunUntil(std::function<bool()> done) {
    done_ = std::move(done);
    Run();
  }

 protected:
  virtual void Run() = 0;
  bool Done() { return done_(); }  // what that timer asks

 private:
  std::function<bool()> done_;
};

// The one that this test is linked with. (One a program: libev brings libevent's functions too, for programs written
// for that, and they are not the same.)
std::unique_ptr<Host> MakeHost();

}  // namespace larder

#endif  // LARDER_TESTS_NET_HOSTS_HOST_H_
