#include "net/ae/poller_io_uring.h"
#include "tests/net/ae/contract_testing.h"

namespace larder::ae {
namespace {

constexpr std::string_view kNames[] = {"epoll", "poll", "select", "io_uring"};
constexpr PollerMaker kMore[] = {{"io_uring", IoUringPoller::Make}};

}  // namespace

std::span<const std::string_view> PollersUnderTest() { return kNames; }
std::span<const PollerMaker> MorePollers() { return kMore; }

}  // namespace larder::ae
