// TlsContext: the tls-* directives in OpenSSL's form: a library context of our own, an SSL_CTX in it, and the type of
// our BIOs. It does not change; a reload makes another one.
//
// Files are read here and handed to OpenSSL as memory, because OpenSSL would open them without close-on-exec. Only
// tls-ca-cert-dir is left to OpenSSL, which searches it for the issuers of a client's certificate.
//
// Threads: any thread may call Create. After that the context is only read; OpenSSL locks the sessions that it keeps in
// it.
#ifndef LARDER_NET_TLS_TLS_CONTEXT_H_
#define LARDER_NET_TLS_TLS_CONTEXT_H_

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <larder/options.h>
#include "lib/base/fixed_text.h"
#include "net/channel.h"

namespace larder::inline v0::net {

template <auto kFree>
struct OpenSslDelete {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <class T, auto kFree>
using OpenSslPtr = std::unique_ptr<T, OpenSslDelete<kFree>>;

// OpenSSL's queue of errors belongs to the thread, which may be the host's. Inside of this scope the queue may grow; at
// its end the queue is as it was before. But a handshake, in OpenSSL, begins by emptying it.
class ErrorScope {
 public:
  ErrorScope();
  ~ErrorScope();
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
  // "error:0A0000C7:SSL routines::peer did not return a certificate": the first error in this scope.
  base::FixedText<255> text() const;

 private:
  bool had_errors_;
};

class TlsContext final : public ChannelFactory, public std::enable_shared_from_this<TlsContext> {
 public:
  // Errors: INVALID_ARGUMENT, RESOURCE_EXHAUSTED; the message is the line that Redis logs. It throws nothing.
  static absl::StatusOr<std::shared_ptr<ChannelFactory>> Create(const Options& options);

  std::unique_ptr<Channel> Accept() override;

  SSL_CTX* ctx() const { return ctx_.get(); }
  const BIO_METHOD* bio_method() const { return bio_method_.get(); }

 private:
  TlsContext() = default;
  absl::Status Configure(const Options& options);
  absl::Status SetProtocols(const Options& options);
  absl::Status SetCertificate(const std::string& path);
  absl::Status SetKey(const std::string& path, const std::string& password);
  absl::Status SetAuthorities(const Options& options);
  absl::Status SetDhParameters(const std::string& path);
  absl::Status SetCiphers(const Options& options);
  void SetSessions(const Options& options);

  // The order matters: the first member is freed last.
  OpenSslPtr<OSSL_LIB_CTX, OSSL_LIB_CTX_free> library_;
  OpenSslPtr<BIO_METHOD, BIO_meth_free> bio_method_;
  OpenSslPtr<SSL_CTX, SSL_CTX_free> ctx_;
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_TLS_TLS_CONTEXT_H_
