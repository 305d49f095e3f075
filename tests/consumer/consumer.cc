// What an outside project does first: opens a cache, sets a key, gets it, and switches the listener on.
#include <larder/cache.h>

#ifndef WITHOUT_LISTENER
#include <larder/net/listener.h>
#endif

int main() {
  auto cache = larder::Cache::Open({});
  if (!cache.ok()) return 1;
  if (!(*cache)->Set("a", "b").ok()) return 2;
  return 0;
}
