// Stands in for <port.h> of illumos on Linux, for the tests of net/ae/poller_evport.cc: as much of event ports as that
// file uses, over epoll. It shows that the poller says to a port what the manual pages ask for, not that illumos does
// with it what they promise.
#ifndef LARDER_TESTS_NET_AE_STANDIN_PORT_H_
#define LARDER_TESTS_NET_AE_STANDIN_PORT_H_

#include <stdint.h>
#include <time.h>

#define PORT_SOURCE_FD 4

struct port_event_t {
  int portev_events;
  unsigned short portev_source;
  unsigned short portev_pad;
  uintptr_t portev_object;
  void* portev_user;
};

int port_create();
int port_associate(int port, int source, uintptr_t object, int events, void* user);
int port_dissociate(int port, int source, uintptr_t object);
int port_getn(int port, port_event_t* list, unsigned max, unsigned* count, timespec* timeout);

#endif  // LARDER_TESTS_NET_AE_STANDIN_PORT_H_
