#include "lib/engine/client_policy.h"

#include <new>

#include "lib/base/error_texts.h"
#include "lib/base/glob.h"
#include "lib/base/status.h"
#include "lib/options/directive.h"

namespace larder::inline v0::engine {
namespace {

absl::Status NoMemory() {
  return base::NoMemory(base::kNoMemoryForListener);
}

absl::Status Unknown(Bytes what, Bytes name) {
  constexpr size_t kQuotedMax = 64;
  base::Buffer text;
  if (!text.Append(what) || !text.Append(name.substr(0, kQuotedMax)) || !text.Append("'")) return NoMemory();
  return base::MakeStatus(absl::StatusCode::kInvalidArgument, text.view());
}

bool FitsDirective(Bytes glob) {
  bool fits = false;
  directives::ForEachDirective([&](const directives::Directive& row) {
    fits = fits || base::GlobMatch(glob, row.name, /*ignore_case=*/true);
  });
  return fits;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ClientPolicy>> ClientPolicy::Create(const CommandTable& table, bool read_only,
                                                                   std::span<const std::string> refused,
                                                                   std::span<const std::string> kept) {
  std::unique_ptr<ClientPolicy> policy(new (std::nothrow) ClientPolicy(read_only));
  if (policy == nullptr) return NoMemory();
  if (!refused.empty()) {
    policy->refused_.reset(new (std::nothrow) uint64_t[(table.rows().size() + 63) / 64]());
    if (policy->refused_ == nullptr) return NoMemory();
  }
  for (const std::string& name : refused) {
    if (!policy->Refuse(table, name)) return Unknown("ListenerOptions::refused_commands: there is no command '", name);
  }
  for (const std::string& glob : kept) {
    if (!FitsDirective(glob)) return Unknown("ListenerOptions::host_keeps: there is no directive '", glob);
    if (!policy->kept_.Append(glob) || !policy->kept_.Append("\n")) return NoMemory();
  }
  return policy;
}

bool ClientPolicy::Refuse(const CommandTable& table, std::string_view name) {
  const auto mark = [&](const CommandRow& row) { refused_[row.index / 64] |= uint64_t{1} << (row.index % 64); };
  const CommandRow* const row = table.FindByFullName(name);
  if (row == nullptr) return false;
  mark(*row);
  for (const CommandRow& subcommand : row->subcommands()) mark(subcommand);
  return true;
}

bool ClientPolicy::Keeps(std::string_view directive) const {
  Bytes left = kept_.view();
  while (!left.empty()) {
    const size_t end = left.find('\n');
    if (base::GlobMatch(left.substr(0, end), directive, /*ignore_case=*/true)) return true;
    left.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace larder::inline v0::engine
