#!/bin/sh
# py_test of Bazel 4.2.3 starts `python`, which Debian does not have. -B: no bytecode beside the sources.
#
# A shared object built with a sanitizer wants the sanitizer's runtime loaded before all else, which Python is not
# linked with: it is preloaded, and libstdc++ with it, since the runtime looks up __cxa_throw as it starts.
# PYTHONMALLOC: Python's own allocator takes its arenas by mmap, where the leak checker does not look for pointers;
# with malloc it sees all that Python holds, and what it then reports is lost (no suppression is needed).
for argument; do
  case "$argument" in
    *.so)
      needed="$(ldd "$argument")"
      runtime="$(echo "$needed" | awk '/^\tlib[at]san\.so/ { print $3 }')"
      if [ -n "$runtime" ]; then
        export PYTHONMALLOC=malloc
        export LD_PRELOAD="$runtime $(echo "$needed" | awk '/^\tlibstdc\+\+\.so/ { print $3 }')"
      fi
      ;;
  esac
done
exec python3 -B "$@"
