// ListenerPlaces: where a listener listens, and how CONFIG SET port, bind and tls-* change that.
//
// The change has the two steps of ListenerHook. The first does all that may fail, on the thread that runs CONFIG SET.
// If it succeeds for all listeners of the cache, the loop takes the new sockets over. Prepared sockets are bound and
// listen already: if they are dropped again, connections made to them are closed.
//
// Threads: any thread may call Prepare and Finish, the loop's calls Take. Start comes before another thread knows the
// listener.
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

// A flag that tells the loop's thread that something waits for it: new sockets, or a request to stop.
class LoopNews {
 public:
  void set_loop(ae::EventLoop* loop) { loop_ = loop; }
  void Tell() {
    there_.store(true, std::memory_order_release);
    loop_->WakeUp();
  }
  // For the loop's thread. Returns true once after any number of Tell.
  bool Take() {
    // The flag is read before the exchange: an exchange is a locked instruction.
    return there_.load(std::memory_order_acquire) && there_.exchange(false, std::memory_order_acq_rel);
  }

 private:
  ae::EventLoop* loop_ = nullptr;
  std::atomic<bool> there_{false};
};

class ListenerPlaces {
 public:
  // The arguments must outlive it. It records in `descriptors` which descriptors it opens and closes.
  ListenerPlaces(core::CacheCore& core, net::OwnDescriptors& descriptors, LoopNews& news)
      : core_(core), descriptors_(descriptors), news_(news) {}

  // Listens, and hands the sockets to the server. `policy` shows their addresses to clients and must live until Stop.
  // Start may throw.
  absl::Status Start(Where where, engine::ClientPolicy* policy, net::Server& server);
  // After this nothing changes any more, and the server is handed nothing.
  void Stop();

  // The two steps of ListenerHook's Relisten.
  absl::Status Prepare(const Options& changed, bool tls, engine::ListenerPart* failed);
  void Finish(bool all);
  // For the loop's thread: gives the server what Finish has put in force.
  void Take(net::Server& server);

  // 0: none. Any thread.
  int port(bool tls) const { return tcp_[tls].port.load(std::memory_order_relaxed); }
  // Returns false if there are not so many. Any thread may call it.
  bool Address(size_t i, net::SocketName* name) const;

 private:
  struct Known {
    int fd;  // open at least until the loop has taken new ones
    net::SocketName name;
  };
  // The sockets of one kind of TCP, plain or TLS.
  struct TcpPlace {
    std::atomic<int> port{0};
    std::vector<Known> sockets;
    std::vector<net::ListeningSocket> fresh;
    bool has_fresh = false;
    bool watch_again = false;
  };
  // What Prepare has prepared for one kind of TCP.
  struct Move {
    bool moves = false;
    bool shut = false;  // the old sockets were in the way and are shut down
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
