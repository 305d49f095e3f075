// A session's buffers: where input arrives, where output waits, and how both are counted.
#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/engine/multi_state.h"
#include "lib/session/served_session.h"

namespace larder::inline v0::session {
namespace {

// How much room a read is given, unless a large argument is arriving.
constexpr size_t kReadBytes = BufferPool::kBytes;

// A part of a request up to this size is not worth a buffer of the pool's.
constexpr size_t kSmallInput = 1024;

// Without a pool: a buffer that has become empty is kept up to this size.
constexpr size_t kKeptBytes = 16 * 1024;

// How much of a large argument one read takes at most, because other clients wait for it.
constexpr size_t kLargeReadMax = 1024 * 1024;

}  // namespace

std::span<char> ServedSession::PrepareRead() {
  if (large_filled_ != 0) {
    const size_t left = large_->size() + kCrlf - large_filled_;
    return {large_->data() + large_filled_, std::min(left, kLargeReadMax)};
  }
  if (pool_ != nullptr && input_.capacity() == 0) {
    input_lent_ = pool_->Lend(input_);
    return input_lent_ ? std::span<char>(input_.data(), input_.capacity()) : std::span<char>();
  }
  if (pool_ != nullptr && !input_lent_ && input_.size() - consumed_ <= kSmallInput) {  // see ShrinkInput
    base::Buffer lent;
    if (!pool_->Lend(lent)) return {};
    MoveInputTo(lent);
    input_lent_ = true;
    return {input_.data() + input_.size(), input_.capacity() - input_.size()};
  }
  if (consumed_ != 0) {
    // To move the rest to the front costs its size. That is worth it when little is left or room is short.
    const size_t left = input_.size() - consumed_;
    if (left <= 4096 || input_.capacity() - input_.size() < kReadBytes) {
      input_.DropFront(consumed_);
      large_at_ -= consumed_;  // of no meaning unless there is one
      consumed_ = 0;
    }
  }
  // A large argument gets larger reads, but never more room than four times the bytes that have come, because a header
  // may lie.
  const size_t wanted = parser_.BytesWanted();
  size_t room = kReadBytes;
  const size_t arrived = input_.size() - consumed_;
  if (wanted > room && arrived >= room) room = std::min(wanted, arrived * 4);
  if (!input_.Reserve(room)) {
    input_.ClearFailed();
    return {};
  }
  // The room is no more than that, although a buffer that has grown may have 1 MB free. Bytes that come in one piece
  // must be parsed before they can be over client-query-buffer-limit.
  return {input_.data() + input_.size(), room};
}

void ServedSession::PublishInput() {
  shown_input_.store(input_left(), std::memory_order_relaxed);
  shown_free_.store(input_.capacity() - input_.size(), std::memory_order_relaxed);
}

void ServedSession::CommitRead(size_t n) {
  if (large_filled_ != 0) return CommitLarge(n);
  input_.Extend(n);
  if (consumed_ == input_.size()) {
    RestInput();
  } else {
    PublishInput();
    if (n == 0) ShrinkInput();  // nothing will be parsed
  }
  // Most reads find a buffer that has room, and then there is nothing to count.
  if (input_.capacity() != input_counted_) Account();
}

void ServedSession::ConsumeOutput(size_t n) {
  const size_t memory = output_.memory();
  const size_t referenced = output_.referenced();
  const bool lent = output_lent_;
  output_.Consume(n);
  PublishOutput();
  if (output_.empty()) RestOutput();
  if (output_.memory() != memory || output_.referenced() != referenced || output_lent_ != lent) Account();
}

void ServedSession::RestInput() {
  consumed_ = 0;
  if (std::exchange(input_lent_, false)) {
    pool_->TakeBack(input_);
  } else if (input_.capacity() > kKeptBytes || pool_ != nullptr) {
    input_.Free();
  } else {
    input_.Clear();
  }
  PublishInput();
}

// A small part of a request is kept in a small buffer: 10,000 clients may each have sent one, and a buffer of the
// pool's costs 20 KB. REQUIRES: no request that is to run points into the input.
void ServedSession::ShrinkInput() {
  const size_t left = input_.size() - consumed_;
  if (!input_lent_ || left > kSmallInput) return;
  base::Buffer small;
  if (!small.Reserve(left)) return;  // it stays where it is
  MoveInputTo(small);
  input_lent_ = false;
  pool_->TakeBack(small);
  PublishInput();
  Account();
}

// Exchanges the input's buffer for `to`, which has room for the bytes that are not consumed.
void ServedSession::MoveInputTo(base::Buffer& to) {
  to.Append(input_.view().substr(consumed_));
  large_at_ -= consumed_;  // of no meaning unless there is one
  consumed_ = 0;
  input_.Swap(to);
}

void ServedSession::RestOutput() {
  output_.Clear();
  owed_before_reset_ = 0;
  if (std::exchange(output_lent_, false)) {
    pool_->TakeBack(output_.bytes());
  } else if (output_.bytes().capacity() > kKeptBytes || pool_ != nullptr) {
    output_.bytes().Free();
  }
}

void ServedSession::ReturnBuffers() {
  if (std::exchange(input_lent_, false)) pool_->TakeBack(input_);
  if (std::exchange(output_lent_, false)) {
    output_.Clear();
    pool_->TakeBack(output_.bytes());
  }
}

void ServedSession::Account() {
  const size_t queue = client_.transaction != nullptr ? client_.transaction->memory() : 0;
  const size_t lent = (input_lent_ ? BufferPool::kBytes : 0) + (output_lent_ ? BufferPool::kBytes : 0);
  const size_t large = large_ ? (large_filled_ != 0 ? large_filled_ : large_->size()) : 0;
  const size_t in_blocks = large + output_.referenced();
  borrowed_.store(lent + in_blocks, std::memory_order_relaxed);
  if (in_blocks != blocks_counted_) CountBlocks(in_blocks);
  input_counted_ = input_.capacity();
  const size_t now = input_.capacity() + output_.memory() + parser_.memory() + queue + sizeof(ServedSession) +
                     client_.names_memory() - lent;
  const size_t before = accounted_.load(std::memory_order_relaxed);
  if (now == before) return;
  core_.engine().keyspace().extra_memory().fetch_add(now - before, std::memory_order_relaxed);
  accounted_.store(now, std::memory_order_relaxed);
}

}  // namespace larder::inline v0::session
