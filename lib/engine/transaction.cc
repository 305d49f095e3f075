#include "lib/engine/transaction.h"

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

bool Transaction::Queue(const CommandSpec& spec, const CommandSpec* parent, std::span<const Bytes> argv) {
  const size_t before = queue_.size();
  AppendRaw(queue_, &spec);
  AppendRaw(queue_, parent);
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
  all_short_ &= (spec.flags & kCmdShort) != 0 && spec.is_short == nullptr;
  if (argv.size() > argc_max_) argc_max_ = argv.size();
  flags |= spec.flags;
  return true;
}

bool Transaction::IsShort() const {
  return all_short_ && argc_sum_ <= 3 * kShortElements && queue_.size() <= kShortBytes && watch_count <= kShortElements;
}

bool Transaction::MakeRoom(resp::ArgVector* argv) const {
  while (argv->size() < argc_max_) {
    if (!argv->Append({})) return false;
  }
  return true;
}

void Transaction::Decode(size_t* at, const CommandSpec** spec, const CommandSpec** parent,
                         resp::ArgVector* argv) const {
  const Bytes queue = queue_.view();
  *spec = ReadRaw<const CommandSpec*>(queue, at);
  *parent = ReadRaw<const CommandSpec*>(queue, at);
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
}

void Transaction::Reset() {
  open = broken = changed = false;
  flags = 0;
  queued_ = argc_max_ = argc_sum_ = 0;
  all_short_ = true;
  queue_.Free();
}

Transaction* TransactionOf(ClientState& client) {
  if (client.transaction == nullptr) client.transaction = new (std::nothrow) Transaction();
  return client.transaction;
}

void DropTransaction(Engine& engine, ClientState& client) {
  if (client.transaction == nullptr) return;
  engine.watches().RemoveAll(client.transaction);
  client.transaction->Reset();
}

}  // namespace larder::inline v0::engine
