#include "lib/engine/short.h"

#include <algorithm>

#include "lib/engine/multi_state.h"

namespace larder::inline v0::engine {
namespace {

// What running the command copies, at least. A large argument that stands in a block of its own is taken over.
size_t BytesOf(const ClientState& client, std::span<const Bytes> argv) {
  const memory::BlockRef* const large = client.large_argument;
  const char* const in_block = large != nullptr && *large ? (*large)->data() : nullptr;
  size_t bytes = 0;
  for (Bytes arg : argv) bytes += in_block != nullptr && arg.data() == in_block ? 0 : arg.size();
  return bytes;
}

}  // namespace

bool IsShort(Engine& engine, ClientState& client, std::span<const Bytes> argv) {
  constexpr size_t kArgcMax = 2 * kShortElements + 1;  // pairs, at most
  if (argv.size() > kArgcMax || BytesOf(client, argv) > kShortBytes) return false;
  const CommandRow* const row = engine.commands().FindFor(argv);
  if (row == nullptr) return true;
  if (InMulti(client.transaction) && !row->has(kCmdRunsInMulti)) return true;
  if (!row->has(kCmdShort)) return false;
  const CommandSpec* const spec = row->spec;
  const size_t step = spec->keys.empty() ? 1 : static_cast<size_t>(std::max(spec->keys[0].step, 1));
  if ((argv.size() - 1) / step > kShortElements) return false;
  if (spec->is_short == nullptr) return true;
  CommandContext ctx{engine, client, *spec};
  return spec->is_short(ctx, argv);
}

bool ValueIsShort(CommandContext& ctx, std::span<const Bytes> argv) {
  return argv.size() < 2 || ctx.db().BlockBytes(argv[1]) <= kShortBytes;
}

bool WatchesFew(CommandContext& ctx, std::span<const Bytes>) {
  return ctx.client.transaction == nullptr || ctx.client.transaction->watch_count <= kShortElements;
}

}  // namespace larder::inline v0::engine
