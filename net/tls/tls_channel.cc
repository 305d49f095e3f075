#include "net/tls/tls_channel.h"

#include <string.h>

#include <algorithm>
#include <new>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/check.h"

namespace larder::inline v0::net {
namespace {

constexpr std::string_view kOutOfMemory = "out of memory";

}  // namespace

// A call that did not succeed has either found no more input, which our BIO knows, or failed. SSL_get_error would look
// at the thread's queue of errors, where the host may have left some, and SSL_want says "reading" after failures too.

std::unique_ptr<TlsChannel> TlsChannel::Create(std::shared_ptr<const TlsContext> context) {
  const ErrorScope errors;
  std::unique_ptr<TlsChannel> channel(new (std::nothrow) TlsChannel(std::move(context)));
  if (channel == nullptr) return nullptr;
  channel->ssl_.reset(SSL_new(channel->context_->ctx()));
  BIO* const bio = BIO_new(channel->context_->bio_method());
  if (channel->ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    return nullptr;
  }
  BIO_set_data(bio, channel.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(channel->ssl_.get(), bio, bio);  // the SSL owns it from here on
  SSL_set_accept_state(channel->ssl_.get());
  return channel;
}

// ---- The BIO --------------------------------------------------------------------------------------------------------

// The type has no number from BIO_get_new_index: a process has only 127 of them, and they only serve BIO_find_type.
BIO_METHOD* TlsChannel::NewBioMethod() {
  BIO_METHOD* const method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "larder");
  if (method == nullptr) return nullptr;
  BIO_meth_set_read(method, BioRead);
  BIO_meth_set_write(method, BioWrite);
  BIO_meth_set_ctrl(method, BioControl);
  return method;
}

int TlsChannel::BioRead(BIO* bio, char* to, int size) {
  TlsChannel& self = *static_cast<TlsChannel*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const size_t n = std::min(self.in_.size() - self.taken_, static_cast<size_t>(std::max(size, 0)));
  if (n == 0) {
    self.starved_ = true;
    BIO_set_retry_read(bio);
    return -1;
  }
  memcpy(to, self.in_.data() + self.taken_, n);
  self.taken_ += n;
  return static_cast<int>(n);
}

int TlsChannel::BioWrite(BIO* bio, const char* from, int size) {
  TlsChannel& self = *static_cast<TlsChannel*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const size_t n = static_cast<size_t>(std::max(size, 0));
  if (self.output_bytes() + n > kOutputMax || !self.out_.Append({from, n})) {
    self.output_failed_ = true;
    return -1;
  }
  return size;
}

long TlsChannel::BioControl(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// ---- In -------------------------------------------------------------------------------------------------------------

void TlsChannel::DropTakenInput() {
  if (taken_ == in_.size()) {
    in_.Free();
  } else {
    in_.DropFront(taken_);
  }
  taken_ = 0;
}

std::span<char> TlsChannel::PrepareInput() {
  DropTakenInput();
  const size_t wanted = reads_large_ ? kLargeReadBytes : kReadBytes;
  if (!in_.Reserve(wanted)) {
    in_.ClearFailed();
    return {};
  }
  return {in_.data() + in_.size(), wanted};
}

bool TlsChannel::CommitInput(size_t n) {
  LARDER_DCHECK(error_.empty());
  reads_large_ = n == (reads_large_ ? kLargeReadBytes : kReadBytes);
  in_.Extend(n);  // within the reserved room
  if (n == 0) return true;
  if (!established_ && !Handshake()) return false;
  may_have_plain_ = established_;
  return true;
}

// Does the handshake as far as the input goes. Returns false if it has failed.
bool TlsChannel::Handshake() {
  const ErrorScope errors;
  starved_ = false;
  established_ = SSL_do_handshake(ssl_.get()) == 1;
  if (established_) return true;
  if (starved_) {
    DropTakenInput();  // so a peer that stalls here does not hold the room of a read
    return true;
  }
  Fail(errors.text().view());
  return false;
}

size_t TlsChannel::TakePlain(std::span<char> room) {
  if (!may_have_plain_ || room.empty()) return 0;
  const ErrorScope errors;
  starved_ = false;
  size_t n = 0;
  if (SSL_read_ex(ssl_.get(), room.data(), room.size(), &n) == 1) return n;
  may_have_plain_ = false;
  if ((SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0) {
    at_end_ = true;
  } else if (!starved_) {
    Fail(errors.text().view());
  }
  DropTakenInput();
  return 0;
}

// ---- Out ------------------------------------------------------------------------------------------------------------

size_t TlsChannel::PutPlain(std::span<const iovec> pieces) {
  if (!established_ || finished_ || !error_.empty()) return 0;
  char gathered[kRecordMax];
  size_t taken = 0;
  size_t at = 0;  // in the first of `pieces`
  while (!pieces.empty() && output_bytes() < kOutputFull) {
    const char* record = static_cast<const char*>(pieces[0].iov_base) + at;
    size_t n = std::min(pieces[0].iov_len - at, kRecordMax);
    if (n < kRecordMax && pieces.size() > 1) {
      // A record costs 22 bytes and 0.3 us whatever its size, so small pieces share one.
      for (n = 0; n < kRecordMax && !pieces.empty();) {
        const size_t more = std::min(pieces[0].iov_len - at, kRecordMax - n);
        memcpy(gathered + n, static_cast<const char*>(pieces[0].iov_base) + at, more);
        n += more;
        at += more;
        if (at < pieces[0].iov_len) break;
        pieces = pieces.subspan(1);
        at = 0;
      }
      record = gathered;
    } else if (at += n; at == pieces[0].iov_len) {
      pieces = pieces.subspan(1);
      at = 0;
    }
    if (n > 0 && !PutRecord(record, n)) break;
    taken += n;
  }
  return taken;
}

bool TlsChannel::PutRecord(const char* from, size_t n) {
  const ErrorScope errors;
  size_t written = 0;
  if (SSL_write_ex(ssl_.get(), from, n, &written) == 1) {
    LARDER_DCHECK(written == n);
    return true;
  }
  Fail(errors.text().view());
  return false;
}

size_t TlsChannel::Output(iovec* pieces, size_t max) const {
  if (output_bytes() == 0 || max == 0) return 0;
  pieces[0] = {const_cast<char*>(out_.data()) + sent_, output_bytes()};
  return 1;
}

void TlsChannel::ConsumeOutput(size_t n) {
  LARDER_DCHECK(n <= output_bytes());
  sent_ += n;
  if (output_bytes() > 0 && sent_ < kOutputFull) return;
  if (output_bytes() == 0) {
    out_.Free();
  } else {
    out_.DropFront(sent_);
  }
  sent_ = 0;
}

void TlsChannel::Finish() {
  if (!established_ || !error_.empty() || std::exchange(finished_, true)) return;
  const ErrorScope errors;
  SSL_shutdown(ssl_.get());  // this says good-bye and does not wait for the peer's
}

void TlsChannel::Fail(std::string_view why) {
  if (output_failed_) {
    error_ = out_.failed() ? kOutOfMemory : "the peer asks without reading the answers";
  } else {
    error_ = error_text_.Assign(why) ? error_text_.view() : kOutOfMemory;
  }
  may_have_plain_ = false;
}

}  // namespace larder::inline v0::net
