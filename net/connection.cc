#include "net/connection.h"

namespace larder::inline v0::net {

bool WokenList::Push(Connection& connection) {
  // Once is enough until the loop has looked; and it must not be in the list twice.
  if (connection.is_woken.exchange(true, std::memory_order_acq_rel)) return false;
  Connection* first = first_.load(std::memory_order_relaxed);
  do {
    connection.next_woken = first;
  } while (!first_.compare_exchange_weak(first, &connection, std::memory_order_release, std::memory_order_relaxed));
  return true;
}

// The stack is turned round: clients go on in the order in which they were served, as in Redis.
Connection* WokenList::TakeAll() {
  Connection* turned = nullptr;
  for (Connection* each = first_.exchange(nullptr, std::memory_order_acquire); each != nullptr;) {
    Connection* const next = each->next_woken;
    each->next_woken = turned;
    turned = each;
    each = next;
  }
  return turned;
}

}  // namespace larder::inline v0::net
