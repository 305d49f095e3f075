/* The C interface from outside, by a C compiler: one shared object, no C++ in sight. */
#include <larder/c/larder.h>
#include <string.h>

static int is(larder_reply *reply, const char *text) {
  size_t length = 0;
  const char *bytes = larder_string(larder_root(reply), &length);
  const int same = bytes != NULL && length == strlen(text) && memcmp(bytes, text, length) == 0;
  larder_reply_free(reply);
  return same;
}

int main(void) {
  larder_error error;
  larder_cache *cache = NULL;
  larder_reply *reply = NULL;
  const char *set[] = {"SET", "lamp", "lit"};
  const char *get[] = {"GET", "lamp"};
  if (larder_open(NULL, &cache, &error) != LARDER_OK) return 1;
  if (larder_execute(cache, 0, 3, set, NULL, &reply, &error) != LARDER_OK || !is(reply, "OK")) return 2;
  if (larder_execute(cache, 0, 2, get, NULL, &reply, &error) != LARDER_OK || !is(reply, "lit")) return 3;
  larder_free(cache);
  return 0;
}
