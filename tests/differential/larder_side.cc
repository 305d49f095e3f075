#include <cstdio>
#include <cstdlib>

#include <larder/cache.h>

#include "tests/differential/sides.h"

namespace differential {
namespace {

class MemoryLink final : public Link {
 public:
  explicit MemoryLink(std::unique_ptr<larder::RespConnection> connection) : connection_(std::move(connection)) {}

  void Send(std::string_view bytes) override {
    if (!connection_->Feed(bytes).ok()) refused_ = true;
  }

  bool closed() override { return refused_ || connection_->closed(); }

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
  explicit LarderSide(bool debug) {
    larder::Options options;
    options.seed = 1;  // RANDOMKEY and the order of keys are the same in a replay
    options.enable_debug_command = debug ? larder::ProtectedAction::kYes : larder::ProtectedAction::kNo;
    options.background = larder::Background::kTick;
    options.compat["save"] = "";
    auto cache = larder::Cache::Open(options);
    if (!cache.ok()) {
      std::fprintf(stderr, "Cache::Open: %s\n", cache.status().ToString().c_str());
      std::abort();
    }
    cache_ = *std::move(cache);
  }

  std::unique_ptr<Link> Connect() override {
    auto connection = cache_->NewConnection();
    if (!connection.ok()) return nullptr;
    return std::make_unique<MemoryLink>(*std::move(connection));
  }

 private:
  std::unique_ptr<larder::Cache> cache_;
};

}  // namespace

std::unique_ptr<Side> StartLarder(bool debug) { return std::make_unique<LarderSide>(debug); }

}  // namespace differential
