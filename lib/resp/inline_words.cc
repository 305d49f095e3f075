#include "lib/resp/inline_words.h"

#include <cstddef>

namespace larder::inline v0::resp {
namespace {

// What C's isspace says in the "C" locale.
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// These end a plain word; \v and \f do not, though they separate words.
bool EndsWord(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\0'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = base::LowerAscii(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char Escaped(char c) {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
  }
}

// Unquotes the word at line[*i], of which line[from, *i) is plain. The text has room for it. False: quotes are
// unbalanced.
bool Unquote(Bytes line, size_t from, size_t* i, base::Buffer& text) {
  text.Append(line.substr(from, *i - from));
  size_t p = *i;
  char quote = 0;
  for (; p < line.size(); ++p) {
    const char c = line[p];
    const bool has_next = p + 1 < line.size();
    if (quote == 0) {
      if (EndsWord(c)) break;
      if (c == '"' || c == '\'') {
        quote = c;
      } else {
        text.Append(c);
      }
    } else if (c == quote) {
      if (has_next && !IsSpace(line[p + 1])) return false;
      quote = 0;
      ++p;
      break;
    } else if (c == '\\' && quote == '"' && has_next) {
      const int high = p + 3 < line.size() && line[p + 1] == 'x' ? HexDigit(line[p + 2]) : -1;
      const int low = high >= 0 ? HexDigit(line[p + 3]) : -1;
      text.Append(low >= 0 ? static_cast<char>(high << 4 | low) : Escaped(line[p + 1]));
      p += low >= 0 ? 3 : 1;
    } else if (c == '\\' && quote == '\'' && has_next && line[p + 1] == '\'') {
      text.Append('\'');
      ++p;
    } else {
      text.Append(c);
    }
  }
  *i = p;
  return quote == 0;
}

}  // namespace

WordsStatus SplitWords(Bytes line, ArgVector* argv) {
  base::Buffer& text = argv->text();
  size_t i = 0;
  for (;;) {
    while (i < line.size() && IsSpace(line[i])) ++i;
    if (i == line.size()) return WordsStatus::kOk;
    const size_t from = i;
    while (i < line.size() && !EndsWord(line[i]) && line[i] != '"' && line[i] != '\'') ++i;
    Bytes word = line.substr(from, i - from);
    if (i < line.size() && !EndsWord(line[i])) {
      // Unquoting never lengthens, so room for one line is room for all its words, and views stay valid.
      if (text.empty() && !text.Reserve(line.size())) return WordsStatus::kNoMemory;
      const size_t start = text.size();
      if (!Unquote(line, from, &i, text)) return WordsStatus::kUnbalanced;
      word = text.view().substr(start);
    }
    if (!argv->Append(word)) return WordsStatus::kNoMemory;
  }
}

}  // namespace larder::inline v0::resp
