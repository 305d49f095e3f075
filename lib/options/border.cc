#include "lib/options/border.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "lib/base/error_texts.h"
#include "lib/base/guarded.h"
#include "lib/base/status.h"
#include "lib/options/directive.h"

namespace larder::inline v0::directives {
namespace {

void NoteForListener(const Directive& directive, ListenerChange* listener) {
  const std::string_view name = directive.name;
  const bool sockets = name == "port" || name == "bind" || name == "tls-port";
  if (!sockets && (directive.kind != Kind::kServed || !name.starts_with("tls-"))) return;
  std::string_view& first = sockets ? listener->sockets : listener->tls;
  // An error names the first of several, but not tls-auth-clients, which in Redis reads no files and so cannot fail.
  if (first.empty() || first == "tls-auth-clients") first = name;
}

void ShowPlace(const ListenerPlace& place, std::vector<NameAndText>* found) {
  static constexpr std::string_view kNames[] = {"bind", "port", "tls-port", "unixsocket", "unixsocketperm"};
  std::optional<Options> there;
  for (NameAndText& one : *found) {
    const Directive& row = *FindDirective(one.name);
    if (std::find(std::begin(kNames), std::end(kNames), row.name) == std::end(kNames)) continue;
    if (!there.has_value()) {
      there.emplace();
      there->bind = place.bind;
      there->port = place.port;
      there->tls_port = place.tls_port;
      there->unixsocket = place.unixsocket;
      there->unixsocketperm = place.unixsocketperm;
    }
    one.text = GetText(row, *there);
  }
}

}  // namespace

absl::Status CheckOptions(const Options& options) {
  absl::Status status;
  if (base::Guarded([&] { status = Validate(options); })) return status;
  return base::NoMemory(base::kNoMemoryForOptions);
}

std::unique_ptr<Options> CopyOptions(const Options& options) {
  std::unique_ptr<Options> copy;
  (void)base::Guarded([&] { copy = std::make_unique<Options>(options); });
  return copy;
}

std::unique_ptr<Options> OptionsInForce(const Options& options) {
  std::unique_ptr<Options> copy;
  (void)base::Guarded([&] {
    auto whole = std::make_unique<Options>(options);
    whole->bind = BindInForce(options);
    copy = std::move(whole);
  });
  return copy;
}

bool AppendValue(const Options& options, std::string_view directive, base::Buffer* to) {
  const Directive* row = FindDirective(directive);
  if (row == nullptr) return true;
  bool appended = false;
  return base::Guarded([&] { appended = to->Append(GetText(*row, options)); }) && appended;
}

bool VisitConfig(const Options& options, const ListenerPlace* place, std::span<const std::string_view> patterns,
                 absl::FunctionRef<void(size_t)> begin,
                 absl::FunctionRef<void(std::string_view name, std::string_view value)> item) {
  std::vector<NameAndText> found;
  const bool whole = base::Guarded([&] {
    found = ConfigGet(options, patterns);
    if (place != nullptr) ShowPlace(*place, &found);
  });
  if (!whole) return false;
  begin(found.size());
  for (const NameAndText& one : found) item(one.name, one.text);
  return true;
}

bool PrepareConfigSet(const Options& options, std::span<const std::string_view> names_and_values, bool local,
                      absl::FunctionRef<bool(std::string_view)> keeps, std::unique_ptr<Options>* changed,
                      ListenerChange* listener, base::Buffer* refusal) {
  bool told = true;
  const bool whole = base::Guarded([&] {
    auto copy = std::make_unique<Options>(options);
    const ConfigSetResult result = ConfigSet(*copy, names_and_values, local, keeps);
    if (!result.error.empty()) {
      told = refusal->Append(result.error);
      return;
    }
    for (const Directive* directive : result.changed) NoteForListener(*directive, listener);
    *changed = std::move(copy);
  });
  return whole && told;
}

bool RewriteConfig(const Options& options, base::Buffer* refusal) {
  bool told = true;
  const bool whole = base::Guarded([&] {
    const std::string error = ConfigRewrite(options);
    if (!error.empty()) told = refusal->Append(error);
  });
  return whole && told;
}

}  // namespace larder::inline v0::directives
