/* The example of larder.h, as it stands there. */
#include <larder/c/larder.h>
#include <stdio.h>

static int example(void) {
#include "tests/examples/documented/larder_1.inc"
  return 0;
}

int main(void) { return example(); }
