#include "net/ae/pollers.h"

#include "absl/strings/str_cat.h"

namespace larder::inline v0::ae {
namespace {

// Best first.
constexpr PollerMaker kPollers[] = {
#ifdef LARDER_AE_EPOLL
    {"epoll", MakeEpollPoller},
#endif
#ifdef LARDER_AE_KQUEUE
    {"kqueue", MakeKqueuePoller},
#endif
#ifdef LARDER_AE_EVPORT
    {"evport", MakeEvportPoller},
#endif
    {"poll", MakePollPoller},
    {"select", MakeSelectPoller},
};

const PollerMaker* Find(std::string_view name, std::span<const PollerMaker> in) {
  for (const PollerMaker& maker : in) {
    if (maker.name == name) return &maker;
  }
  return nullptr;
}

absl::Status UnknownPoller(std::string_view name, std::span<const PollerMaker> more) {
  std::string text("unknown ae-api '");
  text.append(name).append("': there are");
  for (const PollerMaker& maker : kPollers) text.append(" ").append(maker.name);
  for (const PollerMaker& maker : more) text.append(" ").append(maker.name);
  return absl::InvalidArgumentError(text);
}

}  // namespace

std::span<const PollerMaker> PlatformPollers() { return kPollers; }

absl::StatusOr<std::unique_ptr<Poller>> MakePoller(std::string_view name, std::span<const PollerMaker> more,
                                                   std::string* passed_over) {
  absl::Status refusal;
  const auto make = [&](const PollerMaker& maker) -> std::unique_ptr<Poller> {
    absl::StatusOr<std::unique_ptr<Poller>> poller = maker.make();
    if (poller.ok()) return *std::move(poller);
    refusal = poller.status();
    if (passed_over != nullptr) {
      passed_over->append(maker.name).append(": ");
      passed_over->append(refusal.message().data(), refusal.message().size()).append("\n");
    }
    return nullptr;
  };
  const PollerMaker* wanted = nullptr;
  if (!name.empty()) {
    wanted = Find(name, kPollers);
    if (wanted == nullptr) wanted = Find(name, more);
    if (wanted == nullptr) return UnknownPoller(name, more);
    if (std::unique_ptr<Poller> poller = make(*wanted)) return poller;
  }
  for (const PollerMaker& maker : kPollers) {
    if (&maker == wanted) continue;
    if (std::unique_ptr<Poller> poller = make(maker)) return poller;
  }
  return refusal;
}

}  // namespace larder::inline v0::ae
