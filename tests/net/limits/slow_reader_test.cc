// A peer that does not read its 64 MB replies: the server neither copies them nor spins, and what it sends in the end
// is what was there when it answered, whatever has become of the key.
#include <thread>

#include "gmock/gmock.h"
#include "tests/net/listener_fixture.h"
#include "tests/net/server_process.h"

namespace larder {
namespace {

constexpr size_t kSize = 64 << 20;
constexpr int kReplies = 4;

std::string Pattern(char first) {
  std::string value(kSize, '\0');
  for (size_t i = 0; i < kSize; ++i) value[i] = static_cast<char>(first + i % 251 % 26);
  return value;
}

class SlowReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.WaitFor("ready to accept connections at")) << server_.text();
    value_ = Pattern('a');
    control_.Expect(Command({"SET", "big", value_}), "+OK\r\n");
  }
  int64_t UsedMemory() {
    control_.Send("INFO memory\r\n");
    const std::string info = control_.ReadBulk();
    control_.Read(0);
    return Field(info, "used_memory:");
  }
  // Sends the requests and reads only the first bytes of the first answer, until nothing moves any more.
  void AskAndStop(TestClient& slow) {
    for (int i = 0; i < kReplies; ++i) slow.Send("GET big\r\n");
    EXPECT_EQ(slow.Read(11), "$67108864\r\n");
    // What it has queued is all four but for what the sockets took.
    while (Queued() < static_cast<int64_t>(kReplies * kSize - (16 << 20))) std::this_thread::yield();
  }
  int64_t Queued() {
    control_.Send("CLIENT LIST\r\n");
    const std::string list = control_.ReadBulk();
    int64_t most = 0;
    for (size_t at = list.find(" obl="); at != std::string::npos; at = list.find(" obl=", at + 1)) {
      most = std::max(most, Field(std::string_view(list).substr(at), " obl="));
    }
    return most;
  }
  void ExpectAllReplies(TestClient& slow) {
    ASSERT_TRUE(slow.Read(kSize) == value_);
    EXPECT_EQ(slow.Read(2), "\r\n");
    for (int i = 1; i < kReplies; ++i) {
      EXPECT_EQ(slow.Read(11), "$67108864\r\n");
      ASSERT_TRUE(slow.Read(kSize) == value_) << i;
      EXPECT_EQ(slow.Read(2), "\r\n");
    }
    slow.Expect("PING\r\n", "+PONG\r\n");
  }

  TempFolder folder_;
  std::string path_ = folder_ / "s";
  ServerProcess server_{{"--port", "0", "--unixsocket", path_}};
  TestClient control_ = [this] {
    EXPECT_TRUE(server_.WaitFor("ready to accept connections at")) << server_.text();
    return TestClient::Unix(path_);
  }();
  std::string value_;
};

TEST_F(SlowReaderTest, CostsNeitherCopiesNorCpu) {
  const int64_t used = UsedMemory(), peak_kb = server_.Status("VmHWM:");
  TestClient slow = TestClient::Unix(path_);
  AskAndStop(slow);
  EXPECT_LT(UsedMemory() - used, 1 << 20) << "four replies of 64 MB wait, and the value is there once";
  EXPECT_LT(server_.Status("VmHWM:") - peak_kb, 16 << 10);
  const int64_t sleeps = server_.Status("voluntary_ctxt_switches:"), ticks = server_.CpuTicks();
  while (server_.Status("voluntary_ctxt_switches:") < sleeps + 10) std::this_thread::yield();
  EXPECT_LT(server_.CpuTicks() - ticks, 10) << "it sleeps while the peer takes nothing";
  for (int i = 0; i < 1000; ++i) control_.Expect("PING\r\n", "+PONG\r\n");
  ExpectAllReplies(slow);
  EXPECT_LT(server_.Status("VmHWM:") - peak_kb, 16 << 10);
}

TEST_F(SlowReaderTest, GetsWhatWasThereThoughTheKeyIsDeleted) {
  TestClient slow = TestClient::Unix(path_);
  AskAndStop(slow);
  control_.Expect("DEL big\r\n", ":1\r\n");
  EXPECT_GT(UsedMemory(), static_cast<int64_t>(kSize)) << "still needed, and still counted";
  ExpectAllReplies(slow);
  while (UsedMemory() > 16 << 20) std::this_thread::yield();  // and freed behind the last reply
}

TEST_F(SlowReaderTest, GetsWhatWasThereThoughTheKeyIsOverwritten) {
  TestClient slow = TestClient::Unix(path_);
  AskAndStop(slow);
  const std::string other = Pattern('A');
  control_.Expect(Command({"SET", "big", other}), "+OK\r\n");
  ExpectAllReplies(slow);
  control_.Send("GET big\r\n");
  EXPECT_TRUE(control_.ReadBulk() == other);
}

TEST_F(SlowReaderTest, GetsWhatWasThereThoughTheValueIsChangedInPlace) {
  TestClient slow = TestClient::Unix(path_);
  AskAndStop(slow);
  control_.Expect("SETRANGE big 1000000 changed\r\n", ":67108864\r\n");
  control_.Expect("SETRANGE big 67108863 !\r\n", ":67108864\r\n");
  control_.Expect("APPEND big more\r\n", ":67108868\r\n");
  ExpectAllReplies(slow);
  control_.Expect("GETRANGE big 1000000 1000006\r\n", "$7\r\nchanged\r\n");
}

TEST_F(SlowReaderTest, OneWhoGoesLeavesNothing) {
  const int64_t used = UsedMemory();
  {
    TestClient slow = TestClient::Unix(path_);
    AskAndStop(slow);
    control_.Expect("DEL big\r\n", ":1\r\n");
  }
  while (UsedMemory() > used - static_cast<int64_t>(kSize) + (1 << 20)) std::this_thread::yield();
}

}  // namespace
}  // namespace larder
