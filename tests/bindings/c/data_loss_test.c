/* A command that ran, and whose reply could not be had, is told from one that did not run. */
#include <larder/c/larder.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kLarge = 1 << 20 };
static int armed = 0;

void *__real_malloc(size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size) { return armed && size >= kLarge ? NULL : __real_malloc(size); }
void *__wrap_realloc(void *memory, size_t size) {
  return armed && size >= kLarge ? NULL : __real_realloc(memory, size);
}

#define EXPECT(condition)                                             \
  if (!(condition)) {                                                 \
    printf("%s:%d: expected %s\n", __FILE__, __LINE__, #condition);   \
    return 1;                                                         \
  }

int main(void) {
  static char value[2 * kLarge];
  larder_cache *cache;
  larder_reply *reply;
  larder_error error;
  larder_bytes *bytes;
  const char *get[] = {"GET", "k"}, *getdel[] = {"GETDEL", "k"};
  EXPECT(larder_open(NULL, &cache, &error) == LARDER_OK);
  EXPECT(larder_set(cache, 0, "k", 1, value, sizeof(value), LARDER_NO_EXPIRY, 0, NULL, &error) == LARDER_OK);
  armed = 1;
  EXPECT(larder_execute(cache, 0, 2, get, NULL, &reply, &error) == LARDER_RESOURCE_EXHAUSTED);
  EXPECT(reply == NULL && strlen(error.message) > 0);
  EXPECT(larder_execute(cache, 0, 2, getdel, NULL, &reply, &error) == LARDER_DATA_LOSS);
  EXPECT(error.status == LARDER_DATA_LOSS && strlen(error.message) > 0);
  armed = 0;
  EXPECT(larder_get(cache, 0, "k", 1, &bytes, &error) == LARDER_OK && bytes == NULL);
  larder_free(cache);
  return 0;
}
