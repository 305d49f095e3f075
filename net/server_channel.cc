// The server's work for connections with a channel (net/channel.h) between socket and client.
//
// In:  one read of ciphertext goes to the channel. Then as much plaintext goes to the client as its room takes, as if
//      that had been read. What is left in the channel causes no event: the connection is marked for the next turn's
//      reads as soon as its client has no input left, and until then its socket is not read.
// Out: the client's output moves into the channel as far as the channel takes it, and the channel's output is written.
//      The rest stays with the client, where limits count it. A channel also has output of its own, such as a handshake's.
//
// INFO counts the client's bytes, as in Redis.
#include <errno.h>

#include <algorithm>

#include "lib/base/check.h"
#include "net/server.h"

namespace larder::inline v0::net {

void Server::HandleChannelRead(Connection& connection, ssize_t result) {
  const bool sound = connection.channel->CommitInput(static_cast<size_t>(std::max<ssize_t>(result, 0)));
  if (!sound) return ChannelFailed(connection);
  if (result > 0) {
    all_.Touch(connection, now_us_);
    // The channel may have output of its own, and the end of a handshake lets go of output that its client had before.
    Mark(connection, &Connection::to_flush, to_flush_);
    TakePlain(connection);
  } else if (result == 0) {
    InputEnded(connection);
  } else if (result != -EAGAIN && result != -EWOULDBLOCK) {
    Close(connection);
  }
}

void Server::TakePlain(Connection& connection) {
  Channel& channel = *connection.channel;
  size_t taken = 0;
  if (channel.HasPlain()) {
    const std::span<char> room = connection.client->PrepareRead();
    if (room.empty()) return NoMemory(connection);
    while (taken < room.size() && channel.HasPlain()) {
      const size_t n = channel.TakePlain(room.subspan(taken));
      if (n == 0) break;
      taken += n;
    }
    connection.client->CommitRead(taken);
    if (!channel.error().empty()) return ChannelFailed(connection);
    if (channel.output_bytes() > 0) Mark(connection, &Connection::to_flush, to_flush_);
  }
  if (taken > 0) HasInput(connection, taken);
  if (!connection.closing && channel.AtEnd() && !channel.HasPlain()) InputEnded(connection);
}

// REQUIRES: the connection is not running, and its client has no input left.
void Server::MarkPlain(Connection& connection) {
  if (connection.channel->HasPlain()) Mark(connection, &Connection::to_read, to_read_);
}

// Moves the client's output into the channel. Returns false if that has failed and the connection is closed.
bool Server::FillChannel(Connection& connection) {
  Channel& channel = *connection.channel;
  Client& client = *connection.client;
  while (client.output_bytes() > 0) {
    iovec pieces[kPiecesMax];
    const size_t taken = channel.PutPlain({pieces, client.Output(pieces, kPiecesMax)});
    if (taken == 0) break;
    client.ConsumeOutput(taken);
    count_.output_bytes += taken;
  }
  if (!channel.error().empty()) {
    ChannelFailed(connection);
    return false;
  }
  if (client.output_bytes() == 0 && ClosesWhenSent(connection)) channel.Finish();
  return true;
}

void Server::AddChannelWrite(Connection& connection, WriteRound& round) {
  if (OverOutputLimit(connection)) return Close(connection);
  if (!FillChannel(connection)) return;
  if (connection.channel->output_bytes() == 0) return HandleChannelWrite(connection, 0);
  if (connection.blocked && !connection.has_room) return;
  AddOp(connection, round);
}

void Server::HandleChannelWrite(Connection& connection, size_t sent) {
  Channel& channel = *connection.channel;
  if (sent > 0) {
    channel.ConsumeOutput(sent);
    all_.Touch(connection, now_us_);
    if (channel.output_bytes() == 0 && !FillChannel(connection)) return;
  }
  if (channel.output_bytes() > 0) return WatchWritable(connection);
  if (connection.client->output_bytes() == 0) return AllSent(connection);
  // There is output for a peer that has yet to end the handshake, or never will.
  if (connection.at_end) return Close(connection);
  UnwatchWritable(connection);
}

void Server::ChannelFailed(Connection& connection) {
  const bool established = connection.channel->established();
  const base::Line line(established ? "Reading from client: " : "Error accepting a client connection: ",
                        connection.channel->error(), " (", Describe(connection), ")");
  service_.Log(established ? LogLevel::kVerbose : LogLevel::kWarning, line.view());
  Close(connection);
}

// Sends the channel's last output, an alert or a good-bye, if the socket takes it at once.
void Server::EndChannel(Connection& connection) {
  Channel& channel = *connection.channel;
  channel.Finish();
  iovec pieces[kPiecesMax];
  WriteOp op{connection.fd.get(), pieces, channel.Output(pieces, kPiecesMax), 0};
  if (op.pieces_count > 0) backend_.WriteAll({&op, 1});
  connection.channel.reset();
}

}  // namespace larder::inline v0::net
