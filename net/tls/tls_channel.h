// TlsChannel: one connection's TLS, by an SSL object whose BIO reads from one buffer and writes to another. So OpenSSL
// never sees a socket: the loop's I/O backend does all input and output, and OpenSSL can cause no signal.
//
//   PrepareInput ─► in_ ─► BIO read ─► SSL ─► TakePlain            PutPlain ─► SSL ─► BIO write ─► out_ ─► Output
//
// Bounds: in_ holds the bytes of one read and at most one record before them. PutPlain stops once out_ holds
// kOutputFull. Answers of TLS itself (key updates, refused renegotiations) come on top, up to kOutputMax: a peer that
// asks for more of them without reading them has failed.
// Memory: both buffers are given back when they are empty, and so are OpenSSL's.
#ifndef LARDER_NET_TLS_TLS_CHANNEL_H_
#define LARDER_NET_TLS_TLS_CHANNEL_H_

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <memory>
#include <string_view>

#include "lib/base/buffer.h"
#include "net/channel.h"
#include "net/tls/tls_context.h"

namespace larder::inline v0::net {

class TlsChannel final : public Channel {
 public:
  static std::unique_ptr<TlsChannel> Create(std::shared_ptr<const TlsContext> context);  // null without memory
  static BIO_METHOD* NewBioMethod();

  std::span<char> PrepareInput() override;
  bool CommitInput(size_t n) override;
  size_t TakePlain(std::span<char> room) override;
  bool HasPlain() const override { return may_have_plain_; }
  bool AtEnd() const override { return at_end_; }
  size_t PutPlain(std::span<const iovec> pieces) override;
  size_t output_bytes() const override { return out_.size() - sent_; }
  size_t Output(iovec* pieces, size_t max) const override;
  void ConsumeOutput(size_t n) override;
  void Finish() override;
  bool established() const override { return established_; }
  std::string_view error() const override { return error_; }

 private:
  static constexpr size_t kRecordMax = 16 * 1024;         // plain bytes of one record
  static constexpr size_t kReadBytes = kRecordMax + 512;  // a whole record with the bytes that TLS adds
  static constexpr size_t kLargeReadBytes = 64 * 1024;
  static constexpr size_t kOutputFull = 64 * 1024;
  static constexpr size_t kOutputMax = 256 * 1024;

  explicit TlsChannel(std::shared_ptr<const TlsContext> context) : context_(std::move(context)) {}
  static int BioRead(BIO* bio, char* to, int size);
  static int BioWrite(BIO* bio, const char* from, int size);
  static long BioControl(BIO* bio, int command, long number, void* pointer);

  bool Handshake();
  bool PutRecord(const char* from, size_t n);
  void Fail(std::string_view why);
  void DropTakenInput();

  const std::shared_ptr<const TlsContext> context_;
  OpenSslPtr<SSL, SSL_free> ssl_;
  base::Buffer in_;
  size_t taken_ = 0;  // bytes of in_ that the BIO has taken
  base::Buffer out_;
  size_t sent_ = 0;
  std::string_view error_;    // "", or one of our own texts, or error_text_
  base::Buffer error_text_;  // OpenSSL's words, if there is memory for them
  bool established_ = false;
  bool finished_ = false;
  bool at_end_ = false;
  bool may_have_plain_ = false;
  bool starved_ = false;      // OpenSSL has asked for more input than there is
  bool reads_large_ = false;  // the last read filled its room
  bool output_failed_ = false;
};

}  // namespace larder::inline v0::net

#endif  // LARDER_NET_TLS_TLS_CHANNEL_H_
