#include "net/listener_where.h"

#include <optional>
#include <utility>

#include "lib/base/fixed_text.h"
#include "lib/base/guarded.h"
#include "lib/base/status.h"

namespace larder::inline v0 {
namespace {

absl::Status Invalid(std::string_view message) {
  return base::MakeStatus(absl::StatusCode::kInvalidArgument, message);
}

WhereTcp ResolveTcp(int directive, const std::optional<int>& own, bool any, bool own_bind) {
  WhereTcp tcp{.port = own.value_or(directive), .directive = directive};
  tcp.follows = !own_bind && !own.has_value() && !any;
  tcp.on = any || tcp.port != 0;
  if (any) tcp.port = 0;
  return tcp;
}

}  // namespace

absl::Status Resolve(const Options& cache_options, const ListenerOptions& options, Where* where) {
  const bool own_bind = options.bind.has_value();
  where->bind = own_bind ? *options.bind : *cache_options.bind;
  where->tcp[0] = ResolveTcp(cache_options.port, options.port, options.any_port, own_bind);
  if (cache_options.any_port && !options.port.has_value()) {
    where->tcp[0].on = true;
    where->tcp[0].port = 0;
  }
  where->tcp[1] = ResolveTcp(cache_options.tls_port, options.tls_port, options.any_tls_port, own_bind);
  where->tls = options.tls;
  where->unixsocket = options.unixsocket.has_value() ? *options.unixsocket : cache_options.unixsocket;
  where->unixsocketperm = options.unixsocketperm.value_or(cache_options.unixsocketperm);
  where->backlog = cache_options.tcp_backlog;
  where->api = cache_options.ae_api;
  where->own_clock = cache_options.clock != nullptr;
  where->io_uring = options.io_uring;
  where->takes_unixsocket = options.takes_unixsocket;
  if (where->tcp[1].on && where->tls != nullptr) {
    absl::StatusOr<std::shared_ptr<net::ChannelFactory>> channels = where->tls->Configure(cache_options);
    if (!channels.ok()) {
      const base::Line text("Failed to configure TLS: ", channels.status().message());
      return base::MakeStatus(channels.status().code(), text.view());
    }
    where->channels = *std::move(channels);
  }
  for (WhereTcp& tcp : where->tcp) {
    if (tcp.port < 0 || tcp.port > 65535) return Invalid("port must be between 0 and 65535");
    tcp.on &= !where->bind.empty();
  }
  if (where->tcp[1].on && where->tls == nullptr) {
    return base::MakeStatus(absl::StatusCode::kUnimplemented, base::Line("tls-port: ", kNoTls).view());
  }
  if (!where->tcp[0].on && !where->tcp[1].on && where->unixsocket.empty()) {
    return Invalid("nothing to listen on: there is neither a port nor a unixsocket");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<net::ListeningSocket>> ListenOn(bool tls, const std::vector<std::string>& bind, int port,
                                                           int backlog) {
  absl::StatusOr<std::vector<net::ListeningSocket>> sockets = net::ListenTcp(bind, port, backlog);
  if (sockets.ok()) {
    for (net::ListeningSocket& socket : *sockets) socket.tls = tls;
  }
  return sockets;
}

}  // namespace larder::inline v0
