// A feed of many requests, for which memory runs out somewhere on the way: a Status means that none of the bytes were
// taken, OK that all were run or that the client is closed behind what its output tells.
#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include <larder/cache.h>
#include "tests/fault/faults.h"
#include "tests/fault/world.h"

namespace larder::testing {
namespace {

constexpr int kHalf = 3000;

std::string Requests() {
  std::string half;
  for (int i = 0; i < kHalf; ++i) half += "INCR n\r\n";
  const std::string large(100'000, 'v');
  return half + "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$" + std::to_string(large.size()) + "\r\n" + large + "\r\n" + half;
}

int64_t Counted(Cache& cache) { return std::stoll((*cache.Get("n")).value_or("0")); }

int64_t Told(std::string_view output) { return std::count(output.begin(), output.end(), ':'); }

TEST(FeedFaultTest, AStatusMeansThatNoneOfTheBytesWereTaken) {
  const std::string requests = Requests();
  int refused = 0;
  int closed = 0;
  for (const Faults::Mode mode : {Faults::Mode::kOnce, Faults::Mode::kFromOn}) {
    bool failed = true;
    for (size_t n = 0; failed; ++n) {
      SCOPED_TRACE("allocation " + std::to_string(n));
      ASSERT_LT(n, 2000u);
      World world;
      auto connection = world.cache().NewConnection();
      ASSERT_TRUE(connection.ok());
      Faults::Arm(n, mode);
      const absl::Status status = (*connection)->Feed(requests);
      failed = Faults::Disarm() != 0;
      const int64_t counted = Counted(world.cache());
      if (!status.ok()) {
        ++refused;
        EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
        EXPECT_EQ(counted, 0);
        EXPECT_FALSE((*connection)->closed());
        EXPECT_EQ((*connection)->output(), "");
        ASSERT_TRUE((*connection)->Feed(requests).ok());
        EXPECT_EQ(Told((*connection)->output()), 2 * kHalf);
        continue;
      }
      const int64_t told = Told((*connection)->output());
      if ((*connection)->closed()) {
        ++closed;
        EXPECT_TRUE(counted == told || counted == told + 1) << counted << " of which were told " << told;
        EXPECT_TRUE((*connection)->Feed("INCR n\r\n").ok()) << "ignored";
        EXPECT_EQ(Counted(world.cache()), counted);
      } else {
        EXPECT_EQ(counted, told);
        const std::string_view output = (*connection)->output();
        EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 2 * kHalf + 1);
      }
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(closed, 0);
}

}  // namespace
}  // namespace larder::testing
