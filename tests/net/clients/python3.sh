#!/bin/sh
# Debian's own, which has python3-redis; another python3 may come first in PATH. -B: no bytecode beside the sources.
exec /usr/bin/python3 -B "$@"
