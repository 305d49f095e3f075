// The listener behind <larder/net/listener.h>: a loop, a server on it, and how the cache reaches both.
//
//   listener.cc        what programs call                   listener_impl.cc   start, thread, background work
//   listener_where.cc  options                              listener_move.cc   CONFIG SET port, bind, tls-*
//                                                           listener_end.cc    Stop, Close, a forked child
#ifndef LARDER_NET_LISTENER_IMPL_H_
#define LARDER_NET_LISTENER_IMPL_H_

#include <pthread.h>

#include <algorithm>
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
#include "net/cache_service.h"
#include "net/io_backend.h"
#include "net/io_uring.h"
#include "net/listener_where.h"
#include "net/own_descriptors.h"
#include "net/server.h"

namespace larder::inline v0 {

// The cache's clock, if a program gave it one of its own, made never to go back. A loop cannot tell how fast that runs,
// so the listener keeps its timers short.
class CacheClock final : public ae::Clock {
 public:
  explicit CacheClock(larder::Clock& clock) : clock_(clock) {}
  int64_t NowUs() override {
    const int64_t now_us = std::clamp(clock_.NowUs(), -kEndUs, kEndUs);
    ahead_us_ = std::min(ahead_us_ + std::max<int64_t>(last_us_ - now_us, 0), 2 * kEndUs);
    last_us_ = now_us;
    return now_us + ahead_us_;
  }
  bool Manual() const override { return false; }

 private:
  // A clock may be set to the first or the last moment that there is; the loop adds to what it is told.
  static constexpr int64_t kEndUs = INT64_MAX / 8;

  larder::Clock& clock_;
  int64_t last_us_ = -kEndUs;
  int64_t ahead_us_ = 0;
};

class Listener::Impl final : public core::ListenerHook {
 public:
  // The clients and who serves them. They are taken out of the engine as one, when nobody else is inside of it: at once if
  // that can be had, else by whoever closes the cache, who may outlive the loop.
  struct Served final : core::SessionEnd {
    Served(core::CacheCore& core, ae::EventLoop& loop, net::IoBackend& backend,
           std::unique_ptr<engine::ClientPolicy> p, net::OwnDescriptors* descriptors)
        : policy(std::move(p)), service(core, loop, policy.get()), server(loop, backend, service, descriptors) {}
    void End() override { server.EndClients(); }

    std::unique_ptr<engine::ClientPolicy> policy;
    net::CacheService service;
    net::Server server;
  };

  explicit Impl(core::CacheCore& core) : core_(core), clock_(core.clock()) {}
  ~Impl() { Stop(); }

  absl::Status Start(Where where, std::unique_ptr<engine::ClientPolicy> policy, bool own_thread);
  void Stop();

  // The caller's loop. False: there is nothing to be polled any more.
  bool EnterLoop();
  bool has_own_thread() const { return own_thread_; }
  // REQUIRES: not in a forked child.
  bool HasStopped() {
    const std::lock_guard<std::mutex> lock(stop_mutex_);
    return stopped_;
  }
  void LeaveLoop();

  bool Forked() const { return core_.executor().Forked(); }
  // In a forked child. Once.
  void CloseInChild();

  // ListenerHook.
  bool StopForClose(int64_t deadline_us) override;
  void EndForClose() override;
  void AppendName(base::Line* to) const override;
  void WakeForBackground() override {
    background_.store(true, std::memory_order_release);
    loop_->WakeUp();
  }
  absl::Status PrepareRelisten(const Options& changed, bool tls, engine::ListenerPart* failed) override;
  void FinishRelisten(bool all) override;
  uint32_t FittingClients(uint32_t wanted) const override { return net::FittingClients(wanted, reserved_descriptors_); }
  std::string_view poller_name() const override { return poller_; }
  int tcp_port() const override {
    const int plain = port(false);
    return plain != 0 ? plain : port(true);
  }

  int port(bool tls) const { return sides_[tls].port.load(std::memory_order_relaxed); }

  ae::EventLoop& loop() { return *loop_; }
  absl::Status Run();
  // False: there are not so many.
  bool Address(size_t i, net::SocketName* name) const {
    const std::lock_guard<std::mutex> lock(sockets_mutex_);
    for (const Side& side : sides_) {
      if (i < side.sockets.size()) {
        *name = side.sockets[i].name;
        return true;
      }
      i -= side.sockets.size();
    }
    if (i != 0 || where_.unixsocket.empty()) return false;
    *name = net::SocketName(where_.unixsocket);
    return true;
  }

 private:
  struct Known {
    int fd;  // open at least until the loop has taken new ones
    net::SocketName name;
  };
  // Where it listens on one kind of TCP.
  struct Side {
    std::atomic<int> port{0};
    std::vector<Known> sockets;
    std::vector<net::ListeningSocket> fresh;
    bool has_fresh = false;
    bool watch_again = false;
  };
  // What PrepareRelisten has prepared for one.
  struct Move {
    bool moves = false;
    bool shut = false;  // the sockets that were in the way
    int directive = 0;
    std::vector<net::ListeningSocket> sockets;
    std::vector<Known> known;
  };
  struct Moves {
    Move sides[2];
    std::vector<std::string> bind;
    std::unique_ptr<const directives::ListenerPlace> place;  // null: nothing moves
    std::shared_ptr<net::ChannelFactory> channels;
  };

  absl::Status Open(Where where, std::unique_ptr<engine::ClientPolicy> policy);
  absl::Status MakeServer(std::unique_ptr<engine::ClientPolicy> policy);
  absl::Status FitClients();
  absl::Status Prepare(const Options& changed, bool tls, Moves* moves, engine::ListenerPart* failed);
  absl::Status PrepareMove(bool tls, const std::vector<std::string>& bind, int port, Move* move);
  int ShownPort(bool tls, int port, int directive) const;
  std::unique_ptr<const directives::ListenerPlace> MakePlace(const std::vector<std::string>& bind, int port,
                                                             int tls_port) const;
  void PutInForce(Moves& moves);
  void Drop(Moves& moves, std::unique_lock<std::mutex>& lock);
  void Restore(bool tls, std::unique_lock<std::mutex>& lock);
  static std::vector<Known> KnownOf(const std::vector<net::ListeningSocket>& sockets);
  void TellLoop();
  void TakeNews();
  void TakeSockets();
  absl::Status StartThread();
  void StopServing();
  void RunBackground();
  static int64_t OnBackground(ae::EventLoop& loop, int64_t id, void* data);
  static void* ThreadMain(void* arg);

  core::CacheCore& core_;
  CacheClock clock_;
  bool own_clock_ = false;
  std::unique_ptr<ae::EventLoop> loop_;
  net::SystemCallBackend system_calls_;
  std::unique_ptr<net::IoBackend> uring_backend_;  // if the loop's poller is io_uring
  std::unique_ptr<Served> served_;
  ae::Hook background_hook_;
  int64_t background_event_ = 0;
  std::atomic<bool> background_{false};

  net::OwnDescriptors descriptors_;
  std::atomic<bool> closed_in_child_{false};

  // How it ends. Who stops it asks the loop's thread to, and waits; only that thread takes the server out of its loop.
  mutable std::mutex stop_mutex_;
  std::condition_variable stopped_changed_;  // stopped_, thread_over_
  bool stop_asked_ = false;
  bool stopping_here_ = false;  // on the caller's thread, between two turns
  bool stopped_ = false;        // nobody is served any more; sessions may be left to be ended
  bool own_thread_ = false;
  bool thread_over_ = false;
  bool joined_ = false;
  pthread_t thread_;
  pthread_t loop_thread_ = pthread_self();  // the caller's, that has polled last
  int inside_ = 0;                          // how many turns of the caller's are running, one within the other
  std::mutex end_mutex_;                    // guards the end of served_

  std::string_view poller_;
  uint32_t reserved_descriptors_ = 0;  // of the process's, not for clients; as Start found it

  // Where it listens. PrepareRelisten opens sockets on any thread; once they are in force the loop takes them over in its
  // next turn.
  ae::Hook news_hook_;
  mutable std::mutex sockets_mutex_;
  Where where_;
  Side sides_[2];  // plain, TLS
  Moves moves_;    // between PrepareRelisten and FinishRelisten
  std::shared_ptr<net::ChannelFactory> fresh_channels_;
  bool takes_no_more_ = false;  // it has stopped
  std::atomic<bool> has_news_{false};  // of the above, or stop_asked_, for the loop
};

}  // namespace larder::inline v0

#endif  // LARDER_NET_LISTENER_IMPL_H_
