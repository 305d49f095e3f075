#!/bin/bash
# Instructions of one call, hot, key of 16 bytes and value of 64: the difference of two counts of calls under callgrind.
set -euo pipefail
command -v valgrind > /dev/null || { echo "this needs valgrind: apt-get install valgrind" >&2; exit 1; }
calls="$1"
count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$calls" "$1" "$2" 2>&1 | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
for call in get set exists incr resp-get resp-set resp-incr; do
  few="$(count "$call" 1000)"
  many="$(count "$call" 11000)"
  printf '%-10s %6d\n' "$call" "$(((many - few) / 10000))"
done
