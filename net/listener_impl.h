// The listener behind <larder/net/listener.h>: a loop, a server on it, and how the cache reaches both.
//
//   listener.cc        what programs call           listener_impl.cc     start, and a thread of its own
//   listener_where.cc  options                      listener_end.cc      Stop, Close, a forked child
//   loop_background.h  the cache's background work  listener_places.h    its sockets, CONFIG SET port, bind, tls-*
//   cache_clock.h      a program's clock
#ifndef LARDER_NET_LISTENER_IMPL_H_
#define LARDER_NET_LISTENER_IMPL_H_

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include <larder/net/listener.h>
#include "lib/base/fixed_text.h"
#include "lib/core/core.h"
#include "lib/engine/client_policy.h"
#include "net/ae/ae.h"
#include "net/cache_clock.h"
#include "net/cache_service.h"
#include "net/io_backend.h"
#include "net/io_uring.h"
#include "net/listener_places.h"
#include "net/listener_where.h"
#include "net/loop_background.h"
#include "net/own_descriptors.h"
#include "net/server.h"

namespace larder::inline v0 {

class Listener::Impl final : public core::ListenerHook {
 public:
  // The clients with the server and service of theirs. They are taken out of the engine together, when nobody else is
  // inside of it: at once if that is possible, and otherwise by the thread that closes the cache, which may outlive the
  // loop.
  struct Served final : core::SessionEnd {
    Served(core::CacheCore& core, ae::EventLoop& loop, net::IoBackend& backend,
           std::unique_ptr<engine::ClientPolicy> p, net::OwnDescriptors* descriptors)
        : policy(std::move(p)), service(core, loop, policy.get()), server(loop, backend, service, descriptors) {}
    void End() override { server.EndClients(); }

    std::unique_ptr<engine::ClientPolicy> policy;
    net::CacheService service;
    net::Server server;
  };

  explicit Impl(core::CacheCore& core)
      : core_(core), clock_(core.clock()), background_(core), places_(core, descriptors_, news_) {}
  ~Impl() { Stop(); }

  absl::Status Start(Where where, std::unique_ptr<engine::ClientPolicy> policy, bool own_thread);
  void Stop();

  // The caller's thread enters its loop. Returns false if there is nothing to be polled any more.
  bool EnterLoop();
  bool has_own_thread() const { return own_thread_; }
  // REQUIRES: not in a forked child.
  bool HasStopped() {
    const std::lock_guard<std::mutex> lock(stop_mutex_);
    return stopped_;
  }
  void LeaveLoop();

  bool Forked() const { return core_.executor().Forked(); }
  // Closes the child's copies of all descriptors. REQUIRES: in a forked child. To call it again does nothing.
  void CloseInChild();

  // ListenerHook.
  bool StopForClose(int64_t deadline_us) override;
  void EndForClose() override;
  void AppendName(base::Line* to) const override;
  void WakeForBackground() override { background_.Wake(); }
  absl::Status PrepareRelisten(const Options& changed, bool tls, engine::ListenerPart* failed) override {
    return places_.Prepare(changed, tls, failed);
  }
  void FinishRelisten(bool all) override { places_.Finish(all); }
  uint32_t FittingClients(uint32_t wanted) const override { return net::FittingClients(wanted, reserved_descriptors_); }
  std::string_view poller_name() const override { return poller_; }
  int tcp_port() const override {
    const int plain = port(false);
    return plain != 0 ? plain : port(true);
  }

  int port(bool tls) const { return places_.port(tls); }
  bool Address(size_t i, net::SocketName* name) const { return places_.Address(i, name); }

  ae::EventLoop& loop() { return *loop_; }
  absl::Status Run();

 private:
  absl::Status MakeServer(Where& where, std::unique_ptr<engine::ClientPolicy> policy);
  absl::Status FitClients();
  void OnNews();
  absl::Status StartThread();
  void StopServing();
  static void* ThreadMain(void* arg);

  core::CacheCore& core_;
  CacheClock clock_;
  std::unique_ptr<ae::EventLoop> loop_;
  net::SystemCallBackend system_calls_;
  std::unique_ptr<net::IoBackend> uring_backend_;  // if the loop's poller is io_uring
  std::unique_ptr<Served> served_;
  LoopBackground background_;

  net::OwnDescriptors descriptors_;
  std::atomic<bool> closed_in_child_{false};

  // How it ends. A thread that stops it asks the loop's thread to do it, and waits. Only the loop's thread takes the
  // server out of its loop.

  mutable std::mutex stop_mutex_;
  std::condition_variable stopped_changed_;  // stopped_, thread_over_
  bool stop_asked_ = false;
  bool stopping_here_ = false;  // the caller's thread stops it, between two turns
  bool stopped_ = false;        // nobody is served any more; sessions may be left to be ended
  bool own_thread_ = false;
  bool thread_over_ = false;
  bool joined_ = false;
  pthread_t thread_;
  pthread_t loop_thread_ = pthread_self();  // the thread that has polled the caller's loop last
  int inside_ = 0;                          // how many turns of the caller's are running, one within the other
  std::mutex end_mutex_;                    // guards the end of served_

  std::string_view poller_;
  uint32_t reserved_descriptors_ = 0;  // how many of the process clients cannot have, as Start found it

  LoopNews news_;  // places_ has new sockets, or stop_asked_ is true
  ae::Hook news_hook_;
  ListenerPlaces places_;
};

}  // namespace larder::inline v0

#endif  // LARDER_NET_LISTENER_IMPL_H_
