// A session's large arguments: bytes that go from the socket straight into a block, which the value that they become
// can keep.
#include <cstring>
#include <utility>

#include "lib/session/served_session.h"

namespace larder::inline v0::session {
namespace {

// A large argument gets its memory when its header has come. If the header claims more than this, the first part of the
// argument must have come too, because a header is cheap to send, and the claimed bytes count as used memory.
constexpr size_t kLargeTrusted = 256 * 1024;
constexpr size_t kLargeTrustedTimes = 16;

}  // namespace

// `alone` says that no request that is to run points into the input.
void ServedSession::BeginLarge(bool alone) {
  const size_t length = parser_.LargeBulk();
  const size_t parsed = consumed_ + parser_.ParsedBytes();
  const size_t arrived = input_.size() - parsed;
  if (length == 0 || large_ || arrived == 0) return;
  if (length > kLargeTrusted && length / kLargeTrustedTimes > arrived) return;
  static_assert(!memory::Heap::NeedsHolder(resp::RequestParser::kLargeBulk));
  large_ = memory::BlockRef::Adopt(core_.engine().keyspace().blocks().New(length, length + kCrlf));
  if (!large_) return;  // it is treated as any other argument, which may fail too or find memory later
  const uint64_t maxmemory = core_.limits().maxmemory.load(std::memory_order_relaxed);
  if (maxmemory != 0 && length > maxmemory) CountDoomed(doomed_counted_ + large_->footprint());
  base::CopyBytes(large_->data(), input_.view().substr(parsed));
  input_.Truncate(parsed);
  if (alone && input_.capacity() > 2 * BufferPool::kBytes) {  // it had grown for the argument
    base::Buffer rest;
    if (rest.Append(input_.view())) input_.Swap(rest);
    if (rest.capacity() > input_.capacity() && std::exchange(input_lent_, false)) pool_->TakeBack(rest);
  }
  large_at_ = parsed;
  large_filled_ = arrived;
  Account();
}

// Puts bytes that were read into a block back into the input, for a request that is to be parsed once more.
void ServedSession::PutBack(const memory::BlockRef& block, size_t at, size_t n) {
  const size_t behind = input_.size() - at;
  if (input_.Extend(n) == nullptr) {
    input_.ClearFailed();
    CloseOverLimit("a client is closed: there is no memory for its request");
    return;
  }
  char* const place = input_.data() + at;
  if (behind != 0) std::memmove(place + n, place, behind);
  std::memcpy(place, block->data(), n);
  PublishInput();
}

void ServedSession::CommitLarge(size_t n) {
  large_filled_ += n;
  if (large_filled_ == large_->size() + kCrlf) {
    large_filled_ = 0;
    large_just_came_ = true;
    parser_.TakeBulk(input_.view().substr(consumed_), large_->view());
  }
  PublishInput();
  Account();
}

void ServedSession::CountBlocks(size_t bytes) {
  core_.engine().clients_blocks().fetch_add(bytes - blocks_counted_, std::memory_order_relaxed);
  blocks_counted_ = bytes;
}

void ServedSession::CountDoomed(size_t bytes) {
  core_.engine().keyspace().limit().doomed_arguments().fetch_add(bytes - doomed_counted_, std::memory_order_relaxed);
  doomed_counted_ = bytes;
}

}  // namespace larder::inline v0::session
