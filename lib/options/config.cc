// CONFIG GET and CONFIG SET.
#include <algorithm>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/base/check.h"
#include "lib/base/glob.h"
#include "lib/options/directive.h"

namespace larder::inline v0::directives {
namespace {

// A directive under one of its names: its own, or its alias, which CONFIG treats as an entry like any other.
struct Entry {
  const Directive* directive = nullptr;
  std::string_view name;
  bool operator==(const Entry& other) const { return name.data() == other.name.data(); }
};

Entry FindEntry(std::string_view name) {
  const Directive* directive = FindDirective(name);
  if (directive == nullptr) return {};
  return {directive, base::EqualsIgnoreCase(directive->name, name) ? directive->name : directive->alias};
}

// A file is the host's word and may be longer; a client's values are kept for good, and copied at each change.
constexpr size_t kSetBytesMax = 64 << 10;

// Replies are one line each.
std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\r', ' ');
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

bool MaySetProtected(const Options& options, bool local) {
  return options.enable_protected_configs == ProtectedAction::kYes ||
         (options.enable_protected_configs == ProtectedAction::kLocal && local);
}

}  // namespace

namespace {

constexpr std::string_view kNoValue = "not a value that it can have";

absl::Status Invalid(const std::string& member, std::string_view reason, std::string_view allowed) {
  const std::string text =
      "Options::" + member + ": " + std::string(reason) + " (allowed: " + std::string(allowed) + ")";
  return absl::InvalidArgumentError(base::ToAbsl(text));
}

// All but one directive have one member, which is named after them.
std::string MemberOf(const Directive& directive) {
  std::string member(directive.name);
  std::replace(member.begin(), member.end(), '-', '_');
  return member;
}

// client-output-buffer-limit's three members, each beside two that are right.
absl::Status ValidateOutputLimits(const Directive& directive, const Options& options) {
  static constexpr std::pair<const char*, OutputBufferLimit Options::*> kMembers[] = {
      {"output_limit_normal", &Options::output_limit_normal},
      {"output_limit_replica", &Options::output_limit_replica},
      {"output_limit_pubsub", &Options::output_limit_pubsub}};
  for (const auto& [name, member] : kMembers) {
    Options one, copy;
    one.*member = options.*member;
    std::string error = StoreText(directive, copy, GetText(directive, one));
    if (error.empty() && !(copy.*member == options.*member)) error = kNoValue;
    if (!error.empty()) {
      return Invalid(name, error, "hard and soft: a number of bytes; soft_seconds: a number from 0");
    }
  }
  return absl::OkStatus();
}

// What no directive stands for, or what directives have only as it should be.
absl::Status ValidateOwn(const Options& options) {
  switch (options.background) {
    case Background::kThread:
    case Background::kLoop:
    case Background::kTick: break;
    default: return Invalid("background", kNoValue, "kThread, kLoop, kTick");
  }
  static constexpr std::pair<const char*, std::string Options::*> kPaths[] = {{"dir", &Options::dir},
                                                                              {"config_file", &Options::config_file}};
  for (const auto& [name, member] : kPaths) {
    const std::string& path = options.*member;
    if (path.empty() || (path[0] == '/' && path.find('\0') == path.npos)) continue;
    return Invalid(name, "not an absolute path", "a path that begins with /, or nothing");
  }
  return absl::OkStatus();
}

}  // namespace

// A member is valid if its text, read as CONFIG SET reads it, is the same value again.
absl::Status Validate(const Options& options) {
  Options copy = options;
  for (const Directive& directive : ServedDirectives()) {
    if (directive.type == Type::kPath) continue;  // ValidateOwn
    if (directive.type == Type::kOutputLimits) {
      if (absl::Status status = ValidateOutputLimits(directive, options); !status.ok()) return status;
      continue;
    }
    const bool events = directive.type == Type::kEvents;
    const std::string text = events ? options.notify_keyspace_events : GetText(directive, options);
    std::string error = StoreText(directive, copy, text);
    // An address with a blank in it reads back as two.
    const bool same =
        events || (GetText(directive, copy) == text && BindInForce(copy).size() == BindInForce(options).size());
    if (error.empty() && !same) error = kNoValue;
    if (!error.empty()) return Invalid(MemberOf(directive), error, Allowed(directive));
  }
  for (const auto& [name, text] : options.compat) {
    const Directive* directive = FindDirective(name);
    if (directive == nullptr || directive->name != name || directive->kind != Kind::kCompat) {
      return absl::InvalidArgumentError(base::ToAbsl("Options::compat: " + name + " is no directive without effect"));
    }
    const std::string error = StoreText(*directive, copy, text);
    if (!error.empty()) return Invalid("compat: " + name, error, Allowed(*directive));
  }
  return ValidateOwn(options);
}

std::vector<NameAndText> ConfigGet(const Options& options, std::span<const std::string_view> patterns) {
  std::vector<Entry> taken;
  std::vector<NameAndText> found;
  const auto take = [&](const Entry& entry, std::string_view name) {
    if (entry.directive == nullptr || std::find(taken.begin(), taken.end(), entry) != taken.end()) return;
    taken.push_back(entry);
    found.push_back({std::string(name), GetText(*entry.directive, options)});
  };
  for (std::string_view pattern : patterns) {
    if (pattern.find_first_of("*?[") == pattern.npos) {
      take(FindEntry(pattern), pattern);
      continue;
    }
    ForEachDirective([&](const Directive& directive) {
      if ((directive.flags & kHidden) != 0) return;
      for (std::string_view name : {directive.name, directive.alias}) {
        if (!name.empty() && base::GlobMatch(pattern, name, true)) take({&directive, name}, name);
      }
    });
  }
  return found;
}

std::string ConfigSetError(std::string_view name, std::string_view reason) {
  return OneLine("ERR CONFIG SET failed (possibly related to argument '" + std::string(name) + "') - " +
                 std::string(reason));
}

ConfigSetResult ConfigSet(Options& options, std::span<const std::string_view> names_and_values, bool local,
                          absl::FunctionRef<bool(std::string_view)> keeps) {
  LARDER_DCHECK(!names_and_values.empty() && names_and_values.size() % 2 == 0);
  // All names are looked at before any value. No entry may come twice, so there are never more of them than rows.
  std::vector<Entry> entries;
  for (size_t i = 0; i < names_and_values.size(); i += 2) {
    const std::string_view name = names_and_values[i];
    const Entry entry = FindEntry(name);
    if (entry.directive == nullptr) {
      constexpr size_t kShownMax = 4096;
      return {OneLine("ERR Unknown option or number of arguments for CONFIG SET - '" +
                      std::string(name.substr(0, std::min(name.find('\0'), kShownMax))) + "'"),  // as C prints it
              {}};
    }
    const uint8_t flags = entry.directive->flags;
    if ((flags & kImmutable) != 0 || keeps(entry.directive->name)) {
      return {ConfigSetError(name, "can't set immutable config"), {}};
    }
    if ((flags & kProtected) != 0 && !MaySetProtected(options, local)) {
      return {ConfigSetError(name, "can't set protected config"), {}};
    }
    if (std::find(entries.begin(), entries.end(), entry) != entries.end()) {
      return {ConfigSetError(name, "duplicate parameter"), {}};
    }
    entries.push_back(entry);
  }

  Options changed = options;
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string_view value = names_and_values[2 * i + 1];
    const std::string error = value.size() > kSetBytesMax ? "argument is longer than 65536 bytes"
                                                          : StoreText(*entries[i].directive, changed, value);
    if (!error.empty()) return {ConfigSetError(entries[i].name, error), {}};
  }
  ConfigSetResult result;
  for (const Entry& entry : entries) {
    if ((entry.directive->flags & kReference) != 0 ||
        GetText(*entry.directive, changed) != GetText(*entry.directive, options)) {
      result.changed.push_back(entry.directive);
    }
  }
  options = std::move(changed);
  return result;
}

}  // namespace larder::inline v0::directives
