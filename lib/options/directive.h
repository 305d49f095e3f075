// Directives: one row for each directive of Redis 7.0.15, and a few of our own. Everything that knows a directive by
// name (files, arguments, CONFIG GET, SET and REWRITE, the reference page) works from these rows; nothing else lists
// them.
//
// A value has three texts:
//   words   what stands behind the name in a file or in CONFIG SET, taken apart: {"100mb"}, {"60", "1"}
//   text    what CONFIG GET prints, the canonical form: "104857600", "60 1"; StoreWords of it stores the same value
//   lines   what CONFIG REWRITE writes: "maxmemory 100mb"; several for `save`, none for a password that is not set
// A served row reaches its member of Options through `member`; a compat or off-only row keeps its text in
// Options::compat.
//
// To serve a directive that was compat: give Options a member, give the row kServed and the member, and make it work.
#ifndef LARDER_OPTIONS_DIRECTIVE_H_
#define LARDER_OPTIONS_DIRECTIVE_H_

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include <larder/options.h>
#include "lib/base/buffer.h"

namespace larder::inline v0::directives {

enum class Kind : uint8_t {
  kServed,   // has its effect
  kCompat,   // accepted, kept and printed, without effect
  kOffOnly,  // has no value but the default; `why` is the error for any other
};

enum class Type : uint8_t {
  kBool,           // yes or no
  kInt,            // within min and max
  kMemory,         // bytes, 100mb; within min and max as unsigned numbers
  kPercentMemory,  // bytes, or 5%
  kOctal,          // permission bits; min and max are their values, printed in octal
  kEnum,           // one of `choices`
  kFlags,          // some of `choices`, a bit each
  kString,         // anything
  kPath,           // a directory
  kFileName,       // no slash in it
  kHostName,       // letters, digits, '-' and '.'
  kTitle,          // a template with {variables}
  kAddresses,      // at most 16 words
  kSave,           // pairs of seconds and changes; lines of a file add up
  kOutputLimits,   // class, hard, soft, seconds
  kOomValues,      // three numbers
  kEvents,         // flags of notify-keyspace-events
  kPercentiles,    // numbers from 0 to 100
  kReplicaof,      // host and port, or "no one"
};

// What a number counts, for the reference page.
enum class Unit : uint8_t { kNone, kBytes, kSeconds, kMilliseconds, kMicroseconds, kPercent, kPerSecond };

enum Flag : uint8_t {
  kImmutable = 1,  // not for CONFIG SET
  kProtected = 2,  // for CONFIG SET only if enable-protected-configs allows it
  kHidden = 4,     // not in CONFIG GET *, only by its name
  kKeepEmpty = 8,  // an empty text is worth a line of its own in CONFIG REWRITE
  kNeverEmpty = 16,
  kReference = 32,  // names what is read: the same value, set again, is a change
};

struct Choice {
  std::string_view word;
  int64_t value;
};

// How a served row reaches its member: as a number (bool, enums, integers; uint64_t by its bits) or as a string. Rows
// of types with a structure of their own (kAddresses, kOutputLimits) have neither.
struct Member {
  int64_t (*number)(const Options&) = nullptr;
  void (*set_number)(Options&, int64_t) = nullptr;
  std::string& (*string)(Options&) = nullptr;
};

template <auto kPointer>
constexpr Member Of() {
  using T = std::remove_reference_t<decltype(std::declval<Options&>().*kPointer)>;
  if constexpr (std::is_same_v<T, std::string>) {
    return {.string = [](Options& options) -> std::string& { return options.*kPointer; }};
  } else {
    return {.number = [](const Options& options) { return static_cast<int64_t>(options.*kPointer); },
            .set_number = [](Options& options, int64_t value) { options.*kPointer = static_cast<T>(value); }};
  }
}

struct Directive {
  std::string_view name;
  Type type;
  std::string_view default_text;  // as CONFIG GET prints it
  Kind kind = Kind::kCompat;
  uint8_t flags = 0;
  Unit unit = Unit::kNone;
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();
  std::span<const Choice> choices = {};
  int64_t (*adjust)(int64_t) = nullptr;  // what Redis silently makes of an allowed number
  Member member = {};
  std::string_view alias = {};  // an older name, as good as the first
  std::string_view why = {};    // kOffOnly
  std::string_view help = {};
};

// The rows by name: our order of CONFIG GET (Redis's is that of a hash table).
std::span<const Directive> ServedDirectives();
std::span<const Directive> CompatDirectives();

template <class F>
void ForEachDirective(F&& f) {
  for (const Directive& directive : ServedDirectives()) f(directive);
  for (const Directive& directive : CompatDirectives()) f(directive);
}

// By name or alias, in upper or lower case; null if there is none.
const Directive* FindDirective(std::string_view name);

// ---- Values (values.cc, structured.cc) ------------------------------------------------------------------------------
// Functions that can refuse return the reason, in Redis's words, and "" for success.

// REQUIRES: words are those of one directive; one word may still be a list in itself ("60 1").
// kFile: a line or argument. kSet: CONFIG SET, where `save` replaces instead of adding and `dir` must exist.
enum class Source : uint8_t { kFile, kSet };
std::string StoreWords(const Directive& directive, Options& options, std::span<const std::string_view> words,
                       Source source);

// CONFIG SET's single argument.
std::string StoreText(const Directive& directive, Options& options, std::string_view text);

// The addresses to listen on: Options::bind or, if that is not set, those of this machine alone.
std::vector<std::string> BindInForce(const Options& options);

// What CONFIG GET prints.
std::string GetText(const Directive& directive, const Options& options);

// The lines for CONFIG REWRITE, without newline. A default value has its line, too: the caller leaves it out where the
// file had none. Output limits: one line a class.
std::vector<std::string> RewriteLines(const Directive& directive, const Options& options);

// What is allowed, for messages: "yes or no", "a number from 0 to 65535".
std::string Allowed(const Directive& directive);

// "..." with the escapes that a line of redis.conf understands.
std::string Quoted(std::string_view text);

// Pieces of the above that have a file of their own (structured.cc). Each puts the canonical form of words in *text.
std::string SaveText(std::span<const std::string_view> words, std::string* text);
std::string OomValuesText(std::span<const std::string_view> words, std::string* text);
std::string EventsText(std::string_view word, std::string* text);
std::string PercentilesText(std::span<const std::string_view> words, std::string* text);
std::string TitleText(std::string_view word, std::string* text);
std::string ReplicaofText(std::span<const std::string_view> words, std::string* text);
std::string StoreAddresses(Options& options, std::span<const std::string_view> words);
std::string StoreOutputLimits(Options& options, std::span<const std::string_view> words);
std::string OutputLimitsText(const Options& options);
std::vector<std::string> OutputLimitsLines(const Options& options);

// Bytes with the largest unit that divides them: "2gb", "1500kb", "2000000".
std::string MemoryWord(uint64_t bytes);

// A memory value as redis.conf has it; what does not fit in 64 bits is the largest number.
bool ParseMemory(std::string_view word, uint64_t* bytes);

// C's strtol over the whole word, as Redis reads numbers inside of lists: leading blanks and zeros and a sign are fine,
// the range is cut off, and "" is 0.
bool ParseLenient(std::string_view word, int64_t* value);

std::vector<std::string_view> SplitAtSpaces(std::string_view text);

// An absolute path without "." and "..", by text only; "" if the working directory has no name. `from`, where a
// relative path starts, is the working directory if it is empty.
std::string AbsolutePath(std::string_view path, std::string_view from);

// ---- Files (parse.cc, file.cc) --------------------------------------------------------------------------------------

// A line's words, quotes resolved. False if a quote is not closed, or closed in the middle of a word.
bool SplitWords(std::string_view line, std::vector<std::string>* words);

// True for a line that says nothing: blank, or a comment.
bool IsBlankOrComment(std::string_view line);

// What 7.0's CONFIG REWRITE adds for a server without users of its own: `user default on nopass ~* &* +@all`, or
// "#" and requirepass's SHA-256 instead of nopass.
struct DefaultUser {
  std::string hash;  // "": nopass
};
// False if `values`, the words behind `user`, say anything else.
bool ReadDefaultUser(std::span<const std::string_view> values, DefaultUser* user);
// That line for a password, or for "".
std::string DefaultUserLine(std::string_view password);
std::string PasswordHash(std::string_view password);

// Appends what is in a file (a descriptor). Returns 0 or errno; EFBIG beyond 4 MB.
int ReadFile(const char* path, base::Buffer* to);
int ReadAll(int fd, base::Buffer* to);

// Puts `text` in the place of `path`, at once and only when it is on disk: a new file beside it, synced and renamed.
// Keeps mode and owner, and follows a link. Returns 0 or errno.
int ReplaceFile(const std::string& path, std::string_view text);

std::string ErrnoText(int error);

// INVALID_ARGUMENT, with the member's name, if a program has put something in Options that no directive could have.
absl::Status Validate(const Options& options);

// ---- CONFIG (config.cc, rewrite.cc) ---------------------------------------------------------------------------------

struct NameAndText {
  std::string name;
  std::string text;
};

// CONFIG GET pattern...: each directive once, aliases as entries of their own. A pattern without *, ? and [ is a name
// and comes back as it was written.
std::vector<NameAndText> ConfigGet(const Options& options, std::span<const std::string_view> patterns);

struct ConfigSetResult {
  std::string error;  // the error reply without its '-'; "": done
  std::vector<const Directive*> changed;
};

// CONFIG SET name value...: all or nothing. The caller works on a copy of its Options, makes what it can of `changed`
// (a new port to listen on...), answers ConfigSetError when that fails, and else keeps the copy.
// `local` says that the client is of this machine; what keeps(name) is true of is the host's and refused as if it were
// immutable. REQUIRES: an even number of arguments, not 0.
ConfigSetResult ConfigSet(Options& options, std::span<const std::string_view> names_and_values, bool local,
                          absl::FunctionRef<bool(std::string_view)> keeps);

std::string ConfigSetError(std::string_view name, std::string_view reason);

// CONFIG REWRITE of options.config_file: changes the lines of directives that have another value now, keeps comments,
// order and whatever it does not know, and adds the rest at the end. Returns the error reply without its '-'.
std::string ConfigRewrite(const Options& options);

// What it makes of a file's text; false if there is not enough memory.
bool RewriteText(const Options& options, std::string_view text, base::Buffer* to);

}  // namespace larder::inline v0::directives

#endif  // LARDER_OPTIONS_DIRECTIVE_H_
