// ClientPolicy: what the host of a listener keeps from that listener's clients, and where it listens. See
// ListenerOptions in net/listener.h.
//
// Threads: read by the executor's holder, and changed by nobody else once it has clients. It outlives the sessions that
// point to it.
#ifndef LARDER_ENGINE_CLIENT_POLICY_H_
#define LARDER_ENGINE_CLIENT_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/base/buffer.h"
#include "lib/engine/table.h"
#include "lib/options/border.h"

namespace larder::inline v0::engine {

class ClientPolicy {
 public:
  // `refused`: "get", "config", "config|set", in upper or lower case. `kept`: globs of directives' names.
  // Errors: INVALID_ARGUMENT names the command that there is not, or the glob that no directive fits;
  // RESOURCE_EXHAUSTED.
  static absl::StatusOr<std::unique_ptr<ClientPolicy>> Create(const CommandTable& table, bool read_only,
                                                              std::span<const std::string> refused,
                                                              std::span<const std::string> kept);

  // Commands that write, or may, are refused.
  bool read_only() const { return read_only_; }
  // By CommandTable::IndexOf. A container's name refuses all its subcommands.
  bool Refuses(size_t index) const { return refused_ != nullptr && (refused_[index / 64] >> (index % 64) & 1) != 0; }
  // Whether clients may not CONFIG SET the directive of this name.
  bool Keeps(std::string_view directive) const;

  // What CONFIG GET shows instead of the cache's directives; null before the first SwapPlace.
  const directives::ListenerPlace* place() const { return place_.get(); }
  void SwapPlace(std::unique_ptr<const directives::ListenerPlace>& place) { place_.swap(place); }

 private:
  explicit ClientPolicy(bool read_only) : read_only_(read_only) {}
  bool Refuse(const CommandTable& table, std::string_view name);

  const bool read_only_;
  std::unique_ptr<uint64_t[]> refused_;  // a bit for each row; null: none is refused
  base::Buffer kept_;                    // globs, a newline behind each
  std::unique_ptr<const directives::ListenerPlace> place_;
};

}  // namespace larder::inline v0::engine

#endif  // LARDER_ENGINE_CLIENT_POLICY_H_
