#include "lib/resp/output.h"

#include <cstdlib>
#include <cstring>
#include <utility>

namespace larder::inline v0::resp {

void Output::Swap(Output& other) noexcept {
  bytes_.Swap(other.bytes_);
  std::swap(head_, other.head_);
  std::swap(referenced_, other.referenced_);
  std::swap(parts_, other.parts_);
  std::swap(first_part_, other.first_part_);
  std::swap(parts_count_, other.parts_count_);
  std::swap(parts_capacity_, other.parts_capacity_);
  std::swap(failed_, other.failed_);
}

bool Output::AppendBlock(memory::BlockRef block, size_t from, size_t length) {
  LARDER_DCHECK(from <= block->size() && length <= block->size() - from);
  if (length < kByReferenceMin) return bytes_.Append(block->view().substr(from, length));
  if (parts_count_ == parts_capacity_) {
    const uint32_t wanted = parts_capacity_ == 0 ? 4 : parts_capacity_ * 2;
    void* grown = wanted < parts_capacity_ ? nullptr : std::realloc(parts_, wanted * sizeof(Part));
    if (grown == nullptr) {
      failed_ = true;
      return false;
    }
    parts_ = static_cast<Part*>(grown);
    parts_capacity_ = wanted;
  }
  parts_[parts_count_++] = {bytes_.size(), block.Release(), from, length};
  referenced_ += length;
  return true;
}

bool Output::Append(const Output& other) {
  size_t at = other.head_;
  for (uint32_t i = other.first_part_; i < other.parts_count_; ++i) {
    const Part& part = other.parts_[i];
    if (!bytes_.Append(other.bytes_.view().substr(at, part.at - at))) return false;
    if (!AppendBlock(memory::BlockRef::Share(part.block), part.from, part.length)) return false;
    at = part.at;
  }
  return bytes_.Append(other.bytes_.view().substr(at));
}

size_t Output::Iovecs(struct iovec* out, size_t max) const {
  size_t count = 0;
  size_t at = head_;
  // The const_cast is writev's, whose iovec has no const.
  const auto add = [&](const char* data, size_t n) {
    if (n != 0) out[count++] = {const_cast<char*>(data), n};
  };
  for (uint32_t i = first_part_; i < parts_count_ && count < max; ++i) {
    const Part& part = parts_[i];
    add(bytes_.data() + at, part.at - at);
    at = part.at;
    if (count == max) return count;
    add(part.block->data() + part.from, part.length);
  }
  if (count < max && at != bytes_.size()) add(bytes_.data() + at, bytes_.size() - at);
  return count;
}

void Output::Consume(size_t n) {
  LARDER_DCHECK(n <= size());
  if (first_part_ == parts_count_) {
    head_ += n;
  } else {
    ConsumeAcrossParts(n);
  }
  if (head_ == bytes_.size() && first_part_ == parts_count_) {
    head_ = 0;
    first_part_ = parts_count_ = 0;
    bytes_.Truncate(0);
  } else if (head_ >= 4096 && head_ > bytes_.size() / 2) {
    Compact();
  }
}

void Output::ConsumeAcrossParts(size_t n) {
  while (n != 0) {
    if (first_part_ == parts_count_) {
      head_ += n;
      return;
    }
    Part& part = parts_[first_part_];
    const size_t before = part.at - head_;
    if (n < before) {
      head_ += n;
      return;
    }
    n -= before;
    head_ = part.at;
    const size_t taken = n < part.length ? n : part.length;
    part.from += taken;
    part.length -= taken;
    referenced_ -= taken;
    n -= taken;
    if (part.length != 0) return;
    memory::BlockRef::Adopt(part.block);  // drops the reference
    ++first_part_;
  }
}

// Moves less than was consumed since the last time, which makes Consume amortised O(1) a byte. The parts move along.
void Output::Compact() {
  bytes_.DropFront(head_);
  const uint32_t left = parts_count_ - first_part_;
  for (uint32_t i = 0; i < left; ++i) {
    parts_[i] = parts_[first_part_ + i];
    parts_[i].at -= head_;
  }
  first_part_ = 0;
  parts_count_ = left;
  head_ = 0;
}

bool Output::AppendTo(base::Buffer& to) const {
  if (!to.Reserve(size())) return false;
  size_t at = head_;
  for (uint32_t i = first_part_; i < parts_count_; ++i) {
    const Part& part = parts_[i];
    to.Append(bytes_.view().substr(at, part.at - at));
    to.Append(part.block->view().substr(part.from, part.length));
    at = part.at;
  }
  return to.Append(bytes_.view().substr(at));
}

void Output::DropParts(size_t from_index) {
  for (size_t i = from_index < first_part_ ? first_part_ : from_index; i < parts_count_; ++i) {
    referenced_ -= parts_[i].length;
    memory::BlockRef::Adopt(parts_[i].block);
  }
  if (parts_count_ > from_index) parts_count_ = static_cast<uint32_t>(from_index);
}

void Output::Clear(size_t keep_max) {
  DropParts(first_part_);
  first_part_ = parts_count_ = 0;
  head_ = 0;
  failed_ = false;
  bytes_.Clear();
  if (bytes_.capacity() > keep_max) bytes_.Free();
}

void Output::Rewind(size_t position) {
  if (position >= bytes_.size() && !has_references()) return;
  LARDER_DCHECK(position >= head_);
  uint32_t keep = parts_count_;
  while (keep > first_part_ && parts_[keep - 1].at >= position) --keep;
  DropParts(keep);
  if (position < bytes_.size()) bytes_.Truncate(position);
}

bool Output::Insert(size_t position, Bytes text) {
  LARDER_DCHECK(position >= head_ && position <= bytes_.size());
  const size_t moved = bytes_.size() - position;
  if (bytes_.Extend(text.size()) == nullptr) return false;
  char* const hole = bytes_.data() + position;
  std::memmove(hole + text.size(), hole, moved);
  base::CopyBytes(hole, text);
  for (uint32_t i = parts_count_; i > first_part_ && parts_[i - 1].at >= position; --i) parts_[i - 1].at += text.size();
  return true;
}

}  // namespace larder::inline v0::resp
