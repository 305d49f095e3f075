#include <larder/proto/stats.h>

#include <string>

#include <gtest/gtest.h>

#include "google/protobuf/descriptor.h"

namespace larder {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;

constexpr int kFigures = 42;  // those of Stats and ExecutorStats; one more: a field, a line in ToProto, one below
constexpr int kStepNumbers = 9;  // of StepStats: its name and its figures, but for the histogram

// Every figure is a field of its own value, so that one that is taken for another shows. Structs of plain figures, all
// of 8 bytes but an int: filled word by word.
Stats Numbered() {
  Stats stats;
  uint64_t next = 1000;
  for (uint64_t* figure : {&stats.keys,
                           &stats.expires,
                           &stats.databases,
                           &stats.used_memory,
                           &stats.used_memory_peak,
                           &stats.used_memory_arena,
                           &stats.used_memory_blocks,
                           &stats.used_memory_clients,
                           &stats.arena_blocks,
                           &stats.value_blocks,
                           &stats.maxmemory,
                           &stats.memory_free,
                           &stats.commands_processed,
                           &stats.typed_calls,
                           &stats.error_replies,
                           &stats.keyspace_hits,
                           &stats.keyspace_misses,
                           &stats.expired_keys,
                           &stats.evicted_keys,
                           &stats.loads_not_stored,
                           &stats.changes,
                           &stats.connected_clients,
                           &stats.connections_received,
                           &stats.connections_rejected,
                           &stats.net_input_bytes,
                           &stats.net_output_bytes,
                           &stats.reads_processed,
                           &stats.writes_processed,
                           &stats.query_buffer_limit_disconnections,
                           &stats.output_buffer_limit_disconnections,
                           &stats.watched_keys,
                           &stats.executor.tenures,
                           &stats.executor.ran_for_others,
                           &stats.executor.handed_over,
                           &stats.executor.lent,
                           &stats.executor.slices,
                           &stats.executor.slices_for_loop,
                           &stats.executor.loop_wakes,
                           &stats.executor.tenure_requests_max,
                           &stats.executor.tenure_ns_max,
                           &stats.executor.slice_ns_max}) {
    *figure = next++;
  }
  for (StepStats& step : stats.step) {
    for (uint64_t* figure : {&step.steps, &step.entries, &step.entries_max, &step.bytes, &step.bytes_max, &step.timed,
                             &step.cpu_ns, &step.cpu_ns_max}) {
      *figure = next++;
    }
    for (uint64_t& count : step.cpu_histogram) count = next++;
  }
  stats.uptime_ms = static_cast<int64_t>(next++);
  stats.database_count = 2;
  stats.database[0] = {.index = 1, .keys = 2, .expires = 3, .avg_ttl_ms = 4};
  stats.database[1] = {.index = 5, .keys = 6, .expires = 7, .avg_ttl_ms = 8};
  return stats;
}

// Fails for each field of `message` and below that is not set. Returns how many numbers it has seen.
int CheckAllAreSet(const google::protobuf::Message& message) {
  int numbers = 0;
  const Descriptor& descriptor = *message.GetDescriptor();
  const google::protobuf::Reflection& get = *message.GetReflection();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (field.is_repeated() && field.message_type() == nullptr) {
      EXPECT_GT(get.FieldSize(message, &field), 0) << field.full_name();
      continue;
    }
    if (field.is_repeated()) {
      for (int j = 0; j < get.FieldSize(message, &field); ++j) {
        numbers += CheckAllAreSet(get.GetRepeatedMessage(message, &field, j));
      }
      continue;
    }
    EXPECT_TRUE(get.HasField(message, &field)) << field.full_name();
    if (field.message_type() != nullptr) {
      numbers += CheckAllAreSet(get.GetMessage(message, &field));
    } else {
      ++numbers;
    }
  }
  return numbers;
}

TEST(StatsProtoTest, HasEveryFigure) {
  const StatsProto proto = ToProto(Numbered());
  EXPECT_EQ(proto.database_size(), 2);
  EXPECT_EQ(CheckAllAreSet(proto), kFigures + 2 * 4 + kStepNumbers * static_cast<int>(kStepKinds));
}

TEST(StatsProtoTest, TakesNoFigureForAnother) {
  const Stats stats = Numbered();
  const StatsProto proto = ToProto(stats);
  EXPECT_EQ(proto.keys(), stats.keys);
  EXPECT_EQ(proto.used_memory_clients(), stats.used_memory_clients);
  EXPECT_EQ(proto.maxmemory(), stats.maxmemory);
  EXPECT_EQ(proto.keyspace_hits(), stats.keyspace_hits);
  EXPECT_EQ(proto.keyspace_misses(), stats.keyspace_misses);
  EXPECT_EQ(proto.changes(), stats.changes);
  EXPECT_EQ(proto.loads_not_stored(), stats.loads_not_stored);
  EXPECT_EQ(proto.net_input_bytes(), stats.net_input_bytes);
  EXPECT_EQ(proto.net_output_bytes(), stats.net_output_bytes);
  EXPECT_EQ(proto.query_buffer_limit_disconnections(), stats.query_buffer_limit_disconnections);
  EXPECT_EQ(proto.output_buffer_limit_disconnections(), stats.output_buffer_limit_disconnections);
  EXPECT_EQ(proto.uptime_ms(), stats.uptime_ms);
  EXPECT_EQ(proto.executor().tenures(), stats.executor.tenures);
  EXPECT_EQ(proto.executor().slice_ns_max(), stats.executor.slice_ns_max);
  EXPECT_EQ(proto.database(1).index(), 5);
  EXPECT_EQ(proto.database(1).avg_ttl_ms(), 8);
  ASSERT_EQ(proto.step_size(), static_cast<int>(kStepKinds));
  EXPECT_EQ(proto.step(1).name(), "split");
  EXPECT_EQ(proto.step(1).cpu_ns_max(), stats.step[1].cpu_ns_max);
  EXPECT_EQ(proto.step(6).cpu_histogram(27), stats.step[6].cpu_histogram[27]);
}

// A figure that is new in Stats must get a field: this size is that of the figures that ToProto knows.
static_assert(sizeof(Stats) == (kFigures + 1) * 8 + Stats::kDatabasesMax * sizeof(DatabaseStats) +
                                   kStepKinds * (kStepNumbers - 1 + StepStats::kBuckets) * 8);

}  // namespace
}  // namespace larder
