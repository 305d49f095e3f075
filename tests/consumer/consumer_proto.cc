// The component proto from outside: a cache opened from a textproto, and its figures as a message.
#include <larder/cache.h>
#include <larder/proto/options.h>
#include <larder/proto/stats.h>

int main() {
  const absl::StatusOr<larder::Options> options =
      larder::OptionsFromTextproto("maxmemory_policy: ALLKEYS_RANDOM directive { key: 'maxmemory' value: '64mb' }");
  if (!options.ok()) return 1;
  const auto cache = larder::Cache::Open(*options);
  if (!cache.ok()) return 2;
  if (!(*cache)->Set("lamp", "lit").ok()) return 3;
  const absl::StatusOr<larder::Stats> figures = (*cache)->Stats();
  if (!figures.ok()) return 6;
  const larder::StatsProto stats = larder::ToProto(*figures);
  if (stats.maxmemory() != 64u << 20 || stats.keys() != 1) return 4;
  // What was made of the message can be asked for by name, too.
  larder::OptionsProto message;
  message.set_port(-1);
  return larder::OptionsFromProto(message).ok() ? 5 : 0;
}
