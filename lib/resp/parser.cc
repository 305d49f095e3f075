#include "lib/resp/parser.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/numbers.h"
#include "lib/resp/inline_words.h"

namespace larder::inline v0::resp {
namespace {

constexpr char kNoMemory[] = "ERR out of memory for the request's arguments";
constexpr Bytes kExpectedBulk = "ERR Protocol error: expected '$', got ";  // and what there was
constexpr uint64_t kOnes = 0x0101010101010101u;

// Reads "<digits>\r" at p by one load of eight bytes, up to six digits. Returns how many digits there were; 0 if it is
// anything else (longer, malformed, a leading zero), which the slow way then judges. REQUIRES: 8 bytes at p.
size_t ReadShortLength(const char* p, uint64_t* length) {
  if constexpr (std::endian::native != std::endian::little) return 0;
  uint64_t word;
  std::memcpy(&word, p, 8);
  const uint64_t crs = word ^ (kOnes * '\r');
  const uint64_t zeros = (crs - kOnes) & ~crs & (kOnes * 0x80);  // exact up to the first CR
  if (zeros == 0) return 0;
  const size_t digits = static_cast<size_t>(std::countr_zero(zeros)) / 8;
  if (digits == 0 || digits > 6 || (digits > 1 && p[0] == '0')) return 0;
  // Right-aligned in eight digits, zeros in front.
  word = word << (64 - digits * 8) | (kOnes * '0') >> (digits * 8);
  const uint64_t high = kOnes * 0xf0;
  if (((word & high) | (((word + kOnes * 6) & high) >> 4)) != kOnes * 0x33) return 0;
  word = (word & (kOnes * 0x0f)) * 2561 >> 8;
  word = (word & 0x00ff00ff00ff00ffu) * 6553601 >> 16;
  *length = (word & 0x0000ffff0000ffffu) * 42949672960001u >> 32;
  return digits;
}

// Reads "<type><digits>CRLF" at p. Returns the header's length, 0 if it is cut or not of the usual kind.
inline size_t ReadShortHeader(const char* p, size_t arrived, char type, uint64_t* length) {
  if (arrived < 5 || *p != type) return 0;
  // One and two digits by hand: what follows waits for this number, and the general way takes four times as long.
  const uint64_t first = static_cast<unsigned char>(p[1]) - uint64_t{'0'};
  if (first > 9) return 0;
  if (p[2] == '\r') {
    *length = first;
    return 4;
  }
  const uint64_t second = static_cast<unsigned char>(p[2]) - uint64_t{'0'};
  if (p[3] == '\r' && second <= 9 && first != 0) {
    *length = first * 10 + second;
    return 5;
  }
  const size_t digits = arrived > 8 ? ReadShortLength(p + 1, length) : 0;
  return digits != 0 ? digits + 3 : 0;
}

}  // namespace

void RequestParser::Reset() {
  pos_ = scanned_ = wanted_ = 0;
  args_left_ = 0;
  bulk_length_ = -1;
  base_ = nullptr;
  partial_.reset();
  error_ = nullptr;
  blank_ = false;
}

Bytes RequestParser::error(std::span<char, kErrorMax> room) const {
  const Bytes text = error_ != nullptr ? error_ : "";
  if (text != kExpectedBulk) return text;
  const char character[] = {'\'', error_character_, '\''};
  static_assert(kExpectedBulk.size() + sizeof(character) <= kErrorMax);
  base::CopyBytes(room.data(), text);
  base::CopyBytes(room.data() + text.size(), {character, sizeof(character)});
  return {room.data(), text.size() + sizeof(character)};
}

RequestParser::Status RequestParser::Fail(const char* text, char character) {
  error_ = text;
  error_character_ = character;
  partial_.reset();
  return kError;
}

RequestParser::Status RequestParser::Next(Bytes input, size_t* consumed, ArgVector* argv) {
  *consumed = 0;
  wanted_ = 0;
  argv->Clear();
  if (error_ != nullptr) return kError;
  if (partial_ != nullptr && !partial_->empty()) {
    *argv = std::move(*partial_);
    if (base_ != input.data()) argv->Rebase(base_, input.data(), pos_);
    if (args_left_ == 0) {  // TakeBulk brought the last one
      *consumed = std::exchange(pos_, 0);
      scanned_ = 0;
      return kRequest;
    }
  }
  for (;;) {
    if (input.empty()) return kNeedMore;
    Status status;
    if (args_left_ > 0) {
      status = ParseBulks(input, argv);
    } else if (input[0] == '*') {
      status = ParseCount(input);
      if (status == kRequest && args_left_ > 0) status = ParseBulks(input, argv);
    } else {
      status = ParseInline(input, argv);
    }
    if (status == kNeedMore) return Suspend(input, argv);
    if (status == kError) {
      argv->Clear();
      return kError;
    }
    *consumed += pos_;
    input.remove_prefix(pos_);
    pos_ = scanned_ = 0;
    if (!argv->empty()) return kRequest;
    blank_ = true;
  }
}

RequestParser::Status RequestParser::Suspend(Bytes input, ArgVector* argv) {
  if (!argv->empty()) {
    if (!MakePartial()) {
      argv->Clear();
      return Fail(kNoMemory);
    }
    base_ = input.data();
    *partial_ = std::move(*argv);
  }
  return kNeedMore;
}

bool RequestParser::MakePartial() {
  if (partial_ == nullptr) partial_.reset(new (std::nothrow) ArgVector());
  return partial_ != nullptr;
}

// The views into the input must be right now: later they could not be told from one into a block that was given memory
// which the input had once.
void RequestParser::TakeBulk(Bytes input, Bytes bulk) {
  LARDER_DCHECK(LargeBulk() == bulk.size() && input.size() == pos_);
  if (!MakePartial()) {
    Fail(kNoMemory);
    return;
  }
  if (!partial_->empty() && base_ != input.data()) partial_->Rebase(base_, input.data(), pos_);
  base_ = input.data();
  if (!partial_->Append(bulk)) {
    Fail(kNoMemory);
    return;
  }
  bulk_length_ = -1;
  --args_left_;
  scanned_ = wanted_ = 0;
}

// Where `wanted` next stands from pos_ on, npos if it has not arrived. A NUL in front of it hides it for good.
size_t RequestParser::FindLineEnd(Bytes input, char wanted) {
  const size_t from = scanned_ > pos_ ? scanned_ : pos_;
  if (from == input.size()) return Bytes::npos;
  const char* const start = input.data() + from;
  if (*start == '\0') return Bytes::npos;
  const void* const found = std::memchr(start, wanted, input.size() - from);
  const auto offset = [start](const void* at) { return static_cast<size_t>(static_cast<const char*>(at) - start); };
  const size_t length = found != nullptr ? offset(found) : input.size() - from;
  const void* const nul = std::memchr(start, '\0', length);
  if (nul != nullptr) {
    scanned_ = from + offset(nul);
    return Bytes::npos;
  }
  scanned_ = from + length;
  return found != nullptr ? scanned_ : Bytes::npos;
}

// Reads the header line at pos_, '*' or '$' and a number, and steps over it. True: *length is it. False: *status says
// why. This is the slow way, for headers that are cut, long or wrong: ReadShortHeader has been tried.
bool RequestParser::ReadLength(Bytes input, int64_t* length, Status* status, bool bulk) {
  const size_t end = FindLineEnd(input, '\r');
  if (end == Bytes::npos && input.size() - pos_ > kInlineMax) {
    *status = bulk ? Fail("ERR Protocol error: too big bulk count string")
                   : Fail("ERR Protocol error: too big mbulk count string");
    return false;
  }
  *status = kNeedMore;
  if (end == Bytes::npos || end + 1 >= input.size()) return false;
  if (bulk && input[pos_] != '$') {
    *status = Fail(kExpectedBulk.data(), input[pos_]);
    return false;
  }
  if (!base::ParseInt64(input.substr(pos_ + 1, end - pos_ - 1), length)) {
    *length = bulk ? -1 : INT64_MAX;  // out of range either way
  }
  pos_ = end + 2;
  return true;
}

RequestParser::Status RequestParser::ParseCount(Bytes input) {
  uint64_t short_count;
  int64_t count;
  const size_t header = ReadShortHeader(input.data(), input.size(), '*', &short_count);
  if (header != 0) {
    pos_ = header;
    count = static_cast<int64_t>(short_count);
  } else {
    Status status;
    if (!ReadLength(input, &count, &status, /*bulk=*/false)) return status;
  }
  if (count > INT32_MAX) return Fail("ERR Protocol error: invalid multibulk length");
  if (count > kUnauthenticatedArgsMax && !authenticated_) {
    return Fail("ERR Protocol error: unauthenticated multibulk length");
  }
  args_left_ = count > 0 ? count : 0;  // none: a request that is skipped
  return kRequest;
}

// The bulk header at pos_.
RequestParser::Status RequestParser::ParseBulkHeader(Bytes input) {
  if (pos_ == input.size()) return kNeedMore;
  int64_t length;
  Status status;
  if (!ReadLength(input, &length, &status, /*bulk=*/true)) return status;
  if (length < 0 || static_cast<uint64_t>(length) > bulk_max_) return Fail("ERR Protocol error: invalid bulk length");
  if (static_cast<uint64_t>(length) > kUnauthenticatedBulkMax && !authenticated_) {
    return Fail("ERR Protocol error: unauthenticated bulk length");
  }
  bulk_length_ = length;
  return kRequest;
}

// Usual bulks that have arrived whole, as many as there are: pos_ stays in a register.
bool RequestParser::ParseWholeBulks(Bytes input, ArgVector* argv) {
  const uint64_t length_max = authenticated_ ? bulk_max_ : std::min(bulk_max_, kUnauthenticatedBulkMax);
  size_t pos = pos_;
  int64_t left = args_left_;
  bool appended = true;
  while (left > 0) {
    uint64_t length;
    const char* const p = input.data() + pos;
    const size_t arrived = input.size() - pos;
    const size_t header = ReadShortHeader(p, arrived, '$', &length);
    if (header == 0 || length > length_max || arrived - header < length + 2) break;
    appended = argv->Append({p + header, static_cast<size_t>(length)});
    if (!appended) break;
    pos += header + static_cast<size_t>(length) + 2;
    --left;
  }
  pos_ = pos;
  args_left_ = left;
  return appended;
}

RequestParser::Status RequestParser::ParseBulks(Bytes input, ArgVector* argv) {
  for (;;) {
    if (bulk_length_ < 0) {
      if (!ParseWholeBulks(input, argv)) return Fail(kNoMemory);
      if (args_left_ == 0) return kRequest;
      const Status status = ParseBulkHeader(input);
      if (status != kRequest) return status;
    }
    const size_t length = static_cast<size_t>(bulk_length_);
    const size_t arrived = input.size() - pos_;
    if (arrived < length + 2) {
      wanted_ = length + 2 - arrived;
      return kNeedMore;
    }
    if (!argv->Append({input.data() + pos_, length})) return Fail(kNoMemory);
    pos_ += length + 2;
    bulk_length_ = -1;
    if (--args_left_ == 0) return kRequest;
  }
}

RequestParser::Status RequestParser::ParseInline(Bytes input, ArgVector* argv) {
  const size_t end = FindLineEnd(input, '\n');
  if (end == Bytes::npos) {
    return input.size() > kInlineMax ? Fail("ERR Protocol error: too big inline request") : kNeedMore;
  }
  pos_ = end + 1;
  const size_t length = end > 0 && input[end - 1] == '\r' ? end - 1 : end;
  switch (SplitWords(input.substr(0, length), argv)) {
    case WordsStatus::kUnbalanced:
      return Fail("ERR Protocol error: unbalanced quotes in request");
    case WordsStatus::kNoMemory:
      return Fail(kNoMemory);
    case WordsStatus::kOk:
      break;
  }
  return kRequest;
}

}  // namespace larder::inline v0::resp
