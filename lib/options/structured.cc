// Values with a structure: lists, classes, flags, templates. Each function turns words into the canonical text, or says
// in Redis's words why it cannot.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "lib/base/bytes.h"
#include "lib/base/numbers.h"
#include "lib/options/directive.h"

namespace larder::inline v0::directives {
namespace {

using Words = std::span<const std::string_view>;

constexpr size_t kAddressesMax = 16;

std::string Decimal(int64_t value) {
  char digits[base::kIntChars];
  return std::string(base::FormatInt64(value, digits));
}

void AddWord(std::string* text, std::string_view word) {
  if (!text->empty()) *text += ' ';
  *text += word;
}

// "50.1234565" to "50.123457", "99.90" to "99.9": six decimals at most, as 7.0 prints percentiles.
std::string Percentile(double value) {
  char digits[512];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value, std::chars_format::fixed, 6).ptr;
  std::string_view text(digits, static_cast<size_t>(end - digits));
  text = text.substr(0, text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.remove_suffix(1);
  return text == "-0" ? "0" : std::string(text);
}

// ---- client-output-buffer-limit -------------------------------------------------------------------------------------

struct LimitClass {
  std::string_view name;       // in CONFIG GET
  std::string_view other;      // understood as well
  std::string_view in_file;    // in CONFIG REWRITE
  OutputBufferLimit Options::*limit;
};

constexpr LimitClass kLimitClasses[] = {{"normal", "normal", "normal", &Options::output_limit_normal},
                                        {"slave", "replica", "replica", &Options::output_limit_replica},
                                        {"pubsub", "pubsub", "pubsub", &Options::output_limit_pubsub}};

const LimitClass* FindLimitClass(std::string_view word) {
  for (const LimitClass& entry : kLimitClasses) {
    if (base::EqualsIgnoreCase(entry.name, word) || base::EqualsIgnoreCase(entry.other, word)) return &entry;
  }
  return nullptr;
}

}  // namespace

std::vector<std::string_view> SplitAtSpaces(std::string_view text) {
  std::vector<std::string_view> words;
  if (text.empty()) return words;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

bool ParseLenient(std::string_view word, int64_t* value) {
  word = word.substr(0, word.find('\0'));
  *value = 0;
  if (word.empty()) return true;
  size_t at = std::min(word.find_first_not_of(" \t\n\v\f\r"), word.size());
  const bool negative = at < word.size() && word[at] == '-';
  if (at < word.size() && (word[at] == '-' || word[at] == '+')) ++at;
  if (at == word.size()) return false;
  bool fits = true;
  for (; at < word.size(); ++at) {
    if (word[at] < '0' || word[at] > '9') return false;
    const int64_t digit = negative ? '0' - word[at] : word[at] - '0';
    fits = fits && !__builtin_mul_overflow(*value, int64_t{10}, value) && !__builtin_add_overflow(*value, digit, value);
  }
  if (!fits) *value = negative ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  return true;
}

// Seconds are a long, changes an int. (7.0 cuts a larger number down to its low bits, which may come out negative: a
// value that it then refuses to read back.)
std::string SaveText(Words words, std::string* text) {
  if (words.size() == 1 && words.front().empty()) return {};
  if (words.size() % 2 != 0) return "Invalid save parameters";
  for (size_t i = 0; i < words.size(); i += 2) {
    int64_t seconds = 0;
    int64_t changes = 0;
    if (!ParseLenient(words[i], &seconds) || !ParseLenient(words[i + 1], &changes) || seconds < 1 || changes < 0) {
      return "Invalid save parameters";
    }
    AddWord(text, Decimal(seconds));
    AddWord(text, Decimal(std::min<int64_t>(changes, std::numeric_limits<int32_t>::max())));
  }
  return {};
}

std::string OomValuesText(Words words, std::string* text) {
  if (words.size() != 3) return "wrong number of arguments";
  for (std::string_view word : words) {
    int64_t value = 0;
    if (!ParseLenient(word, &value) || value < -2000 || value > 2000) {
      return "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
    }
    AddWord(text, Decimal(value));
  }
  return {};
}

// The letters in the order in which 7.0 prints them: classes before K and E, and all classes but m and n as A.
std::string EventsText(std::string_view word, std::string* text) {
  constexpr std::string_view kKnown = "Ag$lshzxeKEtmdn";
  constexpr std::string_view kAll = "g$lshzxetd";
  constexpr std::string_view kPrinted = "g$lshzxetdnKEm";
  if (word.find_first_not_of(kKnown) != word.npos) return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
  const auto has = [&](char c) {
    return word.find(c) != word.npos || (kAll.find(c) != kAll.npos && word.find('A') != word.npos);
  };
  const bool all = std::all_of(kAll.begin(), kAll.end(), has);
  if (all) *text += 'A';
  for (char c : kPrinted) {
    if (all && kAll.find(c) != kAll.npos) continue;
    if (has(c)) *text += c;
  }
  return {};
}

std::string PercentilesText(Words words, std::string* text) {
  if (words.size() == 1 && words.front().empty()) return {};
  for (std::string_view word : words) {
    double value = 0;
    if (!base::ParseDouble(word, &value) || word.empty()) return "Invalid latency-tracking-info-percentiles parameters";
    if (value < 0 || value > 100) {
      return "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
    }
    AddWord(text, Percentile(value));
  }
  return {};
}

// The variables must be known, "{{" is a brace, and something must be left when {title} and {server-mode} are empty.
std::string TitleText(std::string_view word, std::string* text) {
  static constexpr char kBad[] = "template format is invalid or contains unknown variables";
  constexpr std::string_view kEmptyAtFirst[] = {"title", "server-mode"};
  constexpr std::string_view kOthers[] = {"listen-addr", "port", "tls-port", "unixsocket", "config-file"};
  const auto is_one_of = [](std::string_view name, auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  bool shows = false;
  for (size_t at = 0; at < word.size(); ++at) {
    if (word[at] != '{') {
      shows = shows || word[at] != ' ';
      continue;
    }
    if (at + 1 < word.size() && word[at + 1] == '{') {
      shows = true;
      ++at;
      continue;
    }
    const size_t end = word.find('}', at);
    if (end == word.npos) return kBad;
    const std::string_view name = word.substr(at + 1, end - at - 1);
    if (is_one_of(name, kOthers)) shows = true;
    else if (!is_one_of(name, kEmptyAtFirst)) return kBad;
    at = end;
  }
  if (!shows) return kBad;
  *text = word;
  return {};
}

std::string ReplicaofText(Words words, std::string* text) {
  if (words.size() != 2) return "wrong number of arguments";
  if (base::EqualsIgnoreCase(words[0], "no") && base::EqualsIgnoreCase(words[1], "one")) return {};
  int64_t port = 0;
  if (!base::ParseInt64(words[1], &port) || port < 0 || port > 65535) return "Invalid master port";
  *text = std::string(words[0]) + " " + Decimal(port);
  return {};
}

// What an address or a host's name consists of, after the '-' of one that may be missing. (Redis takes anything that is
// marked so, and writes it into its file as it came, lines of their own included.)
bool LooksLikeAddress(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) {
    const char lower = base::LowerAscii(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view(".:-_%*").find(c) != std::string_view::npos;
  });
}

std::string StoreAddresses(Options& options, Words words) {
  if (words.size() > kAddressesMax) return "Too many bind addresses specified.";
  if (words.size() == 1 && words.front().empty()) words = {};
  if (!std::all_of(words.begin(), words.end(), LooksLikeAddress)) return "Failed to bind to specified addresses.";
  options.bind.emplace(words.begin(), words.end());
  return {};
}

std::string StoreOutputLimits(Options& options, Words words) {
  if (words.size() % 4 != 0) return "Wrong number of arguments in buffer limit configuration.";
  Options changed = options;
  for (size_t i = 0; i < words.size(); i += 4) {
    const LimitClass* entry = FindLimitClass(words[i]);
    if (entry == nullptr) return "Invalid client class specified in buffer limit configuration.";
    OutputBufferLimit limit;
    if (!ParseMemory(words[i + 1], &limit.hard) || !ParseMemory(words[i + 2], &limit.soft) ||
        !ParseLenient(words[i + 3], &limit.soft_seconds) || limit.soft_seconds < 0 ||
        limit.soft_seconds > std::numeric_limits<int32_t>::max()) {
      return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    }
    changed.*(entry->limit) = limit;
  }
  for (const LimitClass& entry : kLimitClasses) options.*(entry.limit) = changed.*(entry.limit);
  return {};
}

std::string OutputLimitsText(const Options& options) {
  std::string text;
  for (const LimitClass& entry : kLimitClasses) {
    const OutputBufferLimit& limit = options.*(entry.limit);
    char digits[base::kIntChars];
    AddWord(&text, entry.name);
    AddWord(&text, base::FormatUint64(limit.hard, digits));
    AddWord(&text, base::FormatUint64(limit.soft, digits));
    AddWord(&text, base::FormatInt64(limit.soft_seconds, digits));
  }
  return text;
}

std::vector<std::string> OutputLimitsLines(const Options& options) {
  std::vector<std::string> lines;
  for (const LimitClass& entry : kLimitClasses) {
    const OutputBufferLimit& limit = options.*(entry.limit);
    lines.push_back("client-output-buffer-limit " + std::string(entry.in_file) + " " + MemoryWord(limit.hard) + " " +
                    MemoryWord(limit.soft) + " " + Decimal(limit.soft_seconds));
  }
  return lines;
}

}  // namespace larder::inline v0::directives
