#include <larder/net/tls.h>

#include "net/tls/tls_context.h"

namespace larder::inline v0 {
namespace {

class OpenSslProvider final : public TlsProvider {
 public:
  absl::StatusOr<std::shared_ptr<net::ChannelFactory>> Configure(const Options& options) const override {
    return net::TlsContext::Create(options);
  }
};

}  // namespace

const TlsProvider& Tls() {
  static constexpr OpenSslProvider kProvider;
  return kProvider;
}

}  // namespace larder::inline v0
