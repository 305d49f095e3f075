// Glob patterns of KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET.
//
//   *        any run of bytes, empty too          ?      any one byte
//   [abc]    one of these                         [^a]   any byte but these
//   [a-z]    a range, ends in either order        \x     x itself, inside brackets too
//
// Redis's oddities are kept: a '[' that is never closed ends with the pattern; only "" and "*" match the empty text,
// not "**"; "\x" in brackets never ignores case. Bytes compare as signed chars in ranges, as on Redis's usual machines.
//
// Cost: O(pattern * text) at worst. Only the last '*' passed is ever retried. This suffices because every other element
// takes exactly one byte. A recursive matcher needs exponential time for "*a*a*a*a*b".
#ifndef LARDER_BASE_GLOB_H_
#define LARDER_BASE_GLOB_H_

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

namespace larder::inline v0::base {

bool GlobMatch(Bytes pattern, Bytes text, bool ignore_case = false);

// The same pattern without runs of more than two '*', for a pattern that is matched with many texts. It is `pattern`
// itself, or in `room`. (Two, since the empty text tells "**" from "*".) Without memory the pattern stays as it is.
Bytes GlobShortened(Bytes pattern, Buffer& room);

// True for "*": nobody need look at the text.
bool GlobMatchesAll(Bytes pattern);

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_GLOB_H_
