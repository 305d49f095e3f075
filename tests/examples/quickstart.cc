// Larder in one page: four threads of this program count words in a cache, with typed calls, while Redis clients see
// the same keys through the listener. Copy it into your own program.
//
//   quickstart [--serve] [FILE]...      by default the licence texts that every Debian has; --serve stays until Ctrl-C
#include <larder/cache.h>
#include <larder/net/listener.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int kThreads = 4;
constexpr size_t kBytesPerThread = 1 << 20;

std::string ReadText(const std::vector<std::string>& files) {
  std::string text;
  for (const std::string& file : files) {
    std::ifstream in(file, std::ios::binary);
    text.append(std::istreambuf_iterator<char>(in), {});
    text.push_back('\n');
  }
  return text;
}

std::vector<std::string> Licences() {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/share/common-licenses", error)) {
    if (entry.is_regular_file() && !entry.is_symlink()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Counts each word of `text`, read over and over from `start` on, under "word:<word>". Returns the number of calls.
long CountWords(larder::Cache& cache, std::string_view text, size_t start) {
  long calls = 0;
  std::string key = "word:";
  for (size_t i = 0; i < kBytesPerThread; ++i) {
    const unsigned char c = static_cast<unsigned char>(text[(start + i) % text.size()]);
    if (std::isalpha(c)) {
      key.push_back(static_cast<char>(std::tolower(c)));
    } else if (key.size() > 5) {
      if (!cache.Increment(key).ok()) return calls;
      ++calls;
      key.resize(5);
    }
  }
  return calls;
}

// A Redis client in twenty lines: a real socket, requests out, replies in.
class RespClient {
 public:
  explicit RespClient(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RespClient() { close(fd_); }

  absl::StatusOr<larder::Reply> Run(const std::vector<std::string>& argv) {
    if (!connected_) return absl::UnavailableError("cannot connect");
    std::string request = "*" + std::to_string(argv.size()) + "\r\n";
    for (const std::string& arg : argv) request += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
    if (send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
      return absl::UnavailableError("cannot send");
    }
    std::string answer;
    for (;;) {
      char chunk[65536];
      const ssize_t n = recv(fd_, chunk, sizeof(chunk), 0);
      if (n <= 0) return absl::UnavailableError("the connection ended");
      answer.append(chunk, static_cast<size_t>(n));
      absl::StatusOr<larder::Reply> reply = larder::Reply::FromResp(answer);
      if (reply.ok() || reply.status().code() != absl::StatusCode::kOutOfRange) return reply;
    }
  }

 private:
  int fd_;
  bool connected_ = false;
};

// The most frequent words, as a remote client reads them.
absl::StatusOr<std::vector<std::pair<int64_t, std::string>>> TopWords(RespClient& client, size_t count) {
  std::vector<std::pair<int64_t, std::string>> words;
  std::string cursor = "0";
  do {
    absl::StatusOr<larder::Reply> page = client.Run({"SCAN", cursor, "MATCH", "word:*", "COUNT", "1000"});
    if (!page.ok()) return page.status();
    cursor = (*page)[0].AsString();
    std::vector<std::string> mget = {"MGET"};
    for (larder::ReplyView key : (*page)[1]) mget.push_back(key.AsString());
    if (mget.size() == 1) continue;
    absl::StatusOr<larder::Reply> counts = client.Run(mget);
    if (!counts.ok()) return counts.status();
    for (size_t i = 0; i < counts->size(); ++i) words.emplace_back((*counts)[i].integer(), mget[i + 1].substr(5));
  } while (cursor != "0");
  std::sort(words.rbegin(), words.rend());
  words.resize(std::min(words.size(), count));
  return words;
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "quickstart: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  bool serve = false;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--serve") {
      serve = true;
    } else {
      files.push_back(argv[i]);
    }
  }
  const std::string text = ReadText(files.empty() ? Licences() : files);
  if (text.size() < 100) return Fail(absl::NotFoundError("no text to read: name a file"));

  // Ctrl-C is taken by sigwait below; blocked before any thread is made, so that none of them gets it instead.
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGINT);
  sigaddset(&end, SIGTERM);
  if (serve) pthread_sigmask(SIG_BLOCK, &end, nullptr);

  // 1. A cache inside this process.
  absl::StatusOr<std::unique_ptr<larder::Cache>> opened = larder::Cache::Open({});
  if (!opened.ok()) return Fail(opened.status());
  larder::Cache& cache = **opened;

  // 2. The same keys for Redis clients, on a port that the system chooses.
  larder::ListenerOptions listen;
  listen.bind = {"127.0.0.1"};
  listen.any_port = true;
  absl::StatusOr<std::unique_ptr<larder::Listener>> listener = larder::Listener::Start(cache, listen);
  if (!listener.ok()) return Fail(listener.status());
  const int port = (*listener)->port();

  // 3. Threads that use it as they would a map.
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  std::vector<long> calls(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] { calls[t] = CountWords(cache, text, text.size() / kThreads * t); });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  long total = 0;
  for (long n : calls) total += n;
  std::printf("%d threads counted %ld words in %.2f s: %.1f million calls a second\n", kThreads, total, seconds,
              static_cast<double>(total) / seconds / 1e6);

  // 4. And a Redis client that reads what they wrote.
  RespClient client(port);
  auto top = TopWords(client, 10);
  if (!top.ok()) return Fail(top.status());
  std::printf("the top words, read over the socket:\n");
  for (const auto& [count, word] : *top) std::printf("  %8ld  %s\n", static_cast<long>(count), word.c_str());
  absl::StatusOr<larder::Stats> stats = cache.Stats();
  if (stats.ok()) {
    std::printf("%lu keys in %lu KB\n", static_cast<unsigned long>(stats->keys),
                static_cast<unsigned long>(stats->used_memory / 1024));
  }
  std::printf("try it yourself%s:  redis-cli -p %d GET word:%s\n", serve ? "" : " (run with --serve)", port,
              top->empty() ? "the" : top->front().second.c_str());
  std::fflush(stdout);

  if (serve) {
    int signal = 0;
    sigwait(&end, &signal);
  }
  (*listener)->Stop();
  const absl::Status closed = cache.Close(absl::Now() + absl::Seconds(5));
  return closed.ok() ? 0 : Fail(closed);
}
