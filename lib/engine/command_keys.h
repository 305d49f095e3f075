// Which arguments of a command are keys, and what it does with them: from its row's key specs, or from the row's own
// get_keys. COMMAND GETKEYS shows it; ACL, scripts and tracking will need the same.
#ifndef LARDER_ENGINE_COMMAND_KEYS_H_
#define LARDER_ENGINE_COMMAND_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "lib/engine/command.h"

namespace larder::inline v0::engine {

// Whether commands of this row can have keys at all.
inline bool MayHaveKeys(const CommandSpec& spec) { return !spec.keys.empty() || spec.get_keys != nullptr; }

// Visits the position in argv and the KeyFlags of each key, spec by spec. False if a spec does not fit argv (a count of
// keys that is no number, or larger than what follows); what was visited then means nothing.
// REQUIRES: argv fits the row's arity.
bool ForEachKey(const CommandSpec& spec, std::span<const Bytes> argv,
                absl::FunctionRef<void(size_t position, uint16_t flags)> visit);

// Where keys are to clients that know no key specs: COMMAND INFO's first, last and step; all 0 if there is no spec with
// fixed positions. Specs that follow each other directly count as one.
struct LegacyRange {
  int first = 0;
  int last = 0;
  int step = 0;
};
LegacyRange LegacyRangeOf(const CommandSpec& spec);

// Whether a client that knows only the legacy range would miss keys: COMMAND INFO's movablekeys.
bool HasMovableKeys(const CommandSpec& spec);

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_COMMAND_KEYS_H_
