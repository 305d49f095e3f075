// Stats as a protocol buffer.
//
//   larder::StatsProto proto = larder::ToProto(cache->Stats());
#ifndef LARDER_PROTO_STATS_H_
#define LARDER_PROTO_STATS_H_

#include <larder/export.h>
#include <larder/proto/stats.pb.h>
#include <larder/stats.h>

namespace larder::inline v0 {

LARDER_API StatsProto ToProto(const Stats& stats);

}  // namespace larder::inline v0

#endif  // LARDER_PROTO_STATS_H_
