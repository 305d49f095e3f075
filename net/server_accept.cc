// The server's rarer work: new connections, and limits by time.
#include <errno.h>

#include <algorithm>
#include <new>
#include <utility>

#include "lib/base/status.h"
#include "net/server.h"

namespace larder::inline v0::net {
namespace {

constexpr std::string_view kClosedWithoutMemory = "Accepted connection closed: out of memory";
constexpr std::string_view kTooManyClients = "-ERR max number of clients reached\r\n";
constexpr std::string_view kProtected =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the "
    "default user. In this mode connections are only accepted from the loopback interface. If you want to connect "
    "from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode "
    "sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from "
    "the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you "
    "do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected "
    "mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then "
    "restarting the server. 3) If you started the server manually just for testing, restart it with the "
    "'--protected-mode no' option. 4) Setup a an authentication password for the default user. NOTE: You only need "
    "to do one of the above things in order for the server to start accepting connections from the outside.\r\n";

}  // namespace

absl::Status Server::Start(Kind kind, std::vector<ListeningSocket> sockets) {
  CloseSockets(kind);
  sockets_[kind] = std::move(sockets);
  for (ListeningSocket& socket : sockets_[kind]) {
    socket.server = this;
    if (descriptors_ != nullptr && !descriptors_->Add(socket.fd.get())) {
      return base::NoMemory("out of memory for a socket");
    }
  }
  return Watch(kind);
}

void Server::ReplaceTcp(bool tls, std::vector<ListeningSocket> sockets) {
  const Kind kind = tls ? kTls : kPlain;
  if (closed_) return;
  if (absl::Status status = Start(kind, std::move(sockets)); !status.ok()) {
    service_.Log(LogLevel::kWarning, base::Line("Cannot accept connections: ", status.message()).view());
  }
}

void Server::WatchAgain(bool tls) {
  if (closed_) return;
  Unwatch(tls ? kTls : kPlain);
  if (!Watch(tls ? kTls : kPlain).ok()) PauseAccepting(ENOMEM);
}

absl::Status Server::Watch(Kind kind) {
  for (ListeningSocket& socket : sockets_[kind]) {
    absl::Status status = loop_.CreateFileEvent(socket.fd.get(), ae::kReadable, OnAcceptable, &socket);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void Server::Unwatch(Kind kind) {
  for (const ListeningSocket& socket : sockets_[kind]) loop_.DeleteFileEvent(socket.fd.get(), ae::kReadable);
}

// ---- New connections ------------------------------------------------------------------------------------------------

void Server::OnAcceptable(ae::EventLoop& /*loop*/, int /*fd*/, void* data, int /*mask*/) {
  ListeningSocket& socket = *static_cast<ListeningSocket*>(data);
  socket.server->AcceptReady(socket);
}

void Server::AcceptReady(ListeningSocket& socket) {
  settings_ = service_.settings();
  now_us_ = loop_.clock().NowUs();
  for (int i = 0; i < kAcceptsMax; ++i) {
    int error = 0;
    Accepted accepted = Accept(socket, &error);
    if (error == kConnectionGone) continue;
    if (error == -EAGAIN || error == -EWOULDBLOCK) return;
    if (error == -EINVAL) return loop_.DeleteFileEvent(socket.fd.get(), ae::kReadable);  // see PrepareMove
    if (error != 0) return PauseAccepting(-error);
    accept_error_ = 0;
    counted_ = true;
    if (!Admit(accepted, socket)) continue;
    ++count_.connections_received;  // as in Redis, without those that were refused
    if (!AddConnection(std::move(accepted), socket)) service_.GivePlaceBack();
  }
}

// The order is Redis's: a full server tells strangers, too, that it is full.
bool Server::Admit(const Accepted& accepted, const ListeningSocket& by) {
  if (!service_.TakePlace(settings_.maxclients)) {
    Refuse(accepted.fd.get(), by, kTooManyClients);
    return false;
  }
  if (settings_.refuse_strangers && !accepted.loopback) {
    Refuse(accepted.fd.get(), by, kProtected);
    service_.GivePlaceBack();
    return false;
  }
  return true;
}

void Server::Refuse(int fd, const ListeningSocket& by, std::string_view text) {
  ++count_.connections_rejected;
  if (by.tls) return;  // there is no handshake yet that would let the peer read it
  const iovec piece{const_cast<char*>(text.data()), text.size()};
  WriteOp op{fd, &piece, 1, 0};
  backend_.WriteAll({&op, 1});  // it fits a new socket's buffer; if the peer is gone already, so be it
}

// Returns false if the connection was closed.
bool Server::AddConnection(Accepted accepted, const ListeningSocket& by) {
  const int fd = accepted.fd.get();
  std::unique_ptr<Connection> connection(ReserveLists() ? new (std::nothrow) Connection(this) : nullptr);
  if (connection == nullptr) {
    service_.Log(LogLevel::kWarning, kClosedWithoutMemory);
    return false;
  }
  if (by.tls) {
    connection->channel = channels_->Accept();
    if (connection->channel == nullptr) {
      service_.Log(LogLevel::kWarning, kClosedWithoutMemory);
      return false;
    }
  }
  if (!by.unix_socket) TuneTcp(fd, settings_.tcp_keepalive_s);
  const SocketName address = DescribeSocket(fd, true, by);
  const SocketName local_address = DescribeSocket(fd, false, by);
  const session::Peer peer{.kind = by.unix_socket ? engine::ClientKind::kUnix : engine::ClientKind::kTcp,
                           .address = address.view(),
                           .local_address = local_address.view(),
                           .fd = fd};
  absl::Status status = loop_.CreateFileEvent(fd, ae::kReadable, OnReady, connection.get());
  if (!status.ok()) {
    // This is most likely select's limit. For this client the server is full.
    service_.Log(LogLevel::kWarning, base::Line("Accepted connection closed: ", status.message()).view());
    Refuse(fd, by, kTooManyClients);
    return false;
  }
  if (descriptors_ == nullptr || descriptors_->Add(fd)) connection->client = service_.Open(peer, connection.get());
  if (connection->client == nullptr) {
    if (descriptors_ != nullptr) descriptors_->Remove(fd);
    loop_.DeleteFileEvent(fd, ae::kReadable);
    service_.Log(LogLevel::kWarning, kClosedWithoutMemory);
    return false;
  }
  connection->fd = std::move(accepted.fd);
  connection->tcp = !by.unix_socket;
  connection->last_interaction_us = now_us_;
  connection->stranger_since_us = now_us_;
  connection->running = true;
  ++allocated_;
  all_.Append(*connection);
  pending_.Add(*connection.release());
  StartCron();
  return true;
}

// Gives every list room for every connection, also for those that are closed and not freed yet.
bool Server::ReserveLists() {
  const size_t needed = allocated_ + 1;
  if (needed <= reserved_) return true;
  const size_t wanted = std::max<size_t>(16, reserved_ + reserved_ / 2);
  for (List* list : {&to_read_, &to_parse_, &parsing_, &pending_, &batch_, &to_flush_}) {
    if (!list->items.Grow(wanted)) return false;
  }
  reserved_ = wanted;
  return true;
}

// There are no descriptors or no memory left. The connection stays in the kernel's queue, so that its socket stays
// readable, and a loop that went on watching it would spin. The server tries again when a connection ends, or a little
// later. It logs the error once, however often it tries in vain. It may be called when accepting is paused already,
// because a socket may have come since (CONFIG SET bind).
void Server::PauseAccepting(int error) {
  if (std::exchange(accept_error_, error) != error) {
    const base::Line line("Error accepting a client connection: accept: ", ErrnoText(error));
    service_.Log(LogLevel::kWarning, line.view());
  }
  accept_paused_ = true;
  for (Kind kind : {kPlain, kTls, kUnix}) Unwatch(kind);
  StartCron();
}

void Server::ResumeAccepting() {
  if (!accept_paused_ || closed_) return;
  accept_paused_ = false;
  for (Kind kind : {kPlain, kTls, kUnix}) accept_paused_ |= !Watch(kind).ok();
}

// ---- By time --------------------------------------------------------------------------------------------------------

void Server::StartCron() {
  if (cron_id_ != 0) return;
  absl::StatusOr<int64_t> id = loop_.CreateTimeEvent(kCronMs, OnCron, this);
  if (id.ok()) cron_id_ = *id;  // else with the next connection
}

// The cron runs only while there is somebody to watch, so that an idle listener sleeps.
int64_t Server::OnCron(ae::EventLoop& /*loop*/, int64_t /*id*/, void* data) {
  Server& server = *static_cast<Server*>(data);
  server.now_us_ = server.loop_.clock().NowUs();
  server.settings_ = server.service_.settings();
  server.ResumeAccepting();
  server.CloseIdle();
  server.CloseOverSoftLimit();
  server.CloseUnadmitted();
  if (server.all_.size() > 0 || server.accept_paused_) return kCronMs;
  server.cron_id_ = 0;
  return ae::kNoMore;
}

void Server::CloseIdle() {
  if (settings_.timeout_s <= 0) return;
  const int64_t before_us = now_us_ - int64_t{settings_.timeout_s} * 1'000'000;
  for (size_t left = all_.size(); left > 0; --left) {
    Connection& connection = *all_.oldest();
    if (connection.last_interaction_us >= before_us) return;
    // MayGoOn is asked after KeepWhenIdle, because a pause may end in between and leave requests for this loop to run.
    if (connection.running || connection.to_parse || connection.client->KeepWhenIdle() ||
        connection.client->MayGoOn()) {
      all_.Touch(connection, now_us_);
      continue;
    }
    service_.Log(LogLevel::kVerbose, base::Line("Closing idle client ", Describe(connection)).view());
    Close(connection);
  }
}

// Nobody else looks at a client that neither reads nor asks.
void Server::CloseOverSoftLimit() {
  if (blocked_count_ == 0) return;
  for (Connection* connection = all_.oldest(); connection != nullptr;) {
    Connection* const next = ConnectionList::NextOldest(*connection);
    if (connection->blocked && !connection->running && OverOutputLimit(*connection)) Close(*connection);
    connection = next;
  }
}

// When few places are left, peers may hold some that never authenticate, or send a byte of a handshake now and then.
void Server::CloseUnadmitted() {
  if (settings_.admission_timeout_s <= 0 || now_us_ < unadmitted_look_us_) return;
  unadmitted_look_us_ = now_us_ + kUnadmittedLookUs;  // it looks at all of them
  const int64_t before_us = now_us_ - int64_t{settings_.admission_timeout_s} * 1'000'000;
  for (Connection* connection = all_.oldest(); connection != nullptr;) {
    Connection* const next = ConnectionList::NextOldest(*connection);
    if (!connection->running) {
      const bool established = connection->channel == nullptr || connection->channel->established();
      if (established && (connection->client->Admitted() || connection->client->KeepWhenIdle())) {
        // RESET can make a stranger of it from now on at the earliest. In a pause its AUTH is held.
        connection->stranger_since_us = now_us_ + kUnadmittedLookUs;
      } else if (connection->stranger_since_us <= before_us) {
        const base::Line line("Closing client ", Describe(*connection),
                              " that has not authenticated: clients are many");
        service_.Log(LogLevel::kWarning, line.view());
        Close(*connection);
      }
    }
    connection = next;
  }
}

base::FixedText<255> Server::Describe(const Connection& connection) const {
  const int fd = connection.fd.get();
  if (!connection.tcp) return base::FixedText<255>("fd=", fd, " of a unix socket");
  return base::FixedText<255>("fd=", fd, " addr=", DescribeSocket(fd, true, ListeningSocket()));
}

}  // namespace larder::inline v0::net
