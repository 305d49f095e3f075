// A client for tests of TLS: OpenSSL between two buffers over a TestClient's socket, so that a test decides how the
// bytes are cut. And certificates, made by the openssl program.
#ifndef LARDER_TESTS_NET_TLS_CLIENT_H_
#define LARDER_TESTS_NET_TLS_CLIENT_H_

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "tests/net/temp_folder.h"
#include "tests/net/test_client.h"

namespace larder {

// ca, and by it: server, server2, client; stranger by another authority. <name>.crt and <name>.key. server.enc.key is
// server.key under the password "secret"; dh.pem has parameters.
class Certificates {
 public:
  Certificates() {
    const std::string script =
        "cd " + folder_.path() +
        " && exec > log 2>&1 && set -ex"
        " && key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }"
        " && authority() { key $1; openssl req -x509 -new -key $1.key -days 3650 -subj /CN=$1 -out $1.crt; }"
        " && signed() { key $1; openssl req -new -key $1.key -subj /CN=$1 -out $1.csr;"
        "    openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -set_serial $3 -days 3650 -out $1.crt; }"
        " && authority ca && authority other && signed server ca 1 && signed server2 ca 2 && signed client ca 3"
        " && signed stranger other 1"
        " && openssl ec -in server.key -aes256 -passout pass:secret -out server.enc.key"
        " && printf 'not PEM' > junk"
        " && openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out dh.pem"
        " && mkdir authorities && cp ca.crt authorities && openssl rehash authorities";
    EXPECT_EQ(system(script.c_str()), 0) << "see " << folder_.path();
  }
  std::string operator/(const std::string& name) const { return folder_.path() + "/" + name; }

 private:
  TempFolder folder_;
};

struct TlsClientOptions {
  std::string ca;                // "": trusts anybody
  std::string certificate;       // "": shows none
  std::string key;
  int version = 0;               // TLS1_2_VERSION...; 0: any
  SSL_SESSION* session = nullptr;
  size_t fragment = SIZE_MAX;    // bytes of one send
};

class TlsClient {
 public:
  TlsClient(int port, const TlsClientOptions& options) : socket_(TestClient::Tcp(port)), fragment_(options.fragment) {
    ctx_.reset(SSL_CTX_new(TLS_client_method()));
    if (!options.ca.empty()) {
      EXPECT_EQ(SSL_CTX_load_verify_file(ctx_.get(), options.ca.c_str()), 1);
      SSL_CTX_set_verify(ctx_.get(), SSL_VERIFY_PEER, nullptr);
    }
    if (!options.certificate.empty()) {
      EXPECT_EQ(SSL_CTX_use_certificate_file(ctx_.get(), options.certificate.c_str(), SSL_FILETYPE_PEM), 1);
      EXPECT_EQ(SSL_CTX_use_PrivateKey_file(ctx_.get(), options.key.c_str(), SSL_FILETYPE_PEM), 1);
    }
    if (options.version != 0) {
      SSL_CTX_set_min_proto_version(ctx_.get(), options.version);
      SSL_CTX_set_max_proto_version(ctx_.get(), options.version);
    }
    ssl_.reset(SSL_new(ctx_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (options.session != nullptr) SSL_set_session(ssl_.get(), options.session);
    SSL_set_connect_state(ssl_.get());
    ok_ = Drive([this] { return SSL_do_handshake(ssl_.get()); }) == 1;
  }

  bool ok() const { return ok_; }              // the client's side of the handshake is done
  const std::string& error() const { return error_; }
  bool said_good_bye() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  SSL* ssl() { return ssl_.get(); }
  TestClient& socket() { return socket_; }
  std::string peer_name() const {
    std::unique_ptr<X509, decltype(&X509_free)> peer(SSL_get1_peer_certificate(ssl_.get()), X509_free);
    char name[64] = "";
    if (peer != nullptr)
      X509_NAME_get_text_by_NID(X509_get_subject_name(peer.get()), NID_commonName, name, sizeof(name));
    return name;
  }

  bool Send(std::string_view bytes) {
    return Drive([&] { return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())); }) > 0;
  }
  // Reads nothing meanwhile, not even what TLS itself has to say.
  bool SendOnly(std::string_view bytes) {
    ERR_clear_error();
    const bool written = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
    ERR_clear_error();
    return Flush() && written;
  }
  // Between these, what is sent is kept, and then sent at once.
  void Hold() { held_ = true; }
  bool Release() {
    held_ = false;
    return Flush();
  }
  std::string Read(size_t n) {
    std::string bytes;
    char block[65536];
    while (bytes.size() < n) {
      const int got = Drive([&] {
        return SSL_read(ssl_.get(), block, static_cast<int>(std::min(sizeof(block), n - bytes.size())));
      });
      if (got <= 0) break;
      bytes.append(block, static_cast<size_t>(got));
    }
    return bytes;
  }
  std::string ReadLine() {
    std::string line;
    while (!line.ends_with("\r\n")) {
      const std::string byte = Read(1);
      if (byte.empty()) break;
      line += byte;
    }
    return line;
  }
  std::string ReadToEnd() { return Read(SIZE_MAX); }
  void Expect(std::string_view request, std::string_view reply) {
    EXPECT_TRUE(Send(request)) << error_;
    EXPECT_EQ(Read(reply.size()), reply) << "to " << request.substr(0, 100) << ": " << error_;
  }
  void SayGoodBye() {
    SSL_shutdown(ssl_.get());
    Flush();
  }

 private:
  // Repeats `call` with more input until it has succeeded or the connection has ended or failed.
  template <class F>
  int Drive(F call) {
    for (;;) {
      ERR_clear_error();
      const int result = call();
      const int why = SSL_get_error(ssl_.get(), result);
      if (why == SSL_ERROR_SSL) {
        const char* const reason = ERR_reason_error_string(ERR_peek_error());
        error_ = reason != nullptr ? reason : "?";
      }
      ERR_clear_error();
      Flush();
      if (why != SSL_ERROR_WANT_READ) return result;
      const std::string more = socket_.ReadSome();
      if (more.empty()) {
        error_ = "closed";
        return -1;
      }
      BIO_write(SSL_get_rbio(ssl_.get()), more.data(), static_cast<int>(more.size()));
    }
  }
  bool Flush() {
    char block[65536];
    int n;
    while (!held_ && (n = BIO_read(SSL_get_wbio(ssl_.get()), block, sizeof(block))) > 0) {
      for (std::string_view rest(block, static_cast<size_t>(n)); !rest.empty();) {
        const std::string_view piece = rest.substr(0, fragment_);
        if (!socket_.Send(piece)) return false;
        rest.remove_prefix(piece.size());
      }
    }
    return true;
  }

  TestClient socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> ctx_{nullptr, SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  size_t fragment_;
  std::string error_;
  bool ok_ = false;
  bool held_ = false;
};

}  // namespace larder

#endif  // LARDER_TESTS_NET_TLS_CLIENT_H_
