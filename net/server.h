// The connections of one listener, on one loop. In each turn, after the loop has found out which sockets are ready, the
// server (AfterEvents) does this:
//
//   read every ready socket (one batch to the I/O backend) → parse up to a quota from each → ONE submission → replies
//   are in the clients' outputs → one send for each (one batch to the backend)
//
// A client with more input than its quota does not starve others: it goes on in the next turn, which then does not
// sleep, beside all clients that are ready by then. A client that has input left, or requests that run, is not read. So
// one client can take up one read and its replies, and the kernel's buffers hold back the rest.
//
// The executor may be busy with other threads. The batch then stays in the executor's queue, and the loop goes on
// accepting and reading others, whose requests make the next batch. The service wakes the loop when the first batch is
// done. The loop never waits for the executor.
//
// A connection with a channel (TLS) differs in two places: bytes from its socket go through the channel to its client,
// and its client's output goes through the channel to the socket (server_channel.cc).
//
// Replies that a peer does not take stay with its client, and the socket is watched for room. The client's later
// requests are still read and run, as Redis does (a client may well write its whole pipeline first), until
// client-output-buffer-limit is reached.
//
// Threads: everything belongs to the loop's thread but SessionWoken and WakeServer.
// Memory: room in the lists is taken when a connection is accepted, so that nothing in a turn can run out of it.
// Nothing here throws, and texts for the log are fixed arrays.
//
// net/notes/model.md has this turn in the light of the whole.
#ifndef LARDER_NET_SERVER_H_
#define LARDER_NET_SERVER_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "lib/base/fixed_text.h"
#include "net/ae/ae.h"
#include "net/channel.h"
#include "net/connection.h"
#include "net/io_backend.h"
#include "net/own_descriptors.h"
#include "net/service.h"
#include "net/socket.h"

namespace larder::inline v0::net {

class Server final : private WokenListener {
 public:
  // The arguments must outlive the server. If `descriptors` is not null, the server records in it which descriptors it
  // opens and closes.
  Server(ae::EventLoop& loop, IoBackend& backend, Service& service, OwnDescriptors* descriptors = nullptr);
  // Stops, and ends all clients. REQUIRES: the loop does not run; and as EndClients.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  enum Kind : uint8_t { kPlain, kTls, kUnix };
  // Accepts on these sockets of one kind. Errors: those of the loop; the server is of no use after one.
  absl::Status Start(Kind kind, std::vector<ListeningSocket> sockets);

  // Listens on these sockets instead of the TCP sockets of one kind that it has. Connections stay. REQUIRES: the caller
  // is no procedure of the server's own sockets.
  void ReplaceTcp(bool tls, std::vector<ListeningSocket> sockets);
  // Watches the sockets of one kind again. They were shut down, and listen once more.
  void WatchAgain(bool tls);

  // Connections of sockets with `tls` get their channels from these from now on; existing connections keep theirs.
  // REQUIRES: it is called before the server has such a socket.
  void SetChannels(std::shared_ptr<ChannelFactory> channels) { channels_ = std::move(channels); }

  // Closes all sockets, serves nobody from now on and has no more to do with the loop. It waits at most for a client's
  // command that is running. REQUIRES: the loop does not run, or the caller is a procedure of it and none of this
  // server's.
  void Stop();
  // Ends all clients. REQUIRES: Stop was called, and Service::Finish may be.
  void EndClients();

  size_t connections() const { return all_.size(); }

 private:
  static constexpr int kAcceptsMax = 1000;  // in one turn
  static constexpr int64_t kCronMs = 100;
  static constexpr int64_t kUnadmittedLookUs = 1'000'000;
  // How many connections that are not established yet are read in one turn. The handshake of TLS is some 0.4 ms of
  // computing. When a thousand peers come back at once, the others wait for this many of them in a turn, and not for
  // all.
  static constexpr size_t kHandshakesMax = 4;
  static constexpr size_t kOpsMax = 64;  // how many reads or writes are handed over at once
  static constexpr size_t kPiecesTotal = 256;

  // Pointers to connections. It grows when a connection is accepted.
  struct List {
    ae::GrowArray<Connection*> items;
    size_t count = 0;
    void Add(Connection& connection) { items[count++] = &connection; }
    void Swap(List& other);
  };
  struct ReadRound {
    ReadOp ops[kOpsMax];
    Connection* connections[kOpsMax];
    size_t count = 0;
  };
  struct WriteRound {
    WriteOp ops[kOpsMax];
    Connection* connections[kOpsMax];
    size_t count = 0;
    iovec pieces[kPiecesTotal];
    size_t pieces_count = 0;
  };

  static void OnAcceptable(ae::EventLoop& loop, int fd, void* data, int mask);
  static void OnReady(ae::EventLoop& loop, int fd, void* data, int mask);
  static int64_t OnCron(ae::EventLoop& loop, int64_t id, void* data);
  void WakeServer() override {
    const std::lock_guard<std::mutex> lock(wake_mutex_);
    if (!wakes_no_more_) loop_.WakeUp();
  }

  void AfterEvents();
  void TakeWoken();
  void ReadReady();
  void FinishReads(ReadRound& round);
  void HandleRead(Connection& connection, ssize_t result);
  void HasInput(Connection& connection, size_t n);
  void InputEnded(Connection& connection);
  void NoMemory(Connection& connection);
  void ParseReady();
  void SubmitBatch();
  void HandleBatch(Submitted submitted);
  void Flush();
  void AddWrite(Connection& connection, WriteRound& round);
  void FinishWrites(WriteRound& round);
  void HandleWrite(Connection& connection, ssize_t result);
  void AddOp(Connection& connection, WriteRound& round);
  bool ClosesWhenSent(const Connection& connection) const;
  void AllSent(Connection& connection);

  // These are for connections with a channel (server_channel.cc).
  void HandleChannelRead(Connection& connection, ssize_t result);
  void TakePlain(Connection& connection);
  void MarkPlain(Connection& connection);
  bool FillChannel(Connection& connection);
  void AddChannelWrite(Connection& connection, WriteRound& round);
  void HandleChannelWrite(Connection& connection, size_t sent);
  void ChannelFailed(Connection& connection);
  void EndChannel(Connection& connection);

  void AcceptReady(ListeningSocket& socket);
  absl::Status Watch(Kind kind);
  void Unwatch(Kind kind);
  bool Admit(const Accepted& accepted, const ListeningSocket& by);
  void Refuse(int fd, const ListeningSocket& by, std::string_view text);
  bool AddConnection(Accepted accepted, const ListeningSocket& by);
  bool ReserveLists();
  void PauseAccepting(int error);
  void ResumeAccepting();
  void StartCron();
  void CloseIdle();
  void CloseOverSoftLimit();
  void CloseUnadmitted();

  void Mark(Connection& connection, bool Connection::*mark, List& list);
  bool OverOutputLimit(Connection& connection);
  void WatchWritable(Connection& connection);
  void UnwatchWritable(Connection& connection);
  void Close(Connection& connection);
  void EndClient(Connection& connection);
  void FreeEnded();
  void FreeChain(Connection** chain);
  void CloseSockets(Kind kind);
  void CloseAll();
  base::FixedText<255> Describe(const Connection& connection) const;

  ae::EventLoop& loop_;
  IoBackend& backend_;
  Service& service_;
  OwnDescriptors* const descriptors_;
  ae::Hook hook_;
  std::vector<ListeningSocket> sockets_[3];  // by Kind; the loop points to their elements
  std::shared_ptr<ChannelFactory> channels_;
  ServerSettings settings_;
  ServerCount count_;
  bool counted_ = false;
  int64_t now_us_ = 0;

  ConnectionList all_;
  List to_read_;
  List to_parse_;
  List parsing_;
  List pending_;  // running: they are new or have requests, and belong to the next batch
  List batch_;    // running: they are with the executor
  List to_flush_;
  bool queued_ = false;
  size_t allocated_ = 0;  // how many connections there are, closed ones included
  size_t reserved_ = 0;   // how many each list has room for

  // Closed connections, whose clients the service ends: with the next batch, with the batch that runs, and already
  // ended.
  Connection* ending_next_ = nullptr;
  Connection* ending_in_batch_ = nullptr;
  Connection* ended_ = nullptr;

  int64_t cron_id_ = 0;  // 0: not running
  int64_t unadmitted_look_us_ = INT64_MIN;  // when CloseUnadmitted looks next
  size_t blocked_count_ = 0;
  bool accept_paused_ = false;
  int accept_error_ = 0;  // the last that was logged; 0 once a connection was accepted again
  bool closed_ = false;   // the cache is closed, or Stop was called
  bool stopped_ = false;
  bool clients_ended_ = false;
  std::mutex wake_mutex_;
  bool wakes_no_more_ = false;  // the loop may be gone
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_SERVER_H_
