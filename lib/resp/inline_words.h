// The words of an inline request, quoted as Redis has them; redis.conf's lines follow the same rules.
//
//   plain        up to the next blank
//   "a\n\x41"    \n \r \t \a \b, \xHH, and a backslash before anything else stands for that
//   'it\'s'      only \' is special
//
// A closing quote must be followed by a blank or the end of the line; a quote may open in the middle of a word.
#ifndef LARDER_RESP_INLINE_WORDS_H_
#define LARDER_RESP_INLINE_WORDS_H_

#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/resp/argv.h"

namespace larder::inline v0::resp {

enum class WordsStatus : uint8_t { kOk, kUnbalanced, kNoMemory };

// Appends the words of `line` to *argv, as views into the line, or into argv->text() if a word had quotes.
// REQUIRES: argv->text() is empty.
WordsStatus SplitWords(Bytes line, ArgVector* argv);

}  // namespace larder::inline v0::resp

#endif  // LARDER_RESP_INLINE_WORDS_H_
