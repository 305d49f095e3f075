#include "lib/resp/writer.h"

#include <algorithm>

#include "lib/base/check.h"

namespace larder::inline v0::resp {
namespace {

char* WriteCrLf(char* to) {
  std::memcpy(to, "\r\n", 2);
  return to + 2;
}

char* WriteHeader(char type, uint64_t n, char* to) {
  *to++ = type;
  if (n < 10) {
    *to++ = static_cast<char>('0' + n);
  } else {
    to = base::WriteUint64(n, to);
  }
  return WriteCrLf(to);
}

// Up to 32 bytes in one or two moves of a fixed size. REQUIRES: from.size() <= 32; `to` has room for 32.
void CopySmall(char* to, Bytes from) {
  const char* p = from.data();
  const size_t n = from.size();
  if (n >= 16) {
    std::memcpy(to, p, 16);
    std::memcpy(to + n - 16, p + n - 16, 16);
  } else if (n >= 8) {
    std::memcpy(to, p, 8);
    std::memcpy(to + n - 8, p + n - 8, 8);
  } else if (n >= 4) {
    std::memcpy(to, p, 4);
    std::memcpy(to + n - 4, p + n - 4, 4);
  } else {
    for (size_t i = 0; i < n; ++i) to[i] = p[i];
  }
}

}  // namespace

void ReplyWriter::Header(char type, uint64_t n) {
  base::Buffer& bytes = out_->bytes();
  if (!bytes.Reserve(kHeaderMax)) return;
  char* const to = bytes.data() + bytes.size();
  bytes.Extend(static_cast<size_t>(WriteHeader(type, n, to) - to));
}

void ReplyWriter::InsertHeader(size_t mark, char type, uint64_t n) {
  if (out_->failed()) return;
  char header[kHeaderMax];
  out_->Insert(mark, {header, static_cast<size_t>(WriteHeader(type, n, header) - header)});
}

void ReplyWriter::Simple(Bytes text) {
  LARDER_DCHECK(text.find_first_of("\r\n") == Bytes::npos);
  char* to = out_->bytes().Extend(text.size() + 3);
  if (to == nullptr) return;
  *to++ = '+';
  base::CopyBytes(to, text);
  WriteCrLf(to + text.size());
}

void ReplyWriter::Bulk(Bytes text) {
  base::Buffer& bytes = out_->bytes();
  const size_t n = text.size();
  if (n > SIZE_MAX - kHeaderMax - 34 || !bytes.Reserve(kHeaderMax + 2 + (n < 32 ? 32 : n))) return;
  char* const start = bytes.data() + bytes.size();
  char* to = WriteHeader('$', n, start);
  if (n <= 32) {
    CopySmall(to, text);
  } else {
    std::memcpy(to, text.data(), n);
  }
  to = WriteCrLf(to + n);
  bytes.Extend(static_cast<size_t>(to - start));
}

void ReplyWriter::BulkBlock(const memory::BlockRef& block, size_t from, size_t length) {
  if (length < Output::kByReferenceMin) return Bulk(block->view().substr(from, length));
  Header('$', length);
  out_->AppendBlock(block, from, length);
  Literal("\r\n");
}

void ReplyWriter::BulkInt(int64_t value) {
  char digits[base::kIntChars];
  Bulk(base::FormatInt64(value, digits));
}

void ReplyWriter::Int(int64_t value) {
  base::Buffer& bytes = out_->bytes();
  if (!bytes.Reserve(kHeaderMax)) return;
  char* const start = bytes.data() + bytes.size();
  *start = ':';
  char* const end = WriteCrLf(base::WriteInt64(value, start + 1));
  bytes.Extend(static_cast<size_t>(end - start));
}

void ReplyWriter::Bool(bool value) {
  if (protocol_ == 2) return Int(value);
  value ? Literal("#t\r\n") : Literal("#f\r\n");
}

void ReplyWriter::Double(double value) {
  char digits[base::kDoubleChars];
  const Bytes text = base::FormatDouble(value, digits);
  if (protocol_ == 2) return Bulk(text);
  char* to = out_->bytes().Extend(text.size() + 3);
  if (to == nullptr) return;
  *to++ = ',';
  base::CopyBytes(to, text);
  WriteCrLf(to + text.size());
}

void ReplyWriter::LongDoubleBulk(long double value) {
  char digits[base::kLongDoubleChars];
  Bulk(base::FormatLongDoubleHuman(value, digits));
}

void ReplyWriter::Attribute(size_t pairs) {
  LARDER_DCHECK(protocol_ == 3);
  Header('|', pairs);
}

void ReplyWriter::Verbatim(Bytes format, Bytes text) {
  LARDER_DCHECK(format.size() == 3);
  if (protocol_ == 2) return Bulk(text);
  Header('=', text.size() + 4);
  char* to = out_->bytes().Extend(text.size() + 6);
  if (to == nullptr) return;
  base::CopyBytes(to, format);
  to[3] = ':';
  base::CopyBytes(to + 4, text);
  WriteCrLf(to + 4 + text.size());
}

void ReplyWriter::BigNumber(Bytes digits) {
  if (protocol_ == 2) return Bulk(digits);
  char* to = out_->bytes().Extend(digits.size() + 3);
  if (to == nullptr) return;
  *to++ = '(';
  base::CopyBytes(to, digits);
  WriteCrLf(to + digits.size());
}

void ReplyWriter::Error(larder::Error error) {
  if (error.ok() || error == kReplied) return;
  Error({error.text()->text});
}

void ReplyWriter::Error(std::initializer_list<Bytes> parts) {
  ++errors_;
  size_t length = 3;
  for (Bytes part : parts) length += part.size();
  char* to = out_->bytes().Extend(length);
  if (to == nullptr) return;
  *to++ = '-';
  char* const text = to;
  for (Bytes part : parts) {
    base::CopyBytes(to, part);
    to += part.size();
  }
  const auto breaks_line = [](char c) { return c == '\r' || c == '\n'; };
  const char* const end = to;
  while (to != text && breaks_line(to[-1])) --to;  // at the end they go, as in Redis
  std::replace_if(text, to, breaks_line, ' ');
  WriteCrLf(to);
  out_->bytes().Truncate(out_->bytes().size() - static_cast<size_t>(end - to));
}

void ReplyWriter::Raw(Bytes resp) { out_->bytes().Append(resp); }

}  // namespace larder::inline v0::resp
