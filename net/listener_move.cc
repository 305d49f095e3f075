// CONFIG SET port, bind and tls-*, in the two steps that ListenerHook has: all that may fail first, on the thread of
// whoever sets; then, if all listeners of the cache can, the loop takes over. Sockets that are prepared are bound and
// listen already: who connects to one that is dropped again is closed.
#include <errno.h>
#include <sys/socket.h>

#include <utility>

#include "lib/base/guarded.h"
#include "lib/base/status.h"
#include "net/listener_impl.h"

namespace larder::inline v0 {

std::vector<Listener::Impl::Known> Listener::Impl::KnownOf(const std::vector<net::ListeningSocket>& sockets) {
  std::vector<Known> known;
  known.reserve(sockets.size());
  for (const net::ListeningSocket& socket : sockets) known.push_back({socket.fd.get(), socket.name});
  return known;
}

// What is new for TLS comes before sockets.
absl::Status Listener::Impl::PrepareRelisten(const Options& changed, bool tls, engine::ListenerPart* failed) {
  *failed = engine::ListenerPart::kPort;
  absl::Status status;
  {
    const std::lock_guard<std::mutex> lock(sockets_mutex_);
    if (takes_no_more_) return absl::OkStatus();
    status = Guarded([&] { return Prepare(changed, tls, &moves_, failed); });
  }
  if (status.ok()) return status;
  const bool sockets = *failed != engine::ListenerPart::kTls;
  const bool no_tls = status.code() == absl::StatusCode::kUnimplemented;
  const base::Line line(sockets ? "Warning: Could not create server TCP listening socket " : no_tls ? "tls-port: " : "",
                        status.message());
  core_.Log(LogLevel::kWarning, line.view());
  return status;
}

void Listener::Impl::FinishRelisten(bool all) {
  std::unique_lock<std::mutex> lock(sockets_mutex_);
  Moves moves = std::exchange(moves_, Moves());
  if (all && !takes_no_more_) return PutInForce(moves);
  Drop(moves, lock);
}

void Listener::Impl::PutInForce(Moves& moves) {
  bool moved = false;
  for (bool side : {true, false}) {
    Move& move = moves.sides[side];
    if (!move.moves) continue;
    where_.tcp[side].directive = move.directive;
    sides_[side].port.store(move.sockets.empty() ? 0 : move.sockets[0].port, std::memory_order_relaxed);
    sides_[side].sockets.swap(move.known);
    sides_[side].fresh.swap(move.sockets);
    for (const net::ListeningSocket& never_taken : move.sockets) descriptors_.Remove(never_taken.fd.get());
    sides_[side].has_fresh = true;
    moved = true;
  }
  if (moved) {
    where_.bind.swap(moves.bind);
    served_->policy->SwapPlace(moves.place);
  }
  if (moves.channels != nullptr) fresh_channels_.swap(moves.channels);
  TellLoop();
}

// Every new socket is closed before an old one listens again, with which it may overlap.
void Listener::Impl::Drop(Moves& moves, std::unique_lock<std::mutex>& lock) {
  for (Move& move : moves.sides) {
    for (const net::ListeningSocket& socket : move.sockets) descriptors_.Remove(socket.fd.get());
    move.sockets.clear();
  }
  if (takes_no_more_) return;  // the old ones are closed, or about to be
  for (bool side : {true, false}) {
    if (moves.sides[side].shut) Restore(side, lock);
  }
}

// What CONFIG GET shows of a port. Who follows the directive may have no socket, and shows it all the same.
int Listener::Impl::ShownPort(bool tls, int port, int directive) const {
  return port != 0 ? port : where_.tcp[tls].follows ? directive : 0;
}

// What CONFIG GET shows to clients. It may throw.
std::unique_ptr<const directives::ListenerPlace> Listener::Impl::MakePlace(const std::vector<std::string>& bind,
                                                                           int port, int tls_port) const {
  auto place = std::make_unique<directives::ListenerPlace>();
  place->bind = bind;
  place->port = port;
  place->tls_port = tls_port;
  place->unixsocket = where_.unixsocket;
  place->unixsocketperm = where_.unixsocketperm;
  return place;
}

absl::Status Listener::Impl::Prepare(const Options& changed, bool tls, Moves* moves, engine::ListenerPart* failed) {
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
  for (bool side : {true, false}) {
    *failed = side ? engine::ListenerPart::kTlsPort : engine::ListenerPart::kPort;
    const WhereTcp& wanted = where_.tcp[side];
    if (!wanted.follows || (ports[side] == wanted.directive && *changed.bind == where_.bind)) continue;
    absl::Status status = PrepareMove(side, *changed.bind, ports[side], &moves->sides[side]);
    if (!status.ok()) return status;
  }
  if (!moves->sides[0].moves && !moves->sides[1].moves) return absl::OkStatus();
  int shown[2];
  for (bool side : {false, true}) {
    const Move& move = moves->sides[side];
    const int moved_to = move.sockets.empty() ? 0 : move.sockets[0].port;
    shown[side] = move.moves ? ShownPort(side, moved_to, move.directive)
                             : ShownPort(side, port(side), where_.tcp[side].directive);
  }
  moves->place = MakePlace(moves->bind, shown[0], shown[1]);
  return absl::OkStatus();
}

absl::Status Listener::Impl::PrepareMove(bool tls, const std::vector<std::string>& bind, int port, Move* move) {
  move->moves = true;
  move->directive = port;
  if (port == 0 || bind.empty()) return absl::OkStatus();
  absl::StatusOr<std::vector<net::ListeningSocket>> opened = ListenOn(tls, bind, port, where_.backlog);
  if (opened.status().code() == absl::StatusCode::kAlreadyExists && port == this->port(tls)) {
    // Most likely our own sockets are in the way: "*" and one address cannot share a port. Shut down they free it,
    // and stay valid descriptors, which the loop is still watching.
    for (const Known& known : sides_[tls].sockets) shutdown(known.fd, SHUT_RDWR);
    move->shut = true;
    opened = ListenOn(tls, bind, port, where_.backlog);
  }
  if (!opened.ok()) return opened.status();
  move->known = KnownOf(*opened);
  move->sockets = *std::move(opened);
  for (const net::ListeningSocket& socket : move->sockets) {
    if (!descriptors_.Add(socket.fd.get())) return NoMemoryForListener();
  }
  return absl::OkStatus();
}

// The sockets were shut down for others that could not be had. They are bound as they were, and need no memory to
// listen again; the loop may have found out that they did not, and no longer watch them. Without the mutex while the log,
// which may ask for the addresses, is told: nobody else moves them, for that takes the executor.
void Listener::Impl::Restore(bool tls, std::unique_lock<std::mutex>& lock) {
  Side& side = sides_[tls];
  for (size_t i = 0; i < side.sockets.size() && !takes_no_more_; ++i) {
    const Known& known = side.sockets[i];
    if (listen(known.fd, where_.backlog) == 0) continue;
    const base::Line line(known.name, ": listen: ", net::ErrnoText(errno), "; it accepts no connections any more");
    lock.unlock();
    core_.Log(LogLevel::kWarning, line.view());
    lock.lock();
  }
  side.watch_again = true;
  TellLoop();
}

void Listener::Impl::TellLoop() {
  has_news_.store(true, std::memory_order_release);
  loop_->WakeUp();
}

// At the end of each turn, behind the server's own part of it.
void Listener::Impl::TakeNews() {
  if (Forked()) [[unlikely]] return loop_->Forsake();  // a callback of this turn has forked
  // Looked at first: an exchange in each turn would be a locked one.
  if (!has_news_.load(std::memory_order_acquire) || !has_news_.exchange(false, std::memory_order_acq_rel)) return;
  bool stop = false;
  {
    const std::lock_guard<std::mutex> lock(stop_mutex_);
    stop = stop_asked_ && !own_thread_;
  }
  if (stop) return StopServing();
  TakeSockets();
}

void Listener::Impl::TakeSockets() {
  const std::lock_guard<std::mutex> lock(sockets_mutex_);
  if (fresh_channels_ != nullptr) served_->server.SetChannels(std::exchange(fresh_channels_, nullptr));
  for (bool tls : {false, true}) {
    Side& side = sides_[tls];
    if (std::exchange(side.has_fresh, false)) served_->server.ReplaceTcp(tls, std::exchange(side.fresh, {}));
    if (std::exchange(side.watch_again, false)) served_->server.WatchAgain(tls);
  }
}

}  // namespace larder::inline v0
