// What an outside project does first: opens a cache, sets a key, gets it, runs code of its own in the cache's order,
// and switches the listener on.
#include <larder/cache.h>
#include <larder/version.h>

#ifndef WITHOUT_LISTENER
#include <larder/net/listener.h>
#endif
#ifdef WITH_TLS
#include <larder/net/tls.h>
#endif
#ifdef WITH_URING
#include <larder/net/uring.h>
#endif

#include <stdexcept>
#include <string_view>

namespace {

// A plain Status, a StatusOr of ours and an exception of the program's own all have to pass the library's boundary.
int UseCache(larder::Cache& cache) {
  if (!cache.Set("lamp", "lit", {.ttl = absl::Minutes(5)}).ok()) return 10;
  const auto value = cache.Get("lamp");
  if (!value.ok() || *value != "lit") return 11;
  if (cache.Increment("lamp").ok()) return 12;
  const auto reply = cache.Execute({"GETRANGE", "lamp", "0", "1"});
  if (!reply.ok()) return 13;
  try {
    (void)cache.View("lamp", [](std::optional<std::string_view>) { throw std::runtime_error("mine"); });
    return 14;
  } catch (const std::runtime_error&) {
  }
  return cache.Delete("lamp").ok() ? 0 : 15;
}

#ifdef WITH_TLS
// A file without a certificate in it is refused by OpenSSL itself, so this shows that it is there.
int UseTls() {
  larder::Options options;
  options.tls_auth_clients = larder::TlsAuthClients::kNo;
  options.tls_cert_file = "/dev/null";
  options.tls_key_file = "/dev/null";
  const auto channels = larder::Tls().Configure(options);
  return !channels.ok() && channels.status().message().find("no start line") != std::string_view::npos ? 0 : 20;
}
#endif

}  // namespace

int main() {
  larder::Options cache_options;
#ifdef WITH_URING
  cache_options.ae_api = larder::AeApi::kIoUring;
#endif
  auto cache = larder::Cache::Open(cache_options);
  if (!cache.ok()) return 1;
  if (const int failed = UseCache(**cache)) return failed;
#ifndef WITHOUT_LISTENER
  larder::ListenerOptions options;
  options.bind = {"127.0.0.1"};
  options.any_port = true;
#ifdef WITH_URING
  options.io_uring = &larder::Uring();
#endif
#ifdef WITH_TLS
  if (const int failed = UseTls()) return failed;
  options.tls = &larder::Tls();
#endif
  const auto listener = larder::Listener::Start(**cache, options);
  if (!listener.ok() || (*listener)->port() == 0) return 2;
#endif
  return (*cache)->Close(absl::InfiniteFuture()).ok() ? 0 : 3;
}
