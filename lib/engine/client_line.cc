#include "lib/engine/client_line.h"

#include "lib/engine/table.h"
#include "lib/engine/multi_state.h"
#include "lib/keyspace/db.h"

namespace larder::inline v0::engine {
namespace {

// True also while EXEC runs the queue.
bool HasQueue(const MultiState* transaction) {
  return transaction != nullptr && (transaction->open || transaction->queued() != 0);
}

void WriteFlags(const ClientState& client, TextWriter& out) {
  bool any = false;
  auto flag = [&](bool set, char letter) {
    if (!set) return;
    out << letter;
    any = true;
  };
  flag(client.monitor, 'O');
  flag(client.subscriptions.any(), 'P');
  flag(HasQueue(client.transaction), 'x');
  flag(client.held.load(std::memory_order_relaxed) || client.waiter != nullptr, 'b');
  flag(client.transaction != nullptr && client.transaction->changed, 'd');
  flag(client.close_after_reply, 'c');
  flag(Gone(client), 'A');
  flag(client.kind == ClientKind::kUnix, 'U');
  flag(client.no_evict, 'e');
  if (!any) out << 'N';
}

void WriteCommandName(const ClientState& client, TextWriter& out) {
  if (client.last_command == nullptr) {
    out << "NULL";
    return;
  }
  char name[kFullNameMax];
  out << FullName(*client.last_command, name);
}

void WriteMemory(const ClientState& client, TextWriter& out) {
  const ClientIo* io = client.io;
  const size_t input = io != nullptr ? io->input_bytes() : 0;
  const size_t input_free = io != nullptr ? io->input_free() : 0;
  const size_t output = io != nullptr ? io->output_bytes() : 0;
  const size_t parts = io != nullptr ? io->output_list_length() : 0;
  const size_t queue = client.transaction != nullptr ? client.transaction->memory() : 0;
  out << " qbuf=" << input << " qbuf-free=" << input_free << " argv-mem=" << client.argv_bytes
      << " multi-mem=" << queue << " rbs=0 rbp=0 obl=" << (parts == 0 ? output : 0) << " oll=" << parts
      << " omem=" << (parts == 0 ? 0 : output) << " tot-mem=" << ClientMemory(client);
}

}  // namespace

size_t ClientMemory(const ClientState& client) {
  const size_t queue = client.transaction != nullptr ? client.transaction->memory() : 0;
  const size_t watches = client.transaction != nullptr ? client.transaction->watch_bytes : 0;
  const size_t counted = client.direct_bytes.load(std::memory_order_relaxed);
  const size_t direct = counted != 0 ? counted : sizeof(client) + queue + client.names_memory();
  const size_t connection = client.io != nullptr ? client.io->memory() : direct;
  return watches + client.subscriptions.bytes() + connection + client.argv_bytes;
}

void WriteClient(const ClientState& client, int64_t now_ms, TextWriter out) {
  const int64_t age_ms = now_ms - client.created_ms;
  const int64_t idle_ms = now_ms - client.last_interaction_ms;
  out << "id=" << client.id << " addr=" << client.peer() << " laddr=" << client.local() << " fd=" << client.fd
      << " name=" << client.name.view() << " age=" << age_ms / 1000 << " idle=" << idle_ms / 1000 << " flags=";
  WriteFlags(client, out);
  const ClientSubscriptions& all = client.subscriptions;
  out << " db=" << (client.db != nullptr ? client.db->index() : 0) << " sub=" << all.count(ChannelKind::kChannel)
      << " psub=" << all.count(ChannelKind::kPattern) << " ssub=" << all.count(ChannelKind::kShardChannel)
      << " multi=";
  if (HasQueue(client.transaction)) {
    out << client.transaction->queued();
  } else {
    out << "-1";
  }
  WriteMemory(client, out);
  out << " events=" << (client.io != nullptr ? client.io->events() : "") << " cmd=";
  WriteCommandName(client, out);
  out << " user=default redir=-1 resp=" << int{client.protocol} << '\n';
}

}  // namespace larder::inline v0::engine
