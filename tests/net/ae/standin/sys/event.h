// Stands in for <sys/event.h> of the BSDs and macOS on Linux, for the tests of net/ae/poller_kqueue.cc: as much of
// kqueue as that file uses, over epoll and a timerfd. It shows that the poller says to kqueue what the manual pages ask
// for, not that a BSD does with it what they promise.
#ifndef LARDER_TESTS_NET_AE_STANDIN_SYS_EVENT_H_
#define LARDER_TESTS_NET_AE_STANDIN_SYS_EVENT_H_

#include <stdint.h>
#include <time.h>

// Values as FreeBSD has them.
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_TIMER (-7)
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ONESHOT 0x0010
#define EV_EOF 0x8000
#define EV_ERROR 0x4000
#define NOTE_USECONDS 0x00000004

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned fflags;
  int64_t data;
  void* udata;
};

#define EV_SET(event, a, b, c, d, e, f) \
  do {                                  \
    struct kevent* const set = (event); \
    set->ident = (a);                   \
    set->filter = (b);                  \
    set->flags = (c);                   \
    set->fflags = (d);                  \
    set->data = (e);                    \
    set->udata = (f);                   \
  } while (0)

int kqueue();
int kevent(int kq, const struct kevent* changes, int changes_count, struct kevent* events, int events_max,
           const timespec* timeout);
// In place of close, which takes a real one's timers along.
int StandInClose(int fd);
#define close StandInClose

#endif  // LARDER_TESTS_NET_AE_STANDIN_SYS_EVENT_H_
