#include <larder/cache.h>
#include <larder/net/listener.h>

#include "tests/differential/sides.h"
#include "tests/differential/temp_folder.h"

namespace differential {
namespace {

class MemoryLink final : public Link {
 public:
  explicit MemoryLink(std::unique_ptr<larder::RespConnection> connection) : connection_(std::move(connection)) {}

  void Send(std::string_view bytes) override {
    if (!connection_->Feed(bytes).ok()) refused_ = true;
  }

  bool closed() override { return refused_ || connection_->closed(); }

  std::string Drain() override {
    std::string all(connection_->output());
    connection_->ConsumeOutput(all.size());
    return all;
  }

  std::string Receive() override {
    Value value;
    const std::string_view output = connection_->output();
    const int64_t length = ParseValue(output, &value);
    if (length < 0) {  // a finding: hand over what is there
      refused_ = true;
      return std::string(output);
    }
    if (length == 0) {
      timed_out_ = !closed();
      return {};
    }
    std::string reply(output.substr(0, static_cast<size_t>(length)));
    connection_->ConsumeOutput(static_cast<size_t>(length));
    return reply;
  }

 private:
  std::unique_ptr<larder::RespConnection> connection_;
  bool refused_ = false;
};

class LarderSide final : public Side {
 public:
  explicit LarderSide(const LarderOptions& chosen) {
    larder::Options options;
    options.port = 0;
    options.seed = 1;  // RANDOMKEY and the order of keys are the same in a replay
    options.enable_debug_command = chosen.debug ? larder::ProtectedAction::kYes : larder::ProtectedAction::kNo;
    options.background = larder::Background::kTick;  // and nobody ticks but Settle: see Runner::Prepare
    options.compat["save"] = "";
    options.bind = {"*", "-::*"};  // what CONFIG GET shows; nothing listens there
    auto cache = larder::Cache::Open(options);
    if (!cache.ok()) Fail(cache.status().ToString());
    cache_ = *std::move(cache);
    if (!chosen.socket) return;
    larder::ListenerOptions where;
    where.bind = options.bind;
    where.host_keeps.clear();
    where.port = 0;
    where.unixsocket = folder_.Short("s");
    auto listener = larder::Listener::Start(*cache_, where);
    if (!listener.ok()) Fail(listener.status().ToString());
    listener_ = *std::move(listener);
  }

  std::unique_ptr<Link> Connect() override {
    if (listener_ != nullptr) return ConnectUnix(folder_.Short("s"));
    auto connection = cache_->NewConnection();
    if (!connection.ok()) return nullptr;
    return std::make_unique<MemoryLink>(*std::move(connection));
  }

  void Settle() override {
    if (const auto next = cache_->Tick(absl::InfiniteFuture()); !next.ok()) Fail(next.status().ToString());
  }

 private:
  TempFolder folder_;
  std::unique_ptr<larder::Cache> cache_;
  std::unique_ptr<larder::Listener> listener_;
};

}  // namespace

std::unique_ptr<Side> StartLarder(const LarderOptions& options) { return std::make_unique<LarderSide>(options); }

}  // namespace differential
