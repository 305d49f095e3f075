// ListenerPlaces: where a listener listens, and how CONFIG SET port, bind and tls-* change that.
//
// The change has the two steps of ListenerHook: first all that may fail, on the thread of whoever sets; then, if all
// listeners of the cache can, the loop takes over. Sockets that are prepared are bound and listen already: who connects
// to one that is dropped again is closed.
//
// Threads: Prepare and Finish from any; Take from the loop's; Start before another thread knows the listener.
#ifndef LARDER_NET_LISTENER_PLACES_H_
#define LARDER_NET_LISTENER_PLACES_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "lib/core/core.h"
#include "lib/engine/client_policy.h"
#include "net/ae/ae.h"
#include "net/listener_where.h"
#include "net/own_descriptors.h"
#include "net/server.h"

namespace larder::inline v0 {

// Something waits for the loop's thread: other sockets, or that it is to stop.
class LoopNews {
 public:
  void set_loop(ae::EventLoop* loop) { loop_ = loop; }
  void Tell() {
    there_.store(true, std::memory_order_release);
    loop_->WakeUp();
  }
  // On the loop's thread. True once for what was told.
  bool Take() {
    // Looked at first: an exchange in each turn would be a locked one.
    return there_.load(std::memory_order_acquire) && there_.exchange(false, std::memory_order_acq_rel);
  }

 private:
  ae::EventLoop* loop_ = nullptr;
  std::atomic<bool> there_{false};
};

class ListenerPlaces {
 public:
  // All outlive it. What it opens and closes is written down in `descriptors`.
  ListenerPlaces(core::CacheCore& core, net::OwnDescriptors& descriptors, LoopNews& news)
      : core_(core), descriptors_(descriptors), news_(news) {}

  // Listens, and hands the sockets to the server. `policy` shows to clients where that is; it lives until Stop. It may
  // throw.
  absl::Status Start(Where where, engine::ClientPolicy* policy, net::Server& server);
  // Nothing changes any more, and nothing is handed to the server.
  void Stop();

  // The two steps of ListenerHook's Relisten.
  absl::Status Prepare(const Options& changed, bool tls, engine::ListenerPart* failed);
  void Finish(bool all);
  // On the loop's thread: the server gets what Finish has put in force.
  void Take(net::Server& server);

  // 0: none. Any thread.
  int port(bool tls) const { return tcp_[tls].port.load(std::memory_order_relaxed); }
  // False: there are not so many. Any thread.
  bool Address(size_t i, net::SocketName* name) const;

 private:
  struct Known {
    int fd;  // open at least until the loop has taken new ones
    net::SocketName name;
  };
  // Where it listens on one kind of TCP.
  struct TcpPlace {
    std::atomic<int> port{0};
    std::vector<Known> sockets;
    std::vector<net::ListeningSocket> fresh;
    bool has_fresh = false;
    bool watch_again = false;
  };
  // What Prepare has prepared for one.
  struct Move {
    bool moves = false;
    bool shut = false;  // the sockets that were in the way
    int directive = 0;
    std::vector<net::ListeningSocket> sockets;
    std::vector<Known> known;
  };
  struct Moves {
    Move tcp[2];
    std::vector<std::string> bind;
    std::unique_ptr<const directives::ListenerPlace> place;  // null: nothing moves
    std::shared_ptr<net::ChannelFactory> channels;
  };

  absl::Status PrepareAll(const Options& changed, bool tls, Moves* moves, engine::ListenerPart* failed);
  absl::Status PrepareMove(bool tls, const std::vector<std::string>& bind, int port, Move* move);
  int ShownPort(bool tls, int port, int directive) const;
  std::unique_ptr<const directives::ListenerPlace> MakePlace(const std::vector<std::string>& bind, int port,
                                                             int tls_port) const;
  void PutInForce(Moves& moves);
  void Drop(Moves& moves, std::unique_lock<std::mutex>& lock);
  void Restore(bool tls, std::unique_lock<std::mutex>& lock);
  static std::vector<Known> KnownOf(const std::vector<net::ListeningSocket>& sockets);

  core::CacheCore& core_;
  net::OwnDescriptors& descriptors_;
  LoopNews& news_;
  engine::ClientPolicy* policy_ = nullptr;

  mutable std::mutex mutex_;
  Where where_;
  TcpPlace tcp_[2];  // plain, TLS
  Moves moves_;      // between Prepare and Finish
  std::shared_ptr<net::ChannelFactory> fresh_channels_;
  bool stopped_ = false;
};

}  // namespace larder::inline v0

#endif  // LARDER_NET_LISTENER_PLACES_H_
