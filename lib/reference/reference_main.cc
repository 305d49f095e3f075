// The reference page: every directive and every command, printed as Markdown from the rows that the cache works by.
//
//   ./bazelw run //:reference          (larder-reference, where Larder is installed)
#include <cstdio>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include <larder/version.h>
#include "lib/commands/families.h"
#include "lib/engine/table.h"
#include "lib/options/directive.h"

namespace larder::inline v0 {
namespace {

using engine::ArgSpec;
using engine::ArgType;
using engine::CommandSpec;
using directives::Directive;
using directives::Kind;
using directives::Unit;

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
  }
  return upper;
}

// Within a table's cell.
std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c;
  }
  return cell;
}

std::string Code(std::string_view text) { return text.empty() ? std::string("(empty)") : "`" + Cell(text) + "`"; }

// ---- Directives -----------------------------------------------------------------------------------------------------

std::string_view NameOf(Kind kind) {
  switch (kind) {
    case Kind::kServed: return "served";
    case Kind::kCompat: return "compat";
    case Kind::kOffOnly: return "off-only";
  }
  return "";
}

std::string_view NameOf(Unit unit) {
  switch (unit) {
    case Unit::kNone: return "";
    case Unit::kBytes: return "bytes";
    case Unit::kSeconds: return "s";
    case Unit::kMilliseconds: return "ms";
    case Unit::kMicroseconds: return "us";
    case Unit::kPercent: return "%";
    case Unit::kPerSecond: return "a second";
  }
  return "";
}

void PrintDirective(const Directive& directive) {
  std::string meaning(directive.help);
  if (!directive.why.empty()) meaning += " There is no other value: " + std::string(directive.why) + ".";
  if (!directive.alias.empty()) meaning += " Also called " + std::string(directive.alias) + ".";
  if ((directive.flags & directives::kImmutable) != 0) meaning += " Not for CONFIG SET.";
  if ((directive.flags & directives::kProtected) != 0) meaning += " CONFIG SET: see enable-protected-configs.";
  const std::string_view kind = NameOf(directive.kind);
  const std::string_view unit = NameOf(directive.unit);
  std::printf("| `%s` | %.*s | %.*s | %s | %s | %s |\n", std::string(directive.name).c_str(),
              static_cast<int>(kind.size()), kind.data(), static_cast<int>(unit.size()), unit.data(),
              Code(directive.default_text).c_str(), Cell(Allowed(directive)).c_str(), Cell(meaning).c_str());
}

void PrintDirectives() {
  std::puts("## Directives\n");
  std::puts(
      "In redis.conf, as arguments of larder-server (`--name value`), by CONFIG SET, and, with `_` for `-`, as "
      "members of larder::Options. A directive is *served*, *compat* (accepted, kept and reported, without effect) "
      "or *off-only* (the default is the only value that there is).\n");
  std::puts("| directive | kind | unit | default | allowed | meaning |\n|---|---|---|---|---|---|");
  directives::ForEachDirective(PrintDirective);
}

// ---- Commands -------------------------------------------------------------------------------------------------------

void AppendArgs(std::span<const ArgSpec> args, std::string_view between, std::string* to);

// One argument without what says that it is optional or comes again.
void AppendBare(const ArgSpec& arg, std::string* to) {
  if (!arg.token.empty()) *to += arg.token;
  if (arg.type == ArgType::kPureToken) return;
  if (!arg.token.empty()) *to += ' ';
  if (arg.type == ArgType::kOneOf || arg.type == ArgType::kBlock) {
    const bool choice = arg.type == ArgType::kOneOf;
    const bool brackets = choice && !arg.optional;
    if (brackets) *to += '<';
    AppendArgs(arg.args, choice ? " | " : " ", to);
    if (brackets) *to += '>';
  } else {
    *to += arg.name;
  }
}

void AppendArgs(std::span<const ArgSpec> args, std::string_view between, std::string* to) {
  bool first = true;
  for (const ArgSpec& arg : args) {
    if (!first) *to += between;
    first = false;
    if (arg.optional) *to += '[';
    AppendBare(arg, to);
    if (arg.multiple) {
      *to += " [";
      AppendBare(arg, to);
      *to += " ...]";
    }
    if (arg.optional) *to += ']';
  }
}

void PrintCommand(const engine::CommandRow& row) {
  const CommandSpec& spec = *row.spec;
  std::string usage = row.container != nullptr ? Upper(row.container->spec->name) + " " : std::string();
  usage += Upper(spec.name);
  if (!spec.args.empty()) usage += ' ';
  AppendArgs(spec.args, " ", &usage);
  std::string meaning(spec.summary);
  if (!spec.deprecated_since.empty()) meaning += " Deprecated since " + std::string(spec.deprecated_since) + ".";
  if (row.has(engine::kCmdNeedsSession)) meaning += " In a session that lasts.";
  std::printf("| %s | %s | %s | %s |\n", Code(usage).c_str(), Cell(meaning).c_str(), Cell(spec.complexity).c_str(),
              std::string(spec.since).c_str());
}

constexpr std::string_view kGroups[] = {
    "Keys",   "Strings", "Lists",       "Sets",    "Sorted sets", "Hashes", "Pub/sub", "Transactions", "Connections",
    "Server", "Scripts", "HyperLogLog", "Cluster", "Sentinel",    "Geo",    "Streams", "Bitmaps"};
static_assert(std::size(kGroups) == static_cast<size_t>(engine::Group::kBitmap) + 1);

// False without memory.
bool PrintCommands() {
  engine::CommandTable table;
  Bytes culprit;
  if (table.Build(commands::CoreFamilies(), &culprit) != engine::CommandTable::Fault::kNone) return false;
  std::puts("\n## Commands");
  for (size_t group = 0; group < std::size(kGroups); ++group) {
    bool any = false;
    for (const engine::CommandRow& row : table.rows()) {
      if (static_cast<size_t>(row.spec->group) != group) continue;
      if (!any) {
        std::printf("\n### %s\n\n| command | what it does | complexity | Redis has it since |\n|---|---|---|---|\n",
                    std::string(kGroups[group]).c_str());
      }
      any = true;
      if (row.spec->run != nullptr) PrintCommand(row);
    }
  }
  return true;
}

}  // namespace
}  // namespace larder::inline v0

int main() {
  std::printf("# Larder %s: directives and commands\n\n", LARDER_VERSION);
  larder::PrintDirectives();
  const bool whole = larder::PrintCommands();
  return whole && std::fflush(stdout) == 0 ? 0 : 1;
}
