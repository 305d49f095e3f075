// redis.conf and arguments: text to words, words to rows.
//
// A message names where the line stands, the directive and what is allowed: "redis.conf:12: maxmemory: argument must be
// a memory value (allowed: bytes, or a number with k, kb, m, mb, g or gb)". It never repeats a value, which may be a
// password.
#include <errno.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "lib/base/bytes.h"
#include "lib/base/error_texts.h"
#include "lib/base/guarded.h"
#include "lib/base/numbers.h"
#include "lib/base/sha256.h"
#include "lib/base/status.h"
#include "lib/options/directive.h"

namespace larder::inline v0 {
namespace directives {
namespace {

constexpr int kIncludeDepthMax = 16;

// Directives of files only, which CONFIG GET does not know. Not heeding one of these would leave a server open that its
// owner meant to close, so they are refused.
constexpr std::string_view kNoUsers = "ACL users are not supported yet; use requirepass";

struct UnservedDirective {
  std::string_view name;
  std::string_view why;
};
constexpr UnservedDirective kUnserved[] = {
    {"loadmodule", "modules of Redis cannot be loaded into Larder"},
    {"rename-command", "commands cannot be renamed yet"},
    {"sentinel", "sentinel directive while not in sentinel mode"},
    {"user", kNoUsers},
};

absl::Status Invalid(const std::string& text) { return absl::InvalidArgumentError(base::ToAbsl(text)); }

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = base::LowerAscii(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The character after a backslash in "...", of which it takes 1, or 3 for \xHH. REQUIRES: at < line.size().
char Unescape(std::string_view line, size_t* at) {
  const char c = line[*at];
  if (c == 'x' && *at + 2 < line.size() && HexDigit(line[*at + 1]) >= 0 && HexDigit(line[*at + 2]) >= 0) {
    const int value = HexDigit(line[*at + 1]) * 16 + HexDigit(line[*at + 2]);
    *at += 3;
    return static_cast<char>(value);
  }
  ++*at;
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
  }
}

// What is between quotes; *at goes behind the closing one, which a blank or the end must follow.
bool TakeQuoted(std::string_view line, size_t* at, std::string* word) {
  const char quote = line[(*at)++];
  while (*at < line.size()) {
    const char c = line[*at];
    if (c == quote) {
      ++*at;
      return *at == line.size() || IsSpace(line[*at]);
    }
    const bool escape = c == '\\' && *at + 1 < line.size() && (quote == '"' || line[*at + 1] == '\'');
    ++*at;
    *word += escape ? Unescape(line, at) : c;
  }
  return false;
}

// Letters to change, add or remove to make one word of the other, up to 3.
int Distance(std::string_view a, std::string_view b) {
  constexpr size_t kMax = 48;
  if (a.size() > kMax || b.size() > kMax) return 3;
  int row[kMax + 1];
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int above = row[j];
      const bool same = base::LowerAscii(a[i - 1]) == base::LowerAscii(b[j - 1]);
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1)});
      diagonal = above;
    }
  }
  return std::min(row[b.size()], 3);
}

std::string UnknownDirective(std::string_view name) {
  std::string_view nearest;
  int least = 3;
  ForEachDirective([&](const Directive& directive) {
    const int distance = Distance(name, directive.name);
    if (distance >= least || (directive.flags & kHidden) != 0) return;
    least = distance;
    nearest = directive.name;
  });
  std::string text = "no such directive";
  if (!nearest.empty()) text += " (did you mean " + std::string(nearest) + "?)";
  return text;
}

class Parser {
 public:
  explicit Parser(Options& options) : options_(options) {}

  absl::Status Text(std::string_view text, const std::string& file_name) {
    size_t line_number = 0;
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      char digits[base::kIntChars];
      const std::string where =
          file_name + ":" + std::string(base::FormatUint64(++line_number, digits));
      if (absl::Status status = Line(text.substr(0, end), where); !status.ok()) return status;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return absl::OkStatus();
  }

  absl::Status File(const std::string& path) {
    base::Buffer text;
    if (const int error = ReadFile(path.c_str(), &text); error != 0) {
      return absl::ErrnoToStatus(error, base::ToAbsl("can't open config file '" + path + "'"));
    }
    return Text(text.view(), path);
  }

  absl::Status StandardInput() {
    base::Buffer text;
    if (const int error = ReadAll(STDIN_FILENO, &text); error != 0) {
      return absl::ErrnoToStatus(error, "can't read standard input");
    }
    return Text(text.view(), "standard input");
  }

  // To be called when all has been read: 7.0's CONFIG REWRITE says the password twice, and the hash must be
  // requirepass's, wherever that stands.
  absl::Status Finish() const {
    if (default_user_.hash.empty() || default_user_.hash == PasswordHash(options_.requirepass)) return absl::OkStatus();
    return Invalid(default_user_.context + "the password of the default user is not that of requirepass; " +
                   std::string(kNoUsers));
  }

  absl::Status Line(std::string_view line, const std::string& where) {
    if (IsBlankOrComment(line)) return absl::OkStatus();
    if (line.find('\0') != line.npos) return Invalid(where + ": line contains a NUL byte");
    std::vector<std::string> words;
    if (!SplitWords(line, &words)) return Invalid(where + ": Unbalanced quotes in configuration line");
    return Words(words, where);
  }

  absl::Status Words(const std::vector<std::string>& words, const std::string& where) {
    if (words.empty()) return absl::OkStatus();
    const std::string& name = words.front();
    const std::string context = where + ": " + name + ": ";
    const std::vector<std::string_view> values(words.begin() + 1, words.end());
    if (base::EqualsIgnoreCase(name, "include")) {
      if (values.size() != 1) return Invalid(context + "wrong number of arguments (allowed: one file or pattern)");
      return Include(words[1], context);
    }
    DefaultUser user;
    if (base::EqualsIgnoreCase(name, "user") && ReadDefaultUser(values, &user)) {
      if (!user.hash.empty()) default_user_ = {.hash = user.hash, .context = context};
      return absl::OkStatus();
    }
    for (const UnservedDirective& unserved : kUnserved) {
      if (base::EqualsIgnoreCase(name, unserved.name)) return Invalid(context + std::string(unserved.why));
    }
    const Directive* directive = FindDirective(name);
    if (directive == nullptr) return Invalid(context + UnknownDirective(name));
    std::string error = StoreWords(*directive, options_, values, Source::kFile);
    if (error.empty()) return absl::OkStatus();
    return Invalid(context + error + " (allowed: " + Allowed(*directive) + ")");
  }

 private:
  absl::Status Include(const std::string& pattern, const std::string& context) {
    if (depth_ == kIncludeDepthMax) return Invalid(context + "files include each other more than 16 deep");
    // Relative to `dir`, as in Redis, which has changed into it by then.
    const std::string path = AbsolutePath(pattern, options_.dir);
    ++depth_;
    absl::Status status;
    if (pattern.empty() || pattern.find_first_of("*?[") == pattern.npos) {
      status = File(pattern.empty() ? pattern : path);
    } else {
      glob_t found = {};
      const std::unique_ptr<glob_t, decltype(&globfree)> owner(&found, globfree);
      const int error = glob(path.c_str(), 0, nullptr, &found);
      if (error != 0 && error != GLOB_NOMATCH) status = Invalid(context + "the pattern cannot be looked up");
      for (size_t i = 0; error == 0 && i < found.gl_pathc && status.ok(); ++i) status = File(found.gl_pathv[i]);
    }
    --depth_;
    return status;
  }

  struct SeenUser {
    std::string hash;
    std::string context;
  };

  Options& options_;
  int depth_ = 0;
  SeenUser default_user_;
};

// redis-server's rules. "--name" starts a line; what follows are its words, and the first word after a bare --name
// belongs to it even if it starts with "--" (--masterauth --secret). --save alone stands for --save "".
absl::Status ApplyLines(Parser& parser, std::span<const std::string_view> arguments) {
  std::vector<std::string> words;
  std::string where;
  bool wants_word = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (wants_word || !argument.starts_with("--")) {
      if (words.empty()) where = "arguments";
      words.emplace_back(argument);
      wants_word = false;
      continue;
    }
    if (absl::Status status = parser.Words(words, where); !status.ok()) return status;
    words.clear();
    where = "arguments";
    if (!SplitWords(argument.substr(2), &words)) {
      return Invalid(where + ": Unbalanced quotes in configuration line");
    }
    wants_word = words.size() <= 1;
    const bool last = i + 1 == arguments.size();
    if (base::EqualsIgnoreCase(argument, "--save") && (last || arguments[i + 1].starts_with("--"))) {
      words.emplace_back();
      wants_word = false;
    }
  }
  return parser.Words(words, where);
}

}  // namespace

bool IsBlankOrComment(std::string_view line) {
  const size_t start = line.find_first_not_of(" \t\r\n");
  return start == line.npos || line[start] == '#';
}

bool SplitWords(std::string_view line, std::vector<std::string>* words) {
  for (size_t at = 0;;) {
    while (at < line.size() && IsSpace(line[at])) ++at;
    if (at == line.size()) return true;
    std::string word;
    while (at < line.size() && line[at] != ' ' && line[at] != '\t' && line[at] != '\r' && line[at] != '\n') {
      if (line[at] == '"' || line[at] == '\'') {
        if (!TakeQuoted(line, &at, &word)) return false;
        break;
      }
      word += line[at++];
    }
    words->push_back(std::move(word));
  }
}

std::string PasswordHash(std::string_view password) {
  char hex[base::kSha256HexChars];
  base::Sha256Hex(password, hex);
  return std::string(hex, sizeof(hex));
}

bool ReadDefaultUser(std::span<const std::string_view> values, DefaultUser* user) {
  constexpr std::string_view kHarmless[] = {"on", "nopass", "sanitize-payload", "~*", "&*", "+@all"};
  if (values.empty() || values.front() != "default") return false;
  for (std::string_view value : values.subspan(1)) {
    if (value.size() == base::kSha256HexChars + 1 && value.front() == '#' && user->hash.empty()) {
      user->hash = value.substr(1);
    } else if (std::find(std::begin(kHarmless), std::end(kHarmless), value) == std::end(kHarmless)) {
      return false;
    }
  }
  return true;
}

std::string DefaultUserLine(std::string_view password) {
  return "user default on " + (password.empty() ? "nopass" : "#" + PasswordHash(password)) + " ~* &* +@all";
}

std::string Quoted(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const size_t escape = std::string_view("\n\r\t\a\b\"\\").find(c);
    if (escape != std::string_view::npos) (quoted += '\\') += "nrtab\"\\"[escape];
    else if (byte >= 0x20 && byte < 0x7f) quoted += c;
    else ((quoted += "\\x") += kHex[byte >> 4]) += kHex[byte & 15];
  }
  return quoted += '"';
}

}  // namespace directives

namespace directives {
namespace {

absl::Status ApplyAll(Options& changed, std::span<const std::string_view> arguments) {
  Parser parser(changed);
  bool from_stdin = false;
  if (!arguments.empty() && !arguments.front().starts_with("--")) {
    const std::string file(arguments.front());
    arguments = arguments.subspan(1);
    from_stdin = file == "-";
    if (!from_stdin && !file.empty()) {
      changed.config_file = AbsolutePath(file, {});
      if (absl::Status status = parser.File(file); !status.ok()) return status;
      if (absl::Status status = parser.Finish(); !status.ok()) return status;
    }
  }
  if (!from_stdin && !arguments.empty() && arguments.back() == "-") {
    arguments = arguments.first(arguments.size() - 1);
    from_stdin = true;
  }
  if (from_stdin) {
    if (absl::Status status = parser.StandardInput(); !status.ok()) return status;
    if (absl::Status status = parser.Finish(); !status.ok()) return status;
  }
  return ApplyLines(parser, arguments);
}

// fn(copy of the options) -> Status. The copy takes their place if it is OK; nothing has changed otherwise, nor is
// anything thrown.
template <class F>
absl::Status ChangeAll(Options& options, F&& fn) {
  absl::Status status;
  const bool whole = base::Guarded([&] {
    Options changed = options;
    status = fn(changed);
    if (status.ok()) options = std::move(changed);
  });
  if (whole) return status;
  return base::NoMemory(base::kNoMemoryForOptions);
}

}  // namespace
}  // namespace directives

absl::Status ApplyConfigText(Options& options, std::string_view text, std::string_view file_name) {
  return directives::ChangeAll(options, [&](Options& changed) {
    directives::Parser parser(changed);
    absl::Status status = parser.Text(text, std::string(file_name));
    return status.ok() ? parser.Finish() : status;
  });
}

absl::StatusOr<Options> ParseConfigFile(std::string_view path, Options base) {
  const absl::Status status = directives::ChangeAll(base, [&](Options& changed) {
    changed.config_file = directives::AbsolutePath(path, {});
    directives::Parser parser(changed);
    absl::Status read = parser.File(std::string(path));
    return read.ok() ? parser.Finish() : read;
  });
  if (!status.ok()) return status;
  return base;
}

absl::Status ApplyArguments(Options& options, std::span<const std::string_view> arguments) {
  return directives::ChangeAll(options, [&](Options& changed) { return directives::ApplyAll(changed, arguments); });
}

}  // namespace larder::inline v0
