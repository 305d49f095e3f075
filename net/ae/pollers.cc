#include "net/ae/pollers.h"

#include "lib/base/fixed_text.h"
#include "lib/base/status.h"

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
  base::Line text("unknown ae-api '", name, "': there are");
  for (const PollerMaker& maker : kPollers) text.Add(" ").Add(maker.name);
  for (const PollerMaker& maker : more) text.Add(" ").Add(maker.name);
  return base::MakeStatus(absl::StatusCode::kInvalidArgument, text.view());
}

}  // namespace

std::span<const PollerMaker> PlatformPollers() { return kPollers; }

absl::StatusOr<std::unique_ptr<Poller>> MakePoller(std::string_view name, std::span<const PollerMaker> more,
                                                   base::Buffer* passed_over) {
  absl::Status refusal;
  const auto make = [&](const PollerMaker& maker) -> std::unique_ptr<Poller> {
    absl::StatusOr<std::unique_ptr<Poller>> poller = maker.make();
    if (poller.ok()) return *std::move(poller);
    refusal = poller.status();
    if (passed_over != nullptr) {
      (void)passed_over->Append(base::Line(maker.name, ": ", refusal.message(), "\n").view());
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
