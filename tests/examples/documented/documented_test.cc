// The examples of the headers, as they stand there: see extract.py. Each is the body of a function.
#include <larder/cache.h>
#include <larder/memory_resource.h>
#include <larder/net/listener.h>
#include <larder/net/tls.h>
#include <larder/net/uring.h>
#include <larder/options.h>
#include <larder/reply.h>
#include <larder/session.h>
#include <larder/stats.h>

#include <iostream>
#include <memory_resource>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#pragma GCC diagnostic error "-Wall"
#pragma GCC diagnostic error "-Wextra"

namespace {

absl::Status CacheExample() {
#include "tests/examples/documented/cache_1.inc"
}

absl::Status ScanExample(larder::Cache& cache) {
#include "tests/examples/documented/cache_2.inc"
  return absl::OkStatus();
}

absl::Status ReplyExample(larder::Cache& cache) {
#include "tests/examples/documented/reply_1.inc"
  return absl::OkStatus();
}

absl::Status SessionExample(larder::Cache& cache) {
#include "tests/examples/documented/session_1.inc"
  return absl::OkStatus();
}

absl::Status ConnectionExample(larder::Cache& cache) {
#include "tests/examples/documented/session_2.inc"
  return absl::OkStatus();
}

absl::Status StatsExample(larder::Cache& cache) {
#include "tests/examples/documented/stats_1.inc"
  return absl::OkStatus();
}

absl::Status OptionsExample() {
#include "tests/examples/documented/options_1.inc"
  return cache.status();
}

absl::Status ConfigFileExample() {
#include "tests/examples/documented/options_2.inc"
  return absl::OkStatus();
}

absl::Status MemoryResourceExample(larder::Options& options) {
#include "tests/examples/documented/memory_resource_1.inc"
  return larder::Cache::Open(options).status();
}

absl::Status ListenerExample(larder::Cache& cache) {
#include "tests/examples/documented/listener_1.inc"
  return absl::OkStatus();
}

bool TlsExample() {
#include "tests/examples/documented/tls_1.inc"
  return options.tls != nullptr;
}

bool UringExample() {
#include "tests/examples/documented/uring_1.inc"
  return options.io_uring != nullptr;
}

class DocumentedTest : public ::testing::Test {
 protected:
  larder::Cache& cache() { return *cache_; }

  // What an example prints is part of it.
  void SetUp() override { ::testing::internal::CaptureStdout(); }
  std::string Printed() { return ::testing::internal::GetCapturedStdout(); }

 private:
  std::unique_ptr<larder::Cache> cache_ = *larder::Cache::Open({});
};

TEST_F(DocumentedTest, CacheH) {
  EXPECT_EQ(CacheExample(), absl::OkStatus());
  EXPECT_EQ(Printed(), "Ada\nAd\n");
}

TEST_F(DocumentedTest, ScanRange) {
  ASSERT_TRUE(cache().MSet({{"user:1", "Ada"}, {"page:1", "x"}}).ok());
  EXPECT_EQ(ScanExample(cache()), absl::OkStatus());
  EXPECT_EQ(Printed(), "user:1\n");
}

TEST_F(DocumentedTest, ReplyH) {
  EXPECT_EQ(ReplyExample(cache()), absl::OkStatus());
  EXPECT_NE(Printed().find("noeviction\n"), std::string::npos);
}

TEST_F(DocumentedTest, SessionH) {
  ASSERT_TRUE(cache().Set("stock", "10").ok());
  EXPECT_EQ(SessionExample(cache()), absl::OkStatus());
  EXPECT_EQ(Printed(), "OK\nOK\nQUEUED\n1) (integer) 9\n");
}

TEST_F(DocumentedTest, RespConnection) {
  EXPECT_EQ(ConnectionExample(cache()), absl::OkStatus());
  EXPECT_EQ(Printed(), "+PONG\r\n");
}

TEST_F(DocumentedTest, StatsH) {
  ASSERT_TRUE(cache().Set("k", "v").ok());
  EXPECT_EQ(StatsExample(cache()), absl::OkStatus());
  EXPECT_EQ(Printed().substr(0, 10), "1 keys in ");
}

TEST_F(DocumentedTest, OptionsH) {
  EXPECT_EQ(OptionsExample(), absl::OkStatus());
  // Whether this machine has that file, and lets us read it, is not known.
  const absl::Status status = ConfigFileExample();
  EXPECT_TRUE(status.ok() || absl::IsNotFound(status) || absl::IsPermissionDenied(status)) << status;
  (void)Printed();
}

TEST_F(DocumentedTest, MemoryResourceH) {
  larder::Options options;
  options.background = larder::Background::kTick;
  EXPECT_EQ(MemoryResourceExample(options), absl::OkStatus());
  (void)Printed();
}

TEST_F(DocumentedTest, ListenerH) {
  EXPECT_EQ(ListenerExample(cache()), absl::OkStatus());
  EXPECT_EQ(Printed().substr(0, 13), "redis-cli -p ");
}

TEST_F(DocumentedTest, OptionalPartsOfTheListener) {
  EXPECT_TRUE(TlsExample());
  EXPECT_TRUE(UringExample());
  (void)Printed();
}

}  // namespace
