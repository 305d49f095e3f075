// The border of lib/options: how the rest of the library reaches directives and their values.
//
// Behind it values are std::string, which throws where there is no memory; nothing here does. False, a null pointer or
// RESOURCE_EXHAUSTED means that there was none, and that nothing has changed.
// See lib/notes/out-of-memory.md.
#ifndef LARDER_OPTIONS_BORDER_H_
#define LARDER_OPTIONS_BORDER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include <larder/options.h>
#include "lib/base/buffer.h"

namespace larder::inline v0::directives {

// OK; INVALID_ARGUMENT, with the member's name, if a program has put something in Options that no directive could have.
absl::Status CheckOptions(const Options& options);

// The only way by which the core copies Options. Null when there is no memory.
std::unique_ptr<Options> CopyOptions(const Options& options);

// A copy in which `bind` is set: what a cache works from. Null when there is no memory.
std::unique_ptr<Options> OptionsInForce(const Options& options);

// A directive's value in the words of CONFIG GET, appended; nothing if there is no such directive.
bool AppendValue(const Options& options, std::string_view directive, base::Buffer* to);

// Where one listener listens, which may be elsewhere than the directives of the same names say.
struct ListenerPlace {
  std::vector<std::string> bind;
  int port = 0;
  int tls_port = 0;
  std::string unixsocket;
  uint32_t unixsocketperm = 0;
};

// CONFIG GET: begin(n), then n times item(name, value). What `place` has is taken from there, if it is not null.
bool VisitConfig(const Options& options, const ListenerPlace* place, std::span<const std::string_view> patterns,
                 absl::FunctionRef<void(size_t)> begin,
                 absl::FunctionRef<void(std::string_view name, std::string_view value)> item);

// What a CONFIG SET has changed that a listener must act on, by the first directive's name; "": nothing.
struct ListenerChange {
  std::string_view sockets = {};  // port, bind, tls-port
  std::string_view tls = {};      // another tls-*, or a file of theirs that is to be read again
};

// CONFIG SET, but for putting it in force: *changed is a copy of `options` with the new values, or null if they are
// refused, and then *refusal is the error reply without its '-'. keeps(name): the host's own, and not to be set.
// REQUIRES: an even number of arguments, not 0.
bool PrepareConfigSet(const Options& options, std::span<const std::string_view> names_and_values, bool local,
                      absl::FunctionRef<bool(std::string_view)> keeps, std::unique_ptr<Options>* changed,
                      ListenerChange* listener, base::Buffer* refusal);

// CONFIG REWRITE. *refusal stays empty if the file was written, else it is the error reply without its '-'.
bool RewriteConfig(const Options& options, base::Buffer* refusal);

}  // namespace larder::inline v0::directives

#endif  // LARDER_OPTIONS_BORDER_H_
