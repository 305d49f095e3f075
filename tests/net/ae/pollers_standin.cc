#include "tests/net/ae/contract_testing.h"

namespace larder::ae {
namespace {

constexpr std::string_view kNames[] = {"kqueue", "evport"};

}  // namespace

std::span<const std::string_view> PollersUnderTest() { return kNames; }
std::span<const PollerMaker> MorePollers() { return {}; }

}  // namespace larder::ae
