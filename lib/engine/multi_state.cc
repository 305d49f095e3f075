#include "lib/engine/multi_state.h"

#include <cstring>
#include <new>

#include "lib/base/check.h"
#include "lib/engine/engine.h"
#include "lib/engine/short.h"

namespace larder::inline v0::engine {
namespace {

template <class T>
bool AppendRaw(base::Buffer& to, T value) {
  return to.Append(Bytes(reinterpret_cast<const char*>(&value), sizeof(value)));
}

template <class T>
T ReadRaw(Bytes from, size_t* at) {
  T value;
  std::memcpy(&value, from.data() + *at, sizeof(value));
  *at += sizeof(value);
  return value;
}

}  // namespace

bool MultiState::Queue(const CommandRow& row, std::span<const Bytes> argv) {
  const size_t before = queue_.size();
  AppendRaw(queue_, &row);
  AppendRaw(queue_, argv.size());
  for (Bytes arg : argv) AppendRaw(queue_, arg.size());
  for (Bytes arg : argv) queue_.Append(arg);
  if (queue_.failed()) {
    queue_.Truncate(before);
    queue_.ClearFailed();
    return false;
  }
  ++queued_;
  argc_sum_ += argv.size();
  all_short_ &= row.has(kCmdShort) && row.spec->is_short == nullptr;
  if (argv.size() > argc_max_) argc_max_ = argv.size();
  flags |= row.spec->flags;
  return true;
}

bool MultiState::IsShort() const {
  return all_short_ && argc_sum_ <= 3 * kShortElements && queue_.size() <= kShortBytes && watch_count <= kShortElements;
}

bool MultiState::MakeRoom(resp::ArgVector* argv) const {
  while (argv->size() < argc_max_) {
    if (!argv->Append({})) return false;
  }
  return true;
}

const CommandRow* MultiState::Decode(size_t* at, resp::ArgVector* argv) const {
  const Bytes queue = queue_.view();
  const CommandRow* const row = ReadRaw<const CommandRow*>(queue, at);
  const size_t argc = ReadRaw<size_t>(queue, at);
  size_t text = *at + argc * sizeof(size_t);
  argv->Clear(SIZE_MAX);
  for (size_t i = 0; i < argc; ++i) {
    const size_t size = ReadRaw<size_t>(queue, at);
    const bool had_room = argv->Append(queue.substr(text, size));
    LARDER_CHECK(had_room);
    text += size;
  }
  *at = text;
  return row;
}

void MultiState::Reset() {
  open = broken = changed = false;
  flags = 0;
  queued_ = argc_max_ = argc_sum_ = 0;
  all_short_ = true;
  queue_.Free();
}

MultiState* MultiStateOf(ClientState& client) {
  if (client.transaction == nullptr) client.transaction = new (std::nothrow) MultiState();
  return client.transaction;
}

void DropMultiState(Engine& engine, ClientState& client) {
  if (client.transaction == nullptr) return;
  engine.watches().RemoveAll(client.transaction);
  client.transaction->Reset();
}

}  // namespace larder::inline v0::engine
