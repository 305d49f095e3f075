// A layer between a socket and a client's bytes: TLS (net/tls). A connection without a channel reads into its client
// and sends its client's output directly.
//
//   socket ─► PrepareInput, CommitInput ─► TakePlain ─► client
//   client ─► PutPlain ─► Output, ConsumeOutput ─► socket
//
// The server makes these calls; a channel touches no socket. Input may cause output: the answer in a handshake is
// output that no client asked for. So the server looks for output after every CommitInput.
//
// Threads: a channel belongs to the loop's thread.
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

  // Returns where the socket's next bytes are to go; it is empty if there is no memory. CommitInput must follow.
  virtual std::span<char> PrepareInput() = 0;
  // Returns false once the channel has failed, as error() tells. The rest of Output (an alert) is sent then, and the
  // connection is closed.
  virtual bool CommitInput(size_t n) = 0;

  // Puts plain bytes that have come into `room`, and returns how many. 0 means that there are none until more input
  // comes, or that the channel has failed, as error() tells.
  virtual size_t TakePlain(std::span<char> room) = 0;
  // Whether TakePlain may return some. It is false once TakePlain has returned 0, until more input comes.
  virtual bool HasPlain() const = 0;
  // The peer has said that it will send no more.
  virtual bool AtEnd() const = 0;

  // Takes as many bytes to be sent as it has room for, and returns how many; 0 before it is established. It holds a
  // bounded amount, so that a peer that does not read leaves the rest with its client, where client-output-buffer-limit
  // counts it.
  virtual size_t PutPlain(std::span<const iovec> pieces) = 0;
  virtual size_t output_bytes() const = 0;
  virtual size_t Output(iovec* pieces, size_t max) const = 0;  // returns how many pieces there are
  virtual void ConsumeOutput(size_t n) = 0;
  // Adds a good-bye, which is the last of the output. No PutPlain may follow. To call it again does nothing.
  virtual void Finish() = 0;

  // The handshake is over.
  virtual bool established() const = 0;
  virtual std::string_view error() const = 0;  // says in one line why it has failed; "" if it has not
};

// Makes the channels of a listener's connections, which may outlive it.
class ChannelFactory {
 public:
  virtual ~ChannelFactory() = default;
  virtual std::unique_ptr<Channel> Accept() = 0;  // null if there is no memory
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_CHANNEL_H_
