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

Connection* WokenList::TakeAll() { return first_.exchange(nullptr, std::memory_order_acquire); }

}  // namespace larder::inline v0::net
