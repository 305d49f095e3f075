#include "lib/engine/monitor.h"

#include "lib/base/check.h"
#include "lib/base/numbers.h"
#include "lib/engine/engine.h"
#include "lib/engine/text.h"

namespace larder::inline v0::engine {
namespace {

constexpr Bytes kRedacted = "(redacted)";

// A line's memory is kept up to this size.
constexpr size_t kLineKeptBytes = 64 * 1024;

void AddQuoted(base::Buffer& to, Bytes text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  // In pieces, so that a long value costs a few appends and not one a byte.
  char piece[256];
  size_t size = 0;
  auto flush = [&] {
    to.Append({piece, size});
    size = 0;
  };
  piece[size++] = '"';
  for (char c : text) {
    if (size + 4 > sizeof(piece)) flush();
    const char* const escaped = "\nn\rr\tt\aa\bb\"\"\\\\";
    const char* letter = nullptr;
    for (const char* at = escaped; *at != '\0'; at += 2) {
      if (*at == c) letter = at + 1;
    }
    if (letter != nullptr) {
      piece[size++] = '\\';
      piece[size++] = *letter;
    } else if (c >= ' ' && c <= '~') {
      piece[size++] = c;
    } else {
      piece[size++] = '\\';
      piece[size++] = 'x';
      piece[size++] = kDigits[static_cast<unsigned char>(c) >> 4];
      piece[size++] = kDigits[c & 15];
    }
  }
  flush();
  to.Append('"');
}

bool GetsLines(const ClientState& client) {
  return !client.close_after_reply && !client.close_now.load(std::memory_order_relaxed) &&
         !client.reply_mode.silent();
}

}  // namespace

void Monitors::Add(ClientState& client) {
  LARDER_DCHECK(!client.monitor && client.io != nullptr);
  client.monitor = true;
  if (all_.empty()) engine_.host().AddReadReason(ReadReason::kMonitor);
  all_.PushFront(client);
}

void Monitors::Remove(ClientState& client) {
  if (!client.monitor) return;
  client.monitor = false;
  all_.Remove(client);
  if (all_.empty()) {
    engine_.host().RemoveReadReason(ReadReason::kMonitor);
    line_.Free();
  }
}

void Monitors::Ran(const ClientState& client, const CommandSpec& spec, std::span<const Bytes> argv) {
  if ((spec.flags & (kCmdAdmin | kCmdSkipMonitor)) != 0) return;
  const Bytes peer = client.peer();
  const int64_t now_us = engine_.clock().NowUs();
  if (client.kind == ClientKind::kUnix) {
    BeginLine(now_us, client.db->index(), peer.substr(0, peer.rfind(':')), "unix:");  // without the port, which is 0
  } else {
    BeginLine(now_us, client.db->index(), peer.empty() ? kOwnCaller : peer);
  }
  const auto next_secrets = [&](size_t from) {
    return spec.next_secrets != nullptr ? spec.next_secrets(argv, from) : ArgRange{};
  };
  ArgRange secrets = next_secrets(1);
  for (size_t i = 0; i < argv.size(); ++i) {
    if (secrets.count != 0 && i == secrets.first + secrets.count) secrets = next_secrets(i);
    Add(secrets.count != 0 && i >= secrets.first ? kRedacted : argv[i]);
  }
  EndLine();
}

void Monitors::BeginLine(int64_t now_us, int db, Bytes who, Bytes before) {
  line_.Clear();
  char micros[base::kIntChars];
  // "1234567" has all the digits of what is behind the point, and one in front.
  const Bytes behind = base::FormatInt64(now_us % 1'000'000 + 1'000'000, micros).substr(1);
  TextWriter(line_) << '+' << now_us / 1'000'000 << '.' << behind << " [" << db << ' ' << before << who << ']';
}

void Monitors::Add(Bytes argument) {
  base::AssertHolder();
  line_.Append(' ');
  AddQuoted(line_, argument);
}

void Monitors::Add(int64_t argument) {
  char digits[base::kIntChars];
  Add(base::FormatInt64(argument, digits));
}

void Monitors::Add(double argument) {
  char digits[base::kDoubleChars];
  Add(base::FormatDouble(argument, digits));
}

void Monitors::EndLine() {
  line_.Append("\r\n");
  for (ClientState* client = all_.front(); client != nullptr; client = client->in_monitors.next) {
    if (!GetsLines(*client)) continue;
    if (!line_.failed()) {
      client->io->Push(line_.view());
      continue;
    }
    engine_.host().Log(LogLevel::kWarning, "a monitor is closed: there is no memory for its lines");
    client->io->CloseSoon();
  }
  if (line_.capacity() > kLineKeptBytes) line_.Free();
}

}  // namespace larder::inline v0::engine
