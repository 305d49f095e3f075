// What <COMMAND> HELP replies: a line about the command, the given lines, and a last pair about HELP itself.
#ifndef LARDER_COMMANDS_HELP_H_
#define LARDER_COMMANDS_HELP_H_

#include <span>

#include "lib/base/bytes.h"
#include "lib/resp/writer.h"

namespace larder::inline v0::commands {

// A line of an option starts in the first column, one about it after four blanks.
inline void WriteHelp(resp::ReplyWriter& reply, Bytes first_line, std::span<const Bytes> lines) {
  reply.Array(lines.size() + 3);
  reply.Simple(first_line);
  for (Bytes line : lines) reply.Simple(line);
  reply.Simple("HELP");
  reply.Simple("    Print this text.");
}

}  // namespace larder::inline v0::commands

#endif  // LARDER_COMMANDS_HELP_H_
