// What may stand between a socket and a client's bytes: TLS (net/tls). A connection without one reads into its client and
// sends its client's output directly.
//
//   socket ─► PrepareInput, CommitInput ─► TakePlain ─► client           (the server calls; nothing here touches a socket)
//   client ─► PutPlain ─► Output, ConsumeOutput ─► socket
//
// Either side may give rise to the other: a handshake's answer is output that no client asked for, so the server looks
// for output after every CommitInput.
//
// Threads: the loop's own.
#ifndef LARDER_NET_CHANNEL_H_
#define LARDER_NET_CHANNEL_H_

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace larder::inline v0::net {

class Channel {
 public:
  virtual ~Channel() = default;

  // Where the socket's next bytes are to go; empty if there is no memory for them. CommitInput must follow.
  virtual std::span<char> PrepareInput() = 0;
  // False once the channel has failed: what Output still has (an alert) is sent, then the connection is closed; error()
  // says why.
  virtual bool CommitInput(size_t n) = 0;

  // Plain bytes that have come, into `room`; how many. 0: none until more input, or it has failed, as error() tells.
  virtual size_t TakePlain(std::span<char> room) = 0;
  // Whether TakePlain may return some. False once it has returned 0, until more input.
  virtual bool HasPlain() const = 0;
  // The peer has said that it will send no more.
  virtual bool AtEnd() const = 0;

  // Takes bytes to be sent, as many as it has room for; how many, 0 before it is established. It holds a bounded
  // amount, so that a peer that does not read leaves the rest with its client, where client-output-buffer-limit counts.
  virtual size_t PutPlain(std::span<const iovec> pieces) = 0;
  virtual size_t output_bytes() const = 0;
  virtual size_t Output(iovec* pieces, size_t max) const = 0;  // returns how many pieces
  virtual void ConsumeOutput(size_t n) = 0;
  // Says good-bye: the last of the output. No PutPlain after it. Once is enough.
  virtual void Finish() = 0;

  // The handshake is over.
  virtual bool established() const = 0;
  virtual std::string_view error() const = 0;  // why it has failed, in one line; "" if it has not
};

// Makes the channels of a listener's connections, which may outlive it.
class ChannelFactory {
 public:
  virtual ~ChannelFactory() = default;
  virtual std::unique_ptr<Channel> Accept() = 0;  // null if there is no memory
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_CHANNEL_H_
