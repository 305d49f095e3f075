// ReplyRoom: memory for a short reply, taken before its command runs.
//
// A command that has changed something must not end in "no memory" because its reply could not be made. With this room,
// and the room that Dispatch makes in the output, it cannot, if the reply is short: an integer, a status, an error, a
// short string. For a longer one (GETDEL's, EXEC's) memory may still be missing after the command has run. The code is
// DATA_LOSS then, which says that the command has run.
#ifndef LARDER_CORE_REPLY_ROOM_H_
#define LARDER_CORE_REPLY_ROOM_H_

#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "absl/status/statusor.h"
#include <larder/reply.h>

namespace larder::inline v0::core {

class ReplyRoom {
 public:
  ReplyRoom() : room_(std::malloc(kBytes)) {}
  ~ReplyRoom() { std::free(room_); }
  ReplyRoom(const ReplyRoom&) = delete;
  ReplyRoom& operator=(const ReplyRoom&) = delete;

  // If false, there is no memory, and the command should not run.
  bool ok() const { return room_ != nullptr; }
  // REQUIRES: `resp` is one whole reply; it is called once.
  absl::StatusOr<Reply> Make(std::string_view resp) { return Reply::FromRespInRoom(resp, nullptr, &room_, kBytes); }

 private:
  static constexpr size_t kBytes = 128;
  void* room_;
};

}  // namespace larder::inline v0::core

#endif  // LARDER_CORE_REPLY_ROOM_H_
