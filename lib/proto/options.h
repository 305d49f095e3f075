// Options from protocol buffers and from their text form.
//
//   absl::StatusOr<larder::Options> options = larder::OptionsFromTextproto(R"(
//       maxmemory_policy: ALLKEYS_LRU
//       directive { key: "maxmemory" value: "100mb" }
//   )");
//
// A part of its own (//lib/proto, Larder::proto, larder-proto.pc), since it is the one that links protobuf.
//
// Threads:   plain functions, from any thread.
// Errors:    INVALID_ARGUMENT, which names the field, its directive and what is allowed; for text that is no message, the
//            line and column too.
#ifndef LARDER_PROTO_OPTIONS_H_
#define LARDER_PROTO_OPTIONS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include <larder/export.h>
#include <larder/options.h>
#include <larder/proto/options.pb.h>

namespace larder::inline v0 {

// What `proto` sets, on top of `base`.
LARDER_API absl::StatusOr<Options> OptionsFromProto(const OptionsProto& proto, Options base = {});

// The same for an OptionsProto in protobuf's text format. `file_name` is for messages only.
LARDER_API absl::StatusOr<Options> OptionsFromTextproto(std::string_view text, Options base = {},
                                                        std::string_view file_name = "textproto");

}  // namespace larder::inline v0

#endif  // LARDER_PROTO_OPTIONS_H_
