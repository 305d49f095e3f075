// Stats as a protocol buffer.
//
//   absl::StatusOr<larder::Stats> stats = cache.Stats();
//   if (!stats.ok()) return stats.status();
//   const larder::StatsProto proto = larder::ToProto(*stats);
#ifndef LARDER_PROTO_STATS_H_
#define LARDER_PROTO_STATS_H_

#include <larder/export.h>
#include <larder/proto/stats.pb.h>
#include <larder/stats.h>

namespace larder::inline v0 {

LARDER_API StatsProto ToProto(const Stats& stats);

}  // namespace larder::inline v0

#endif  // LARDER_PROTO_STATS_H_
