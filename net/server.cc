#include "net/server.h"

#include <errno.h>

#include <algorithm>
#include <new>
#include <utility>

#include "lib/base/check.h"

namespace larder::inline v0::net {

void Server::List::Swap(List& other) {
  items.Swap(other.items);
  std::swap(count, other.count);
}

Server::Server(ae::EventLoop& loop, IoBackend& backend, Service& service, OwnDescriptors* descriptors)
    : loop_(loop), backend_(backend), service_(service), descriptors_(descriptors) {
  hook_.proc = [](ae::EventLoop&, void* data) { static_cast<Server*>(data)->AfterEvents(); };
  hook_.data = this;
  loop_.after_events().Add(hook_);
}

void Server::Stop() {
  if (std::exchange(stopped_, true)) return;
  loop_.after_events().Remove(hook_);
  if (cron_id_ != 0) loop_.DeleteTimeEvent(std::exchange(cron_id_, 0));
  closed_ = true;
  CloseAll();
  loop_.SetDontWait(false);
  service_.Stop();
  if (std::exchange(counted_, false)) service_.Count(std::exchange(count_, ServerCount()));
  const std::lock_guard<std::mutex> lock(wake_mutex_);
  wakes_no_more_ = true;
}

void Server::EndClients() {
  if (std::exchange(clients_ended_, true)) return;
  // Connections that are running have kept their clients so far.
  service_.Finish();
  for (List* list : {&pending_, &batch_}) {
    for (size_t i = 0; i < list->count; ++i) {
      list->items[i]->running = false;
      EndClient(*list->items[i]);
    }
  }
  service_.Finish();
}

Server::~Server() {
  Stop();
  EndClients();
  TakeWoken();
  FreeChain(&ending_next_);
  FreeChain(&ending_in_batch_);
  FreeChain(&ended_);
}

// ---- The server's part of a turn ----------------------------------------------------------------------------------

void Server::OnReady(ae::EventLoop& loop, int fd, void* data, int mask) {
  Connection& connection = *static_cast<Connection*>(data);
  Server& server = *static_cast<Server*>(connection.owner);
  if (connection.running) {
    // The socket would fire in every turn until the client's requests have run.
    loop.DeleteFileEvent(fd, ae::kReadable | ae::kWritable);
    connection.unwatched = true;
    if (std::exchange(connection.blocked, false)) --server.blocked_count_;
    return;
  }
  if (mask & ae::kReadable) server.Mark(connection, &Connection::to_read, server.to_read_);
  if (mask & ae::kWritable) {
    connection.has_room = true;
    server.Mark(connection, &Connection::to_flush, server.to_flush_);
  }
}

void Server::Mark(Connection& connection, bool Connection::*mark, List& list) {
  if (std::exchange(connection.*mark, true)) return;
  list.Add(connection);
}

void Server::AfterEvents() {
  now_us_ = loop_.clock().NowUs();
  settings_ = service_.settings();
  TakeWoken();
  if (queued_) HandleBatch(service_.Submit());
  ReadReady();
  ParseReady();
  SubmitBatch();
  // A client that reads the reply to CLIENT KILL may rely on the victim's being gone.
  TakeWoken();
  Flush();
  FreeEnded();
  // A queued batch wakes the loop when it is done. Before that there is next to nothing to do for these connections.
  loop_.SetDontWait(!queued_ && (pending_.count > 0 || to_parse_.count > 0 || to_read_.count > 0 ||
                                 (ending_next_ != nullptr && !closed_)));
  if (std::exchange(counted_, false)) service_.Count(std::exchange(count_, ServerCount()));
}

void Server::TakeWoken() {
  for (Connection* connection = woken.TakeAll(); connection != nullptr;) {
    Connection* const next = connection->next_woken;
    // This is an exchange and not a store, because the reads below must come after it. A thread that still saw true has
    // not pushed the connection again, but its earlier writes are seen here.
    connection->is_woken.exchange(false, std::memory_order_acq_rel);
    if (!connection->closing) {
      if (connection->client->Stopped()) {
        Close(*connection);
      } else {
        Mark(*connection, &Connection::to_flush, to_flush_);
        if (!connection->running && connection->client->MayGoOn()) Mark(*connection, &Connection::to_parse, to_parse_);
      }
    }
    connection = next;
  }
}

void Server::ReadReady() {
  if (to_read_.count == 0) return;
  ReadRound round;
  size_t handshakes = 0;
  size_t put_off = 0;
  for (size_t i = 0; i < to_read_.count; ++i) {
    Connection& connection = *to_read_.items[i];
    Channel* const channel = connection.channel.get();
    if (channel != nullptr && !channel->established() && ++handshakes > kHandshakesMax) {
      to_read_.items[put_off++] = &connection;  // the first of the next turn
      continue;
    }
    connection.to_read = false;
    if (connection.closing || connection.running || connection.input_left || connection.at_end) continue;
    if (channel != nullptr && channel->HasPlain()) {
      TakePlain(connection);
      continue;
    }
    const std::span<char> room = channel != nullptr ? channel->PrepareInput() : connection.client->PrepareRead();
    if (room.empty()) {
      NoMemory(connection);
      continue;
    }
    round.ops[round.count] = {connection.fd.get(), room.data(), room.size(), 0};
    round.connections[round.count++] = &connection;
    if (round.count == kOpsMax) FinishReads(round);
  }
  to_read_.count = put_off;
  FinishReads(round);
}

void Server::FinishReads(ReadRound& round) {
  if (round.count == 0) return;
  backend_.ReadReady({round.ops, round.count});
  for (size_t i = 0; i < round.count; ++i) HandleRead(*round.connections[i], round.ops[i].result);
  count_.reads += round.count;
  counted_ = true;
  round.count = 0;
}

void Server::HandleRead(Connection& connection, ssize_t result) {
  if (connection.channel != nullptr) [[unlikely]] return HandleChannelRead(connection, result);
  connection.client->CommitRead(static_cast<size_t>(std::max<ssize_t>(result, 0)));
  if (result > 0) {
    HasInput(connection, static_cast<size_t>(result));
  } else if (result == 0) {
    InputEnded(connection);
  } else if (result != -EAGAIN && result != -EWOULDBLOCK) {
    Close(connection);
  }
}

// The connection's client got `n` more bytes.
void Server::HasInput(Connection& connection, size_t n) {
  count_.input_bytes += n;
  counted_ = true;
  all_.Touch(connection, now_us_);
  if (connection.client->input_bytes() > settings_.query_buffer_limit) {
    ++count_.query_limit_disconnections;
    service_.Log(LogLevel::kWarning,
                 base::Line("Closing client ", Describe(connection), " that reached max query buffer length").view());
    Close(connection);
    return;
  }
  Mark(connection, &Connection::to_parse, to_parse_);
}

// The peer may have shut down only its side. It then still wants its replies, unless its requests may not run yet.
void Server::InputEnded(Connection& connection) {
  connection.at_end = true;
  loop_.DeleteFileEvent(connection.fd.get(), ae::kReadable);
  Mark(connection, &Connection::to_flush, to_flush_);
}

void Server::NoMemory(Connection& connection) {
  service_.Log(LogLevel::kWarning, base::Line("Closing client ", Describe(connection), ": out of memory").view());
  Close(connection);
}

void Server::ParseReady() {
  // Input that the batch below leaves unparsed is for the next turn.
  parsing_.Swap(to_parse_);
  for (size_t i = 0; i < parsing_.count; ++i) {
    Connection& connection = *parsing_.items[i];
    connection.to_parse = false;
    if (connection.closing || connection.running) continue;
    const session::Parsed parsed = connection.client->Parse(session::ParseQuota());
    connection.input_left = parsed == session::Parsed::kSomeAndInput || parsed == session::Parsed::kFull;
    if (parsed == session::Parsed::kNothing) {
      // The quota may have ended its last parsing, which looked as if there were more input. Nothing else will close
      // it.
      if (connection.at_end) Mark(connection, &Connection::to_flush, to_flush_);
      if (connection.channel != nullptr) MarkPlain(connection);
      continue;
    }
    if (parsed == session::Parsed::kFull) {
      // It is parsed before the connections that are in the batch, which are marked again when that has run.
      Mark(connection, &Connection::to_parse, to_parse_);
      continue;
    }
    connection.running = true;
    pending_.Add(connection);
  }
  parsing_.count = 0;
}

void Server::SubmitBatch() {
  if (queued_ || closed_ || (pending_.count == 0 && ending_next_ == nullptr)) return;
  LARDER_DCHECK(batch_.count == 0 && ending_in_batch_ == nullptr);
  batch_.Swap(pending_);
  ending_in_batch_ = std::exchange(ending_next_, nullptr);
  HandleBatch(service_.Submit());
}

void Server::HandleBatch(Submitted submitted) {
  queued_ = submitted == Submitted::kQueued;
  if (queued_) return;
  for (size_t i = 0; i < batch_.count; ++i) {
    Connection& connection = *batch_.items[i];
    if (submitted != Submitted::kClosed && connection.client->Unfinished()) [[unlikely]] {
      pending_.Add(connection);
      continue;
    }
    connection.running = false;
    if (connection.closing) {
      EndClient(connection);
      continue;
    }
    if (connection.input_left || connection.client->MayGoOn()) {
      Mark(connection, &Connection::to_parse, to_parse_);
    } else if (connection.channel != nullptr) {
      MarkPlain(connection);
    }
    if (std::exchange(connection.unwatched, false) && !connection.at_end) {
      const absl::Status status = loop_.CreateFileEvent(connection.fd.get(), ae::kReadable, OnReady, &connection);
      if (!status.ok()) {
        Close(connection);
        continue;
      }
    }
    Mark(connection, &Connection::to_flush, to_flush_);
  }
  batch_.count = 0;
  if (submitted == Submitted::kClosed) {
    // Clients end with the server, because the last holder of a closed cache's executor may still be looking at them.
    if (!std::exchange(closed_, true)) CloseAll();
    return;
  }
  // The clients of these connections have ended. After this turn nothing refers to the connections.
  while (ending_in_batch_ != nullptr) {
    Connection* const connection = ending_in_batch_;
    ending_in_batch_ = connection->next_closing;
    connection->next_closing = ended_;
    ended_ = connection;
  }
}

void Server::Flush() {
  if (to_flush_.count == 0) return;
  WriteRound round;
  for (size_t i = 0; i < to_flush_.count; ++i) {
    Connection& connection = *to_flush_.items[i];
    connection.to_flush = false;
    if (!connection.closing && !connection.running) AddWrite(connection, round);
  }
  to_flush_.count = 0;
  FinishWrites(round);
}

void Server::AddWrite(Connection& connection, WriteRound& round) {
  if (connection.client->Stopped()) return Close(connection);
  if (connection.channel != nullptr) [[unlikely]] return AddChannelWrite(connection, round);
  if (connection.client->output_bytes() == 0) return AllSent(connection);
  if (OverOutputLimit(connection)) return Close(connection);
  // The peer takes nothing at the moment. To ask again would cost a system call for each batch of its requests.
  if (connection.blocked && !connection.has_room) return;
  AddOp(connection, round);
}

void Server::AddOp(Connection& connection, WriteRound& round) {
  if (round.count == kOpsMax || round.pieces_count == kPiecesTotal) FinishWrites(round);
  iovec* const pieces = round.pieces + round.pieces_count;
  const size_t room = std::min(kPiecesMax, kPiecesTotal - round.pieces_count);
  const size_t pieces_count = connection.channel != nullptr ? connection.channel->Output(pieces, room)
                                                            : connection.client->Output(pieces, room);
  LARDER_DCHECK(pieces_count > 0);
  round.pieces_count += pieces_count;
  round.ops[round.count] = {connection.fd.get(), pieces, pieces_count, 0};
  round.connections[round.count++] = &connection;
}

void Server::FinishWrites(WriteRound& round) {
  if (round.count == 0) return;
  backend_.WriteAll({round.ops, round.count});
  for (size_t i = 0; i < round.count; ++i) HandleWrite(*round.connections[i], round.ops[i].result);
  count_.writes += round.count;
  counted_ = true;
  round.count = 0;
  round.pieces_count = 0;
}

void Server::HandleWrite(Connection& connection, ssize_t result) {
  connection.has_room = false;
  if (result < 0 && result != -EAGAIN && result != -EWOULDBLOCK) return Close(connection);
  if (connection.channel != nullptr) [[unlikely]] {
    return HandleChannelWrite(connection, static_cast<size_t>(std::max<ssize_t>(result, 0)));
  }
  if (result > 0) {
    connection.client->ConsumeOutput(static_cast<size_t>(result));
    count_.output_bytes += static_cast<size_t>(result);
    all_.Touch(connection, now_us_);
  }
  if (connection.client->output_bytes() == 0) return AllSent(connection);
  WatchWritable(connection);
}

bool Server::ClosesWhenSent(const Connection& connection) const {
  const Client& client = *connection.client;
  // Requests that CLIENT PAUSE holds are no reason to keep the client's place: they do not run once it has gone.
  const bool wants_more = connection.input_left || client.MayGoOn();
  return client.CloseAfterOutput() || (connection.at_end && !wants_more);
}

void Server::AllSent(Connection& connection) {
  connection.over_soft_limit_since_us = 0;
  if (ClosesWhenSent(connection)) return Close(connection);
  UnwatchWritable(connection);
}

void Server::UnwatchWritable(Connection& connection) {
  if (!connection.blocked) return;
  loop_.DeleteFileEvent(connection.fd.get(), ae::kWritable);
  connection.blocked = false;
  --blocked_count_;
}

void Server::WatchWritable(Connection& connection) {
  // The client runs nothing more, so nobody reads its further input.
  if (connection.client->CloseAfterOutput()) loop_.DeleteFileEvent(connection.fd.get(), ae::kReadable);
  if (connection.blocked) return;
  if (!loop_.CreateFileEvent(connection.fd.get(), ae::kWritable, OnReady, &connection).ok()) return Close(connection);
  connection.blocked = true;
  ++blocked_count_;
}

// As in Redis, output is over the hard limit at once, and over the soft one after so many seconds in a row.
bool Server::OverOutputLimit(Connection& connection) {
  const OutputBufferLimit& limit = settings_.output_limits[static_cast<size_t>(connection.client->output_class())];
  const size_t bytes = connection.client->output_bytes();
  if (bytes <= session::kOutputUncounted) return false;
  bool over = limit.hard != 0 && bytes > limit.hard;
  if (limit.soft == 0 || bytes <= limit.soft) {
    connection.over_soft_limit_since_us = 0;
  } else if (connection.over_soft_limit_since_us == 0) {
    connection.over_soft_limit_since_us = std::max<int64_t>(now_us_, 1);
  } else {
    over |= now_us_ - connection.over_soft_limit_since_us > limit.soft_seconds * 1'000'000;
  }
  if (!over) return false;
  // Another thread may have found the same, and counted it: under MONITOR the threads that push lines look too.
  if (!connection.client->Stop()) return true;
  ++count_.output_limit_disconnections;
  counted_ = true;
  service_.Log(LogLevel::kWarning,
               base::Line("Client ", Describe(connection), " is closed for overcoming of output buffer limits").view());
  return true;
}

// ---- The end of a connection ----------------------------------------------------------------------------------------

void Server::Close(Connection& connection) {
  if (std::exchange(connection.closing, true)) return;
  loop_.DeleteFileEvent(connection.fd.get(), ae::kReadable | ae::kWritable);
  if (connection.channel != nullptr) EndChannel(connection);
  if (descriptors_ != nullptr) descriptors_->Remove(connection.fd.get());
  connection.fd.Reset();
  if (connection.blocked) --blocked_count_;
  all_.Remove(connection);
  service_.GivePlaceBack();
  if (!connection.running) EndClient(connection);
  ResumeAccepting();
}

void Server::EndClient(Connection& connection) {
  LARDER_DCHECK(connection.closing && !connection.running);
  service_.Close(std::move(connection.client));
  connection.next_closing = ending_next_;
  ending_next_ = &connection;
}

void Server::FreeEnded() {
  if (ended_ == nullptr) return;
  // No thread can wake these connections any more, but one may have done so before.
  TakeWoken();
  FreeChain(&ended_);
}

void Server::FreeChain(Connection** chain) {
  while (*chain != nullptr) {
    Connection* const connection = *chain;
    *chain = connection->next_closing;
    delete connection;
    --allocated_;
  }
}

void Server::CloseSockets(Kind kind) {
  Unwatch(kind);
  for (const ListeningSocket& socket : sockets_[kind]) {
    if (descriptors_ != nullptr) descriptors_->Remove(socket.fd.get());
    RemoveUnixSocket(socket);
  }
  sockets_[kind].clear();
}

void Server::CloseAll() {
  for (Kind kind : {kPlain, kTls, kUnix}) CloseSockets(kind);
  while (all_.oldest() != nullptr) Close(*all_.oldest());
}

}  // namespace larder::inline v0::net
