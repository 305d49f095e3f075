// Connection: a client's socket, and where it stands: which lists it is in, and what it may do next. The server
// (server.h) moves it. It is
//
//   in lists     in that of all connections, the oldest interaction first (for `timeout`), and, when it is so marked,
//                in those of connections to be read, parsed, run and flushed in this turn.
//   running      when it is new, or has parsed requests: its session is with the executor, or will be with the next
//                batch. Nothing of the session may be touched, so the socket is not read: if it gets ready, it is not
//                watched until the requests have run.
//   closing      when it is closed for its peer, and kept until the executor has ended its session, after which no
//                thread can wake it any more.
#ifndef LARDER_NET_CONNECTION_H_
#define LARDER_NET_CONNECTION_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "lib/base/intrusive_list.h"
#include "net/channel.h"
#include "net/service.h"
#include "net/socket.h"

namespace larder::inline v0::net {

struct Connection;

// The connections that were woken from other threads. It is a stack: any thread pushes to it, and the loop empties it.
class WokenList {
 public:
  // Returns true if the loop has to be told.
  bool Push(Connection& connection);
  Connection* TakeAll();  // linked by next_woken, in the order in which they were pushed

 private:
  std::atomic<Connection*> first_{nullptr};
};

class WokenListener {
 public:
  virtual void WakeServer() = 0;
  WokenList woken;

 protected:
  ~WokenListener() = default;
};

struct Connection final : public session::SessionEvents {
  explicit Connection(WokenListener* listener) : owner(listener) {}

  void SessionWoken() override {
    if (owner->woken.Push(*this)) owner->WakeServer();
  }

  WokenListener* const owner;
  std::unique_ptr<Client> client;
  std::unique_ptr<Channel> channel;  // null: bytes go between socket and client as they are
  int64_t last_interaction_us = 0;
  int64_t over_soft_limit_since_us = 0;  // 0: its output is not over the soft limit
  int64_t stranger_since_us = 0;  // the admission timeout counts from here

  Fd fd;
  bool tcp = false;
  bool to_read = false;       // this and the next two: it is in the server's list of that name
  bool to_parse = false;
  bool to_flush = false;
  bool running = false;
  bool input_left = false;    // the quota ran out, and its client has more input
  bool unwatched = false;     // its socket got ready while it was running
  bool at_end = false;        // the peer will send no more
  bool closing = false;
  bool blocked = false;       // the peer takes no more at present: watched for room
  bool has_room = false;      // the peer takes more now
  std::atomic<bool> is_woken{false};  // it is in the woken list; any thread writes it

  base::ListLinks<Connection> by_age;  // all connections, by last_interaction_us
  Connection* next_closing = nullptr;
  Connection* next_woken = nullptr;
};

// 10,000 idle connections shall cost less than 1 KB each, of which this is a part. malloc rounds it up to 16 bytes.
static_assert(sizeof(Connection) <= 104 || sizeof(void*) != 8);

// All connections; the one that was silent for longest comes first.
class ConnectionList {
 public:
  Connection* oldest() const { return list_.front(); }
  static Connection* NextOldest(const Connection& connection) { return connection.by_age.next; }
  size_t size() const { return size_; }
  void Append(Connection& connection) {
    list_.PushBack(connection);
    ++size_;
  }
  void Remove(Connection& connection) {
    list_.Remove(connection);
    --size_;
  }
  void Touch(Connection& connection, int64_t now_us) {
    connection.last_interaction_us = now_us;
    if (list_.back() == &connection) return;
    list_.Remove(connection);
    list_.PushBack(connection);
  }

 private:
  base::IntrusiveList<Connection, &Connection::by_age> list_;
  size_t size_ = 0;
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_CONNECTION_H_
