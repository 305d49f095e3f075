#!/bin/sh
# py_test of Bazel 4.2.3 starts `python`, which Debian does not have.
exec python3 "$@"
