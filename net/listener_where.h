// Where: the addresses on which a listener listens and how, from its own options and its cache's.
#ifndef LARDER_NET_LISTENER_WHERE_H_
#define LARDER_NET_LISTENER_WHERE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/net/listener.h>
#include <larder/options.h>
#include "lib/base/error_texts.h"
#include "lib/base/guarded.h"
#include "lib/base/status.h"
#include "net/channel.h"
#include "net/socket.h"

namespace larder::inline v0 {

constexpr std::string_view kNoTls =
    "this program has no TLS: its listener was started without ListenerOptions::tls (//net:tls)";

// One of the two kinds of TCP: plain and TLS.
struct WhereTcp {
  bool on = false;
  int port = 0;       // 0: any
  int directive = 0;  // the option, for a listener that follows it
  bool follows = false;
};

struct Where {
  std::vector<std::string> bind;
  WhereTcp tcp[2];  // plain, TLS
  const TlsProvider* tls = nullptr;
  std::shared_ptr<net::ChannelFactory> channels;
  std::string unixsocket;
  uint32_t unixsocketperm = 0;
  bool takes_unixsocket = false;
  int backlog = 511;
  AeApi api = AeApi::kAuto;
  const IoUring* io_uring = nullptr;
  bool own_clock = false;  // the program's, not the machine's
};

// Returns what `fn` returns, and RESOURCE_EXHAUSTED if it threw.
template <class F>
absl::Status Guarded(F&& fn) {
  absl::Status status;
  if (!base::Guarded([&] { status = fn(); })) status = base::NoMemory(base::kNoMemoryForListener);
  return status;
}

// Fills *where. It works on a copy of the cache's options, because it reads files and takes memory, which under the
// executor would keep others waiting. It may throw, so that the caller calls it inside Guarded.
absl::Status Resolve(const Options& cache_options, const ListenerOptions& options, Where* where);

absl::StatusOr<std::vector<net::ListeningSocket>> ListenOn(bool tls, const std::vector<std::string>& bind, int port,
                                                           int backlog);

}  // namespace larder::inline v0

#endif  // LARDER_NET_LISTENER_WHERE_H_
