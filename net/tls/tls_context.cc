#include "net/tls/tls_context.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <string_view>

#include "lib/base/buffer.h"
#include "lib/base/guarded.h"
#include "lib/base/status.h"
#include "net/tls/tls_channel.h"

namespace larder::inline v0::net {
namespace {

using X509Ptr = OpenSslPtr<X509, X509_free>;
using PkeyPtr = OpenSslPtr<EVP_PKEY, EVP_PKEY_free>;
using BioPtr = OpenSslPtr<BIO, BIO_free>;

// A file of certificates has some KB; all the authorities of a system have 200 KB.
constexpr size_t kFileBytesMax = 16 << 20;
constexpr unsigned char kSessionContext[] = "larder";

absl::Status OutOfMemory() {
  return base::NoMemory("out of memory for TLS");
}

template <class... Parts>
absl::Status Invalid(const Parts&... parts) {
  return base::MakeStatus(absl::StatusCode::kInvalidArgument, base::FixedText<1023>(parts...).view());
}

using Reason = base::FixedText<255>;

// The text of a failed system call, as OpenSSL prints it.
Reason SystemErrorText(int error) {
  char text[256];
  ERR_error_string_n(ERR_SYSTEM_FLAG | static_cast<unsigned>(error), text, sizeof(text));
  return Reason(static_cast<const char*>(text));
}

// Returns "", or why the file could not be read.
Reason ReadFile(const std::string& path, base::Buffer* to) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemErrorText(errno);
  Reason error;
  for (;;) {
    if (to->size() > kFileBytesMax) error = SystemErrorText(EFBIG);
    else if (!to->Reserve(16 << 10)) error = SystemErrorText(ENOMEM);
    if (!error.empty()) break;
    const ssize_t n = read(fd, to->data() + to->size(), to->capacity() - to->size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) error = SystemErrorText(errno);
    if (n <= 0) break;
    to->Extend(static_cast<size_t>(n));
  }
  close(fd);
  return error;
}

BioPtr MemoryBio(const base::Buffer& bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data() != nullptr ? bytes.data() : "", static_cast<int>(bytes.size())));
}

// It replaces OpenSSL's own callback, which asks on the terminal.
int GivePassword(char* to, int size, int /*writing*/, void* arg) {
  const std::string& password = *static_cast<const std::string*>(arg);
  if (password.empty() || password.size() > static_cast<size_t>(size)) return -1;
  memcpy(to, password.data(), password.size());
  return static_cast<int>(password.size());
}

std::string_view NextWord(std::string_view* text) {
  text->remove_prefix(std::min(text->find_first_not_of(' '), text->size()));
  const std::string_view word = text->substr(0, text->find(' '));
  text->remove_prefix(word.size());
  return word;
}

struct Version {
  std::string_view name;
  uint64_t off;  // SSL_OP_*
};
constexpr Version kVersions[] = {{"TLSv1", SSL_OP_NO_TLSv1},
                                 {"TLSv1.1", SSL_OP_NO_TLSv1_1},
                                 {"TLSv1.2", SSL_OP_NO_TLSv1_2},
                                 {"TLSv1.3", SSL_OP_NO_TLSv1_3}};

}  // namespace

ErrorScope::ErrorScope() : had_errors_(ERR_peek_error() != 0) { ERR_set_mark(); }
ErrorScope::~ErrorScope() { ERR_pop_to_mark(); }

base::FixedText<255> ErrorScope::text() const {
  const unsigned long error = had_errors_ ? ERR_peek_last_error() : ERR_peek_error();
  if (error == 0) return Reason("error without a reason");
  char text[256];
  ERR_error_string_n(error, text, sizeof(text));
  return Reason(static_cast<const char*>(text));
}

absl::StatusOr<std::shared_ptr<ChannelFactory>> TlsContext::Create(const Options& options) {
  // OpenSSL must not clean up in an exit handler, while a listener's thread may be inside of it. This is our first call
  // of it.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  const ErrorScope errors;
  std::shared_ptr<TlsContext> context;
  absl::Status status = OutOfMemory();
  (void)base::Guarded([&] {
    context.reset(new TlsContext);
    status = context->Configure(options);
  });
  // This may be a thread of the host's, which lives on. What OpenSSL keeps for it in our library context is freed.
  if (context != nullptr && context->library_ != nullptr) OPENSSL_thread_stop_ex(context->library_.get());
  if (!status.ok()) return status;
  return context;
}

std::unique_ptr<Channel> TlsContext::Accept() { return TlsChannel::Create(shared_from_this()); }

absl::Status TlsContext::Configure(const Options& options) {
  if (options.tls_cert_file.empty()) return Invalid("No tls-cert-file configured!");
  if (options.tls_key_file.empty()) return Invalid("No tls-key-file configured!");
  const bool authorities = !options.tls_ca_cert_file.empty() || !options.tls_ca_cert_dir.empty();
  if (options.tls_auth_clients != TlsAuthClients::kNo && !authorities) {
    return Invalid(
        "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or "
        "tls-auth-clients are enabled!");
  }
  library_.reset(OSSL_LIB_CTX_new());
  bio_method_.reset(TlsChannel::NewBioMethod());
  if (library_ == nullptr || bio_method_ == nullptr) return OutOfMemory();
  ctx_.reset(SSL_CTX_new_ex(library_.get(), nullptr, TLS_server_method()));
  if (ctx_ == nullptr) return OutOfMemory();

  // Our BIO takes all that it is given, so a write is never cut short. Idle connections keep no buffers.
  SSL_CTX_set_mode(ctx_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(ctx_.get(), SSL_OP_NO_SSLv3 | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  if (options.tls_prefer_server_ciphers) SSL_CTX_set_options(ctx_.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  SetSessions(options);
  absl::Status status = SetProtocols(options);
  if (status.ok()) status = SetCertificate(options.tls_cert_file);
  if (status.ok()) status = SetKey(options.tls_key_file, options.tls_key_file_pass);
  if (status.ok()) status = SetAuthorities(options);
  if (status.ok()) status = SetCiphers(options);
  if (status.ok() && !options.tls_dh_params_file.empty()) status = SetDhParameters(options.tls_dh_params_file);
  return status;
}

absl::Status TlsContext::SetProtocols(const Options& options) {
  uint64_t off = 0;
  for (const Version& version : kVersions) off |= version.off;
  std::string_view words = options.tls_protocols.empty() ? "TLSv1.2 TLSv1.3" : std::string_view(options.tls_protocols);
  for (std::string_view word = NextWord(&words); !word.empty(); word = NextWord(&words)) {
    const Version* const version =
        std::find_if(std::begin(kVersions), std::end(kVersions), [word](const Version& one) {
          return one.name.size() == word.size() && strncasecmp(one.name.data(), word.data(), word.size()) == 0;
        });
    if (version == std::end(kVersions)) {
      return Invalid(
          "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.");
    }
    off &= ~version->off;
  }
  SSL_CTX_set_options(ctx_.get(), off);
  return absl::OkStatus();
}

absl::Status TlsContext::SetCertificate(const std::string& path) {
  const auto fail = [&path](const Reason& why) { return Invalid("Failed to load certificate: ", path, ": ", why); };
  base::Buffer file;
  if (const Reason error = ReadFile(path, &file); !error.empty()) return fail(error);
  const ErrorScope errors;
  const BioPtr bio = MemoryBio(file);
  const auto next = [&](auto* read) -> X509Ptr {
    X509* certificate = X509_new_ex(library_.get(), nullptr);
    // If nothing can be read into it, `read` frees it and sets it to null.
    std::string no_password;
    if (bio == nullptr || certificate == nullptr ||
        read(bio.get(), &certificate, GivePassword, &no_password) == nullptr) {
      X509_free(certificate);
      return nullptr;
    }
    return X509Ptr(certificate);
  };
  const X509Ptr leaf = next(PEM_read_bio_X509_AUX);
  if (leaf == nullptr || SSL_CTX_use_certificate(ctx_.get(), leaf.get()) != 1) return fail(errors.text());
  while (X509Ptr issuer = next(PEM_read_bio_X509)) {
    if (SSL_CTX_add0_chain_cert(ctx_.get(), issuer.get()) != 1) return fail(errors.text());
    (void)issuer.release();
  }
  // The end of the file is reported as a missing start line; anything else is a fault in the file.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) return fail(errors.text());
  return absl::OkStatus();
}

absl::Status TlsContext::SetKey(const std::string& path, const std::string& password) {
  const auto fail = [&path](const Reason& why) { return Invalid("Failed to load private key: ", path, ": ", why); };
  base::Buffer file;
  const Reason error = ReadFile(path, &file);
  if (!error.empty()) return fail(error);
  const ErrorScope errors;
  const BioPtr bio = MemoryBio(file);
  if (bio == nullptr) return OutOfMemory();
  const PkeyPtr key(PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, GivePassword, const_cast<std::string*>(&password),
                                               library_.get(), nullptr));
  OPENSSL_cleanse(file.data(), file.size());
  if (key == nullptr || SSL_CTX_use_PrivateKey(ctx_.get(), key.get()) != 1 ||
      SSL_CTX_check_private_key(ctx_.get()) != 1) {
    return fail(errors.text());
  }
  return absl::OkStatus();
}

absl::Status TlsContext::SetAuthorities(const Options& options) {
  int verify = SSL_VERIFY_NONE;
  if (options.tls_auth_clients != TlsAuthClients::kNo) verify = SSL_VERIFY_PEER;
  if (options.tls_auth_clients == TlsAuthClients::kYes) verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(ctx_.get(), verify, nullptr);
  const auto fail = [](const auto& why) {
    return Invalid("Failed to configure CA certificate(s) file/directory: ", why);
  };
  const ErrorScope errors;
  if (!options.tls_ca_cert_file.empty()) {
    base::Buffer file;
    if (const Reason error = ReadFile(options.tls_ca_cert_file, &file); !error.empty()) return fail(error);
    const BioPtr bio = MemoryBio(file);
    if (bio == nullptr) return OutOfMemory();
    std::string no_password;
    STACK_OF(X509_INFO)* const infos =
        PEM_X509_INFO_read_bio_ex(bio.get(), nullptr, GivePassword, &no_password, library_.get(), nullptr);
    if (infos == nullptr) return fail(errors.text());
    X509_STORE* const store = SSL_CTX_get_cert_store(ctx_.get());
    int certificates = 0;
    bool added = true;
    for (int i = 0; i < sk_X509_INFO_num(infos); ++i) {
      const X509_INFO* const info = sk_X509_INFO_value(infos, i);
      if (info->x509 != nullptr) certificates += X509_STORE_add_cert(store, info->x509) == 1 ? 1 : (added = false);
      if (info->crl != nullptr) added &= X509_STORE_add_crl(store, info->crl) == 1;
    }
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    if (!added) return fail(errors.text());
    if (certificates == 0) return fail(base::FixedText<511>("no certificate in ", options.tls_ca_cert_file));
  }
  if (!options.tls_ca_cert_dir.empty() && SSL_CTX_load_verify_dir(ctx_.get(), options.tls_ca_cert_dir.c_str()) != 1) {
    return fail(errors.text());
  }
  return absl::OkStatus();
}

absl::Status TlsContext::SetCiphers(const Options& options) {
  const ErrorScope errors;
  if (!options.tls_ciphers.empty() && SSL_CTX_set_cipher_list(ctx_.get(), options.tls_ciphers.c_str()) != 1) {
    return Invalid("Failed to configure ciphers: ", options.tls_ciphers);
  }
  if (!options.tls_ciphersuites.empty() &&
      SSL_CTX_set_ciphersuites(ctx_.get(), options.tls_ciphersuites.c_str()) != 1) {
    return Invalid("Failed to configure ciphersuites: ", options.tls_ciphersuites);
  }
  return absl::OkStatus();
}

absl::Status TlsContext::SetDhParameters(const std::string& path) {
  const auto fail = [&path](const Reason& why) { return Invalid("Failed to load ", path, ": ", why); };
  base::Buffer file;
  if (const Reason error = ReadFile(path, &file); !error.empty()) return fail(error);
  const ErrorScope errors;
  const BioPtr bio = MemoryBio(file);
  if (bio == nullptr) return OutOfMemory();
  PkeyPtr parameters(PEM_read_bio_Parameters_ex(bio.get(), nullptr, library_.get(), nullptr));
  if (parameters == nullptr) return fail(errors.text());
  if (SSL_CTX_set0_tmp_dh_pkey(ctx_.get(), parameters.get()) != 1) return fail(errors.text());
  (void)parameters.release();
  return absl::OkStatus();
}

void TlsContext::SetSessions(const Options& options) {
  SSL_CTX* const ctx = ctx_.get();
  if (!options.tls_session_caching) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx, 0);
    return;
  }
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(ctx, options.tls_session_cache_size);
  SSL_CTX_set_timeout(ctx, options.tls_session_cache_timeout);
  // Without an id context, a client with a certificate could not resume its session.
  SSL_CTX_set_session_id_context(ctx, kSessionContext, sizeof(kSessionContext) - 1);
}

}  // namespace larder::inline v0::net
