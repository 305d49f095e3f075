// maxmemory-clients: the clients with the most memory are closed until what is left fits.
//
// Largest first by the power of two that their memory reaches, as Redis has it: one look at each client sorts them into
// classes, a second one closes them, so that closing many costs no more than two walks of the list. Counted is what
// CLIENT LIST shows as tot-mem, of clients that have a connection; those under CLIENT NO-EVICT count and stay. A value
// that a reply has still to send counts for its client, since it may be all that keeps it; so do the keys that it
// watches.
#include "lib/engine/client_eviction.h"

#include <algorithm>
#include <bit>

#include "lib/engine/client_line.h"
#include "lib/engine/engine.h"

namespace larder::inline v0::engine {
namespace {

constexpr size_t kClasses = 64;

size_t ClassOf(size_t bytes) { return static_cast<size_t>(std::bit_width(bytes)) & (kClasses - 1); }

bool MayBeEvicted(const ClientState& client) { return client.io != nullptr && !client.no_evict && !Gone(client); }

void Evict(Engine& engine, ClientState& client, int64_t now_ms) LARDER_REQUIRES_HOLDER {
  base::Buffer line;
  TextWriter(line) << "Evicting client: ";
  WriteClient(client, now_ms, TextWriter(line));
  if (!line.empty()) line.Truncate(line.size() - 1);  // the newline
  engine.host().Log(LogLevel::kNotice, line.failed() ? "a client is evicted: maxmemory-clients" : line.view());
  ++engine.stats().evicted_clients;
  client.io->CloseSoon();
}

}  // namespace

bool EvictClients(Engine& engine, uint64_t limit_bytes) {
  uint64_t in_class[kClasses] = {};
  uint64_t sum = 0;
  bool some_go_already = false;
  for (const ClientState* client = engine.clients().first(); client != nullptr; client = client->in_clients.next) {
    if (client->io == nullptr) continue;
    some_go_already |= Gone(*client);
    if (Gone(*client)) continue;
    const size_t bytes = ClientMemory(*client);
    sum += bytes;
    if (!client->no_evict) in_class[ClassOf(bytes)] += bytes;
  }
  if (sum <= limit_bytes) return some_go_already;
  // All above this class go, and of it as many as it takes.
  size_t last = kClasses - 1;
  uint64_t left = sum;
  while (last > 0 && left - in_class[last] > limit_bytes) left -= in_class[last--];
  const int64_t now_ms = engine.clock().NowUs() / 1000;
  bool any = some_go_already;
  for (ClientState* client = engine.clients().first(); client != nullptr; client = client->in_clients.next) {
    if (!MayBeEvicted(*client)) continue;
    const size_t bytes = ClientMemory(*client);
    const size_t its_class = ClassOf(bytes);
    if (its_class < last || (its_class == last && left <= limit_bytes)) continue;
    if (its_class == last) left -= std::min<uint64_t>(left, bytes);
    Evict(engine, *client, now_ms);
    any = true;
  }
  return any;
}

}  // namespace larder::inline v0::engine
