// One value of one directive: words in, text and lines out. Types with a structure of their own are in structured.cc.
//
// Where Redis is lax the same laxness is kept ("k" is the memory value 0), since files and scripts that work with it
// must work here, with one exception: a size beyond 64 bits is the largest size and not what is left of it modulo 2^64.
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/numbers.h"
#include "lib/options/directive.h"

namespace larder::inline v0::directives {
namespace {

// Values are bookkeeping: what no sane value needs is refused before it costs memory. A file is not longer either.
constexpr size_t kValueBytesMax = 4 << 20;

using base::EqualsIgnoreCase;

// Redis's values end at a NUL, for all types that it reads as C strings.
std::string_view UpToNul(std::string_view word) { return word.substr(0, word.find('\0')); }

std::string Decimal(int64_t value) {
  char digits[base::kIntChars];
  return std::string(base::FormatInt64(value, digits));
}

std::string UnsignedDecimal(uint64_t value) {
  char digits[base::kIntChars];
  return std::string(base::FormatUint64(value, digits));
}

std::string Octal(uint64_t value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + value % 8));
    value /= 8;
  } while (value != 0);
  return digits;
}

std::string Between(const std::string& min, const std::string& max) {
  return "argument must be between " + min + " and " + max + " inclusive";
}

std::string ChoiceWords(const Directive& directive) {
  std::string words;
  for (const Choice& choice : directive.choices) {
    if (!words.empty()) words += ", ";
    words += choice.word;
  }
  return words;
}

std::string NotAChoice(const Directive& directive) {
  return "argument(s) must be one of the following: " + ChoiceWords(directive);
}

const Choice* FindChoice(const Directive& directive, std::string_view word) {
  for (const Choice& choice : directive.choices) {
    if (EqualsIgnoreCase(choice.word, word)) return &choice;
  }
  return nullptr;
}

// ---- Words to a number or a text ------------------------------------------------------------------------------------

struct Value {
  int64_t number = 0;
  std::string text;
};

std::string ParseBool(std::string_view word, Value* value) {
  word = UpToNul(word);
  if (EqualsIgnoreCase(word, "yes")) value->number = 1;
  else if (!EqualsIgnoreCase(word, "no")) return "argument must be 'yes' or 'no'";
  value->text = value->number != 0 ? "yes" : "no";
  return {};
}

std::string ParseInt(const Directive& directive, std::string_view word, Value* value) {
  if (!base::ParseInt64(word, &value->number)) return "argument couldn't be parsed into an integer";
  if (value->number < directive.min || value->number > directive.max) {
    return Between(Decimal(directive.min), Decimal(directive.max));
  }
  if (directive.adjust != nullptr) value->number = directive.adjust(value->number);
  value->text = Decimal(value->number);
  return {};
}

std::string ParseMemoryValue(const Directive& directive, std::string_view word, Value* value) {
  uint64_t bytes = 0;
  if (!ParseMemory(word, &bytes)) return "argument must be a memory value";
  const auto min = static_cast<uint64_t>(directive.min);
  const auto max = static_cast<uint64_t>(directive.max);
  if (bytes < min || bytes > max) return Between(UnsignedDecimal(min), UnsignedDecimal(max));
  value->number = static_cast<int64_t>(bytes);
  if (directive.adjust != nullptr) value->number = directive.adjust(value->number);
  value->text = UnsignedDecimal(static_cast<uint64_t>(value->number));
  return {};
}

// A percentage is a negative number, as in Redis (so "0%" reads back as "0", and a size beyond 2^63 is a percentage).
std::string ParsePercentMemory(std::string_view word, Value* value) {
  static constexpr char kTooMuch[] = "percentage argument must be less or equal to 100";
  uint64_t bytes = 0;
  if (word.size() > 1 && word.back() == '%') {
    if (!base::ParseInt64(word.substr(0, word.size() - 1), &value->number) || value->number < 0) {
      return "argument must be a memory or percent value";
    }
    value->number = -value->number;
  } else if (ParseMemory(word, &bytes)) {
    value->number = static_cast<int64_t>(bytes);
  } else {
    return "argument must be a memory or percent value";
  }
  if (value->number < -100) return kTooMuch;
  value->text = value->number < 0 ? Decimal(-value->number) + "%" : Decimal(value->number);
  return {};
}

std::string ParseOctal(const Directive& directive, std::string_view word, Value* value) {
  const bool negative = !word.empty() && word.front() == '-';
  std::string_view digits = negative ? word.substr(1) : word;
  bool good = !digits.empty() && digits.size() < 20;
  for (char c : digits) {
    good = good && c >= '0' && c <= '7';
    if (good) value->number = value->number * 8 + (c - '0');
  }
  if (!good) return "argument couldn't be parsed as an octal number";
  if (negative) value->number = -value->number;
  if (value->number < directive.min || value->number > directive.max) {
    return Between(Octal(static_cast<uint64_t>(directive.min)), Octal(static_cast<uint64_t>(directive.max)));
  }
  value->text = Octal(static_cast<uint64_t>(value->number));
  return {};
}

std::string EnumText(const Directive& directive, int64_t number) {
  for (const Choice& choice : directive.choices) {
    if (choice.value == number) return std::string(choice.word);
  }
  return "unknown";
}

std::string ParseEnum(const Directive& directive, std::string_view word, Value* value) {
  const Choice* choice = FindChoice(directive, UpToNul(word));
  if (choice == nullptr) return NotAChoice(directive);
  value->number = choice->value;
  value->text = EnumText(directive, value->number);
  return {};
}

std::string ParseFlags(const Directive& directive, std::span<const std::string_view> words, Value* value) {
  if (words.empty()) return NotAChoice(directive);
  for (std::string_view word : words) {
    const Choice* choice = FindChoice(directive, UpToNul(word));
    if (choice == nullptr) return NotAChoice(directive);
    value->number |= choice->value;
  }
  constexpr int64_t kSaveAndNosave = 1 | 2;
  if ((value->number & kSaveAndNosave) == kSaveAndNosave) {
    return "shutdown options SAVE and NOSAVE can't be used simultaneously";
  }
  for (const Choice& choice : directive.choices) {
    if (choice.value == 0 ? value->number != 0 : (value->number & choice.value) == 0) continue;
    if (!value->text.empty()) value->text += ' ';
    value->text += choice.word;
  }
  return {};
}

std::string ParseFileName(const Directive& directive, std::string_view word, Value* value) {
  const std::string name(directive.name);
  if ((directive.flags & kNeverEmpty) != 0 && word.empty()) return name + " can't be empty";
  if (word.find('/') != word.npos) {
    return name + " can't be a path, just a " + (name == "appenddirname" ? "dirname" : "filename");
  }
  value->text = word;
  return {};
}

std::string ParseHostName(std::string_view word, Value* value) {
  if (word.size() >= 256) return "Hostnames must be less than 256 characters";
  for (char c : word) {
    const char lower = base::LowerAscii(c);
    if ((lower < 'a' || lower > 'z') && (c < '0' || c > '9') && c != '-' && c != '.') {
      return "Hostnames may only contain alphanumeric characters, hyphens or dots";
    }
  }
  value->text = word;
  return {};
}

// Keeps an absolute path, since the directory that it is relative to may be another one later. Redis changes into it at
// once; a guest cannot, and nobody needs the directory until something is written there, so only CONFIG SET looks.
std::string ParsePath(std::string_view word, const Options& options, Source source, Value* value) {
  if (word.empty()) return "No such file or directory";
  std::string path = AbsolutePath(UpToNul(word), options.dir);
  if (path.empty()) return "the working directory has no name";
  if (source == Source::kSet) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) return errno == EACCES ? "Permission denied" : "No such file or directory";
    if (!S_ISDIR(status.st_mode)) return "Not a directory";
  }
  value->text = std::move(path);
  return {};
}

std::string ParseValue(const Directive& directive, const Options& options, std::span<const std::string_view> words,
                       Source source, Value* value) {
  switch (directive.type) {
    case Type::kFlags: return ParseFlags(directive, words, value);
    case Type::kSave: return SaveText(words, &value->text);
    case Type::kOomValues: return OomValuesText(words, &value->text);
    case Type::kPercentiles: return PercentilesText(words, &value->text);
    case Type::kReplicaof: return ReplicaofText(words, &value->text);
    default: break;
  }
  if (words.size() != 1) return "wrong number of arguments";
  const std::string_view word = words.front();
  switch (directive.type) {
    case Type::kBool: return ParseBool(word, value);
    case Type::kInt: return ParseInt(directive, word, value);
    case Type::kMemory: return ParseMemoryValue(directive, word, value);
    case Type::kPercentMemory: return ParsePercentMemory(word, value);
    case Type::kOctal: return ParseOctal(directive, word, value);
    case Type::kEnum: return ParseEnum(directive, word, value);
    case Type::kPath: return ParsePath(word, options, source, value);
    case Type::kFileName: return ParseFileName(directive, word, value);
    case Type::kHostName: return ParseHostName(word, value);
    case Type::kTitle: return TitleText(word, &value->text);
    case Type::kEvents: return EventsText(UpToNul(word), &value->text);
    default: value->text = word; return {};
  }
}

bool TakesManyWords(Type type) {
  return type == Type::kFlags || type == Type::kAddresses || type == Type::kSave || type == Type::kOutputLimits ||
         type == Type::kOomValues || type == Type::kPercentiles;
}

}  // namespace

const Directive* FindDirective(std::string_view name) {
  const Directive* found = nullptr;
  ForEachDirective([&](const Directive& directive) {
    if (EqualsIgnoreCase(directive.name, name) ||
        (!directive.alias.empty() && EqualsIgnoreCase(directive.alias, name))) {
      found = &directive;
    }
  });
  return found;
}

std::string AbsolutePath(std::string_view path, std::string_view from) {
  std::string whole;
  if (path.empty() || path.front() != '/') {
    char cwd[PATH_MAX];
    if (from.empty()) from = getcwd(cwd, sizeof(cwd)) == nullptr ? "" : cwd;
    if (from.empty()) return {};
    (whole = from) += '/';
  }
  whole += path;
  std::string clean;
  for (size_t at = 0; at < whole.size();) {
    const size_t end = std::min(whole.find('/', at), whole.size());
    const std::string_view part = std::string_view(whole).substr(at, end - at);
    if (part == "..") clean.erase(std::min(clean.rfind('/'), clean.size()));
    else if (!part.empty() && part != ".") (clean += '/') += part;
    at = end + 1;
  }
  return clean.empty() ? "/" : clean;
}

bool ParseMemory(std::string_view word, uint64_t* bytes) {
  word = UpToNul(word);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const size_t digits = static_cast<size_t>(std::find_if_not(word.begin(), word.end(), is_digit) - word.begin());
  if (digits >= 128) return false;  // Redis's limit, too
  static constexpr Choice kUnits[] = {{"", 1},         {"b", 1},       {"k", 1000},       {"kb", 1 << 10},
                                      {"m", 1000'000}, {"mb", 1 << 20}, {"g", 1000'000'000}, {"gb", 1 << 30}};
  const auto unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Choice& choice) {
    return EqualsIgnoreCase(choice.word, word.substr(digits));
  });
  if (unit == std::end(kUnits)) return false;
  uint64_t number = 0;
  bool fits = true;
  for (char c : word.substr(0, digits)) {
    fits = fits && !__builtin_mul_overflow(number, uint64_t{10}, &number) &&
           !__builtin_add_overflow(number, static_cast<uint64_t>(c - '0'), &number);
  }
  fits = fits && !__builtin_mul_overflow(number, static_cast<uint64_t>(unit->value), &number);
  *bytes = fits ? number : std::numeric_limits<uint64_t>::max();
  return true;
}

std::string MemoryWord(uint64_t bytes) {
  if (bytes == 0) return "0";
  for (auto [unit, shift] : {std::pair{"gb", 30}, std::pair{"mb", 20}, std::pair{"kb", 10}}) {
    if ((bytes & ((uint64_t{1} << shift) - 1)) == 0) return UnsignedDecimal(bytes >> shift) + unit;
  }
  return UnsignedDecimal(bytes);
}

std::string StoreWords(const Directive& directive, Options& options, std::span<const std::string_view> words,
                       Source source) {
  size_t size = 0;
  for (std::string_view word : words) size += word.size() + 1;
  if (size > kValueBytesMax) return "argument is longer than 4 MB";

  // A list may come as one word: save "60 1". An empty one is a word of no bytes, except in CONFIG SET.
  std::vector<std::string_view> split;
  if (TakesManyWords(directive.type) && words.size() == 1) {
    split = SplitAtSpaces(words.front());
    if (split.empty() && source == Source::kFile) split.push_back({});
    words = split;
  }
  if (directive.type == Type::kAddresses) return StoreAddresses(options, words);
  if (directive.type == Type::kOutputLimits) return StoreOutputLimits(options, words);

  Value value;
  if (std::string error = ParseValue(directive, options, words, source, &value); !error.empty()) return error;
  if (directive.kind == Kind::kOffOnly) {
    return value.text == directive.default_text ? std::string() : std::string(directive.why);
  }
  if (directive.member.set_number != nullptr) {
    directive.member.set_number(options, value.number);
  } else if (directive.member.string != nullptr) {
    directive.member.string(options) = std::move(value.text);
  } else {
    LARDER_DCHECK(directive.kind == Kind::kCompat);
    std::string& kept = options.compat[std::string(directive.name)];
    // The lines of a file add up, after the first, which replaces the default; an empty one starts anew.
    const bool adds = directive.type == Type::kSave && source == Source::kFile && !kept.empty() && !value.text.empty();
    kept = adds ? kept + " " + value.text : std::move(value.text);
  }
  return {};
}

std::string StoreText(const Directive& directive, Options& options, std::string_view text) {
  return StoreWords(directive, options, {&text, 1}, Source::kSet);
}

std::vector<std::string> BindInForce(const Options& options) {
  return options.bind.has_value() ? *options.bind : std::vector<std::string>{"127.0.0.1", "-::1"};
}

namespace {

// A program may have given the letters in any order. 7.0 does not print n behind A, though the class is told of.
std::string PrintedEvents(const std::string& letters) {
  std::string text;
  (void)EventsText(letters, &text);
  if (text.starts_with("An")) text.erase(1, 1);
  return text;
}

}  // namespace

std::string GetText(const Directive& directive, const Options& options) {
  if (directive.kind == Kind::kOffOnly) return std::string(directive.default_text);
  if (directive.kind == Kind::kCompat) {
    const auto kept = options.compat.find(directive.name);
    return kept == options.compat.end() ? std::string(directive.default_text) : kept->second;
  }
  if (directive.type == Type::kAddresses) {
    std::string text;
    const std::vector<std::string> addresses = BindInForce(options);
    for (size_t i = 0; i < addresses.size(); ++i) (text += i == 0 ? "" : " ") += addresses[i];
    return text;
  }
  if (directive.type == Type::kOutputLimits) return OutputLimitsText(options);
  if (directive.member.string != nullptr) {
    const std::string& text = directive.member.string(const_cast<Options&>(options));
    if (directive.type == Type::kEvents) return PrintedEvents(text);
    char cwd[PATH_MAX];
    if (directive.type == Type::kPath && text.empty() && getcwd(cwd, sizeof(cwd)) != nullptr) return cwd;
    return text;
  }
  const int64_t number = directive.member.number(options);
  switch (directive.type) {
    case Type::kBool: return number != 0 ? "yes" : "no";
    case Type::kMemory: return UnsignedDecimal(static_cast<uint64_t>(number));
    case Type::kPercentMemory: return number < 0 ? Decimal(-number) + "%" : Decimal(number);
    case Type::kOctal: return Octal(static_cast<uint64_t>(number));
    case Type::kEnum: return EnumText(directive, number);
    default: return Decimal(number);
  }
}

std::vector<std::string> RewriteLines(const Directive& directive, const Options& options) {
  const std::string name(directive.name);
  if (directive.type == Type::kOutputLimits) return OutputLimitsLines(options);
  const std::string text = GetText(directive, options);
  switch (directive.type) {
    case Type::kMemory:
    case Type::kPercentMemory: {
      uint64_t bytes = 0;
      return {name + " " + (ParseMemory(text, &bytes) ? MemoryWord(bytes) : text)};
    }
    case Type::kString:
    case Type::kFileName:
    case Type::kHostName:
    case Type::kReplicaof:
      if (text.empty() && (directive.flags & kKeepEmpty) == 0) return {};
      [[fallthrough]];
    case Type::kTitle:
    case Type::kEvents: return {name + " " + Quoted(text)};
    case Type::kPath: return options.dir.empty() ? std::vector<std::string>{} : std::vector{name + " " + Quoted(text)};
    case Type::kAddresses: {
      std::string line = name;
      // An address has no blank and no quote in it, and "" is none.
      const std::vector<std::string> addresses = BindInForce(options);
      for (const std::string& address : addresses) (line += ' ') += address.empty() ? "\"\"" : address;
      return {addresses.empty() ? line + " \"\"" : line};
    }
    case Type::kSave: {
      const std::vector<std::string_view> words = SplitAtSpaces(text);
      std::vector<std::string> lines;
      for (size_t i = 0; i + 1 < words.size(); i += 2) {
        lines.push_back(name + " " + std::string(words[i]) + " " + std::string(words[i + 1]));
      }
      if (lines.empty()) lines.push_back(name + " \"\"");
      return lines;
    }
    default: return {name + " " + (text.empty() ? "\"\"" : text)};
  }
}

std::string Allowed(const Directive& directive) {
  const auto range = [&](const char* what) {
    std::string text = what;
    // What is silently made of a number is the range that counts.
    const int64_t min = directive.adjust != nullptr ? directive.adjust(directive.min) : directive.min;
    const int64_t max = directive.adjust != nullptr ? directive.adjust(directive.max) : directive.max;
    if (max == std::numeric_limits<int64_t>::max()) return text + " of at least " + Decimal(min);
    return text + " from " + Decimal(min) + " to " + Decimal(max);
  };
  if (directive.kind == Kind::kOffOnly) {
    return directive.default_text.empty() ? "nothing" : std::string(directive.default_text);
  }
  switch (directive.type) {
    case Type::kBool: return "yes or no";
    case Type::kInt: return range("a number");
    case Type::kMemory:
      return "bytes, or a number with k, kb, m, mb, g or gb" +
             (directive.min > 0 ? ", at least " + MemoryWord(static_cast<uint64_t>(directive.min)) : std::string());
    case Type::kPercentMemory: return "bytes, or a number with k, kb, m, mb, g or gb, or 0% to 100%";
    case Type::kOctal: return "octal digits from 0 to " + Octal(static_cast<uint64_t>(directive.max));
    case Type::kEnum: return "one of " + ChoiceWords(directive);
    case Type::kFlags: return "some of " + ChoiceWords(directive);
    case Type::kString: return "one word, or a text in quotes";
    case Type::kPath: return "a directory";
    case Type::kFileName: return "a file name without a slash";
    case Type::kHostName: return "letters, digits, hyphens and dots";
    case Type::kTitle: return "a text with {title}, {listen-addr}, {server-mode}, {port}, {tls-port}, {unixsocket}, "
                              "{config-file}";
    case Type::kAddresses: return "up to 16 addresses, or \"\"";
    case Type::kSave: return "SECONDS CHANGES, also several times, or \"\"";
    case Type::kOutputLimits: return "CLASS HARD SOFT SECONDS, with normal, replica or pubsub as class";
    case Type::kOomValues: return "three numbers from -2000 to 2000";
    case Type::kEvents: return "letters of Ag$lshzxeKEtmdn, or \"\"";
    case Type::kPercentiles: return "numbers from 0 to 100";
    case Type::kReplicaof: return "HOST PORT";
  }
  return {};
}

}  // namespace larder::inline v0::directives
