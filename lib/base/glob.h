// Glob patterns as KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET have them.
//
//   *        any run of bytes, empty too          ?      any one byte
//   [abc]    one of these                         [^a]   any byte but these
//   [a-z]    a range, ends in either order        \x     x itself, inside brackets too
//
// Redis's oddities are kept: a '[' that is never closed ends with the pattern; the empty text is matched by "" and "*"
// only, not by "**"; "\x" in brackets never ignores case. Bytes compare as signed chars in ranges, as on Redis's usual
// machines.
//
// Cost: O(pattern * text) at worst. Only the last '*' passed is ever retried, which suffices because every other
// element takes exactly one byte; a recursive matcher needs exponential time for "*a*a*a*a*b".
#ifndef LARDER_BASE_GLOB_H_
#define LARDER_BASE_GLOB_H_

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

namespace larder::inline v0::base {

bool GlobMatch(Bytes pattern, Bytes text, bool ignore_case = false);

// The same pattern with no run of more than two '*', for one that many texts are matched with: it is `pattern` itself,
// or in `room`. (Two, since the empty text tells "**" from "*".) Without memory it stays as it is.
Bytes GlobShortened(Bytes pattern, Buffer& room);

// True for "*", so that nobody need look at the text.
bool GlobMatchesAll(Bytes pattern);

}  // namespace larder::inline v0::base

#endif  // LARDER_BASE_GLOB_H_
