#include "net/listener_places.h"

#include <errno.h>
#include <sys/socket.h>

#include <utility>

#include "lib/base/error_texts.h"
#include "lib/base/fixed_text.h"
#include "lib/base/guarded.h"
#include "lib/base/status.h"

namespace larder::inline v0 {

std::vector<ListenerPlaces::Known> ListenerPlaces::KnownOf(const std::vector<net::ListeningSocket>& sockets) {
  std::vector<Known> known;
  known.reserve(sockets.size());
  for (const net::ListeningSocket& socket : sockets) known.push_back({socket.fd.get(), socket.name});
  return known;
}

absl::Status ListenerPlaces::Start(Where where, engine::ClientPolicy* policy, net::Server& server) {
  where_ = std::move(where);
  policy_ = policy;
  size_t sockets = 0;
  for (bool tls : {false, true}) {
    const WhereTcp& wanted = where_.tcp[tls];
    if (!wanted.on) continue;
    absl::StatusOr<std::vector<net::ListeningSocket>> tcp = ListenOn(tls, where_.bind, wanted.port, where_.backlog);
    if (!tcp.ok()) return tcp.status();
    tcp_[tls].sockets = KnownOf(*tcp);
    tcp_[tls].port.store(tcp->empty() ? 0 : (*tcp)[0].port, std::memory_order_relaxed);
    sockets += tcp->size();
    const net::Server::Kind kind = tls ? net::Server::kTls : net::Server::kPlain;
    if (absl::Status status = server.Start(kind, *std::move(tcp)); !status.ok()) return status;
  }
  if (!where_.unixsocket.empty()) {
    // Nothing comes between the socket's file and the server, which removes it again.
    std::vector<net::ListeningSocket> one(1);
    absl::StatusOr<net::ListeningSocket> socket =
        net::ListenUnix(where_.unixsocket, where_.unixsocketperm, where_.backlog, where_.takes_unixsocket);
    if (!socket.ok()) return socket.status();
    one[0] = *std::move(socket);
    ++sockets;
    if (absl::Status status = server.Start(net::Server::kUnix, std::move(one)); !status.ok()) return status;
  }
  const int backlog_max = net::BacklogMax();
  if (backlog_max != 0 && where_.backlog > backlog_max) {
    const base::Line line("The backlog of ", where_.backlog, " (tcp-backlog) is cut to ", backlog_max,
                          ", which /proc/sys/net/core/somaxconn allows.");
    core_.Log(LogLevel::kWarning, line.view());
  }
  if (sockets == 0) {
    return base::MakeStatus(absl::StatusCode::kUnavailable, "none of the addresses to bind exists on this machine");
  }
  std::unique_ptr<const directives::ListenerPlace> place =
      MakePlace(where_.bind, ShownPort(false, port(false), where_.tcp[0].directive),
                ShownPort(true, port(true), where_.tcp[1].directive));
  policy_->SwapPlace(place);
  return absl::OkStatus();
}

void ListenerPlaces::Stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
  for (TcpPlace& place : tcp_) {
    for (const net::ListeningSocket& socket : place.fresh) descriptors_.Remove(socket.fd.get());
    place.fresh.clear();
  }
}

bool ListenerPlaces::Address(size_t i, net::SocketName* name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const TcpPlace& place : tcp_) {
    if (i < place.sockets.size()) {
      *name = place.sockets[i].name;
      return true;
    }
    i -= place.sockets.size();
  }
  if (i != 0 || where_.unixsocket.empty()) return false;
  *name = net::SocketName(where_.unixsocket);
  return true;
}

// TLS is prepared before sockets are.
absl::Status ListenerPlaces::Prepare(const Options& changed, bool tls, engine::ListenerPart* failed) {
  *failed = engine::ListenerPart::kPort;
  absl::Status status;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return absl::OkStatus();
    status = Guarded([&] { return PrepareAll(changed, tls, &moves_, failed); });
  }
  if (status.ok()) return status;
  const bool sockets = *failed != engine::ListenerPart::kTls;
  const bool no_tls = status.code() == absl::StatusCode::kUnimplemented;
  const base::Line line(sockets ? "Warning: Could not create server TCP listening socket " : no_tls ? "tls-port: " : "",
                        status.message());
  core_.Log(LogLevel::kWarning, line.view());
  return status;
}

void ListenerPlaces::Finish(bool all) {
  std::unique_lock<std::mutex> lock(mutex_);
  Moves moves = std::exchange(moves_, Moves());
  if (all && !stopped_) return PutInForce(moves);
  Drop(moves, lock);
}

void ListenerPlaces::PutInForce(Moves& moves) {
  bool moved = false;
  for (bool tls : {true, false}) {
    Move& move = moves.tcp[tls];
    if (!move.moves) continue;
    where_.tcp[tls].directive = move.directive;
    tcp_[tls].port.store(move.sockets.empty() ? 0 : move.sockets[0].port, std::memory_order_relaxed);
    tcp_[tls].sockets.swap(move.known);
    tcp_[tls].fresh.swap(move.sockets);
    for (const net::ListeningSocket& never_taken : move.sockets) descriptors_.Remove(never_taken.fd.get());
    tcp_[tls].has_fresh = true;
    moved = true;
  }
  if (moved) {
    where_.bind.swap(moves.bind);
    policy_->SwapPlace(moves.place);
  }
  if (moves.channels != nullptr) fresh_channels_.swap(moves.channels);
  news_.Tell();
}

// Every new socket is closed before an old one listens again, with which it may overlap.
void ListenerPlaces::Drop(Moves& moves, std::unique_lock<std::mutex>& lock) {
  for (Move& move : moves.tcp) {
    for (const net::ListeningSocket& socket : move.sockets) descriptors_.Remove(socket.fd.get());
    move.sockets.clear();
  }
  if (stopped_) return;  // the old ones are closed, or about to be
  for (bool tls : {true, false}) {
    if (moves.tcp[tls].shut) Restore(tls, lock);
  }
}

// The port that CONFIG GET shows. A listener that follows the directive may have no socket, and shows the directive all
// the same.
int ListenerPlaces::ShownPort(bool tls, int port, int directive) const {
  return port != 0 ? port : where_.tcp[tls].follows ? directive : 0;
}

// Makes the addresses and ports that CONFIG GET shows to clients. It may throw.
std::unique_ptr<const directives::ListenerPlace> ListenerPlaces::MakePlace(const std::vector<std::string>& bind,
                                                                           int port, int tls_port) const {
  auto place = std::make_unique<directives::ListenerPlace>();
  place->bind = bind;
  place->port = port;
  place->tls_port = tls_port;
  place->unixsocket = where_.unixsocket;
  place->unixsocketperm = where_.unixsocketperm;
  return place;
}

absl::Status ListenerPlaces::PrepareAll(const Options& changed, bool tls, Moves* moves, engine::ListenerPart* failed) {
  const bool tls_on = where_.tcp[1].follows ? changed.tls_port != 0 && !changed.bind->empty() : port(true) != 0;
  if (tls_on && (tls || port(true) == 0)) {
    *failed = engine::ListenerPart::kTls;
    if (where_.tls == nullptr) return base::MakeStatus(absl::StatusCode::kUnimplemented, kNoTls);
    absl::StatusOr<std::shared_ptr<net::ChannelFactory>> configured = where_.tls->Configure(changed);
    if (!configured.ok()) return configured.status();
    moves->channels = *std::move(configured);
  }
  moves->bind = *changed.bind;
  const int ports[] = {changed.port, changed.tls_port};
  for (bool with_tls : {true, false}) {
    *failed = with_tls ? engine::ListenerPart::kTlsPort : engine::ListenerPart::kPort;
    const WhereTcp& wanted = where_.tcp[with_tls];
    if (!wanted.follows || (ports[with_tls] == wanted.directive && *changed.bind == where_.bind)) continue;
    absl::Status status = PrepareMove(with_tls, *changed.bind, ports[with_tls], &moves->tcp[with_tls]);
    if (!status.ok()) return status;
  }
  if (!moves->tcp[0].moves && !moves->tcp[1].moves) return absl::OkStatus();
  int shown[2];
  for (bool with_tls : {false, true}) {
    const Move& move = moves->tcp[with_tls];
    const int moved_to = move.sockets.empty() ? 0 : move.sockets[0].port;
    shown[with_tls] = move.moves ? ShownPort(with_tls, moved_to, move.directive)
                             : ShownPort(with_tls, port(with_tls), where_.tcp[with_tls].directive);
  }
  moves->place = MakePlace(moves->bind, shown[0], shown[1]);
  return absl::OkStatus();
}

absl::Status ListenerPlaces::PrepareMove(bool tls, const std::vector<std::string>& bind, int port, Move* move) {
  move->moves = true;
  move->directive = port;
  if (port == 0 || bind.empty()) return absl::OkStatus();
  absl::StatusOr<std::vector<net::ListeningSocket>> opened = ListenOn(tls, bind, port, where_.backlog);
  if (opened.status().code() == absl::StatusCode::kAlreadyExists && port == this->port(tls)) {
    // Most likely our own sockets are in the way: "*" and one address cannot share a port. Sockets that are shut down
    // free the port, and stay valid descriptors, which the loop is still watching.
    for (const Known& known : tcp_[tls].sockets) shutdown(known.fd, SHUT_RDWR);
    move->shut = true;
    opened = ListenOn(tls, bind, port, where_.backlog);
  }
  if (!opened.ok()) return opened.status();
  move->known = KnownOf(*opened);
  move->sockets = *std::move(opened);
  for (const net::ListeningSocket& socket : move->sockets) {
    if (!descriptors_.Add(socket.fd.get())) return base::NoMemory(base::kNoMemoryForListener);
  }
  return absl::OkStatus();
}

// The sockets were shut down to make room for new ones that could not be opened. They are still bound, and need no
// memory to listen again. The loop may have found out that they did not listen, and no longer watch them. The mutex is
// released while the log is written, because the log's callback may ask for the addresses. Nobody else moves the
// sockets meanwhile, since that takes the executor.
void ListenerPlaces::Restore(bool tls, std::unique_lock<std::mutex>& lock) {
  TcpPlace& place = tcp_[tls];
  for (size_t i = 0; i < place.sockets.size() && !stopped_; ++i) {
    const Known& known = place.sockets[i];
    if (listen(known.fd, where_.backlog) == 0) continue;
    const base::Line line(known.name, ": listen: ", net::ErrnoText(errno), "; it accepts no connections any more");
    lock.unlock();
    core_.Log(LogLevel::kWarning, line.view());
    lock.lock();
  }
  place.watch_again = true;
  news_.Tell();
}

void ListenerPlaces::Take(net::Server& server) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (fresh_channels_ != nullptr) server.SetChannels(std::exchange(fresh_channels_, nullptr));
  for (bool tls : {false, true}) {
    TcpPlace& place = tcp_[tls];
    if (std::exchange(place.has_fresh, false)) server.ReplaceTcp(tls, std::exchange(place.fresh, {}));
    if (std::exchange(place.watch_again, false)) server.WatchAgain(tls);
  }
}

}  // namespace larder::inline v0
