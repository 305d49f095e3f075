// A service that answers lines, for tests of the server alone: each line comes back as it is, "big N" as N bytes,
// "quit" is the last that is answered, "wait" lets its client not be idle ever. Its executor can be held by the test.
#ifndef LARDER_TESTS_NET_FAKE_SERVICE_H_
#define LARDER_TESTS_NET_FAKE_SERVICE_H_

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "net/service.h"

namespace larder::net {

class FakeClient final : public Client {
 public:
  std::span<char> PrepareRead() override {
    if (no_memory) return {};
    return room_;
  }
  void CommitRead(size_t n) override { input.append(room_, n); }
  session::Parsed Parse(const session::ParseQuota& quota) override {
    if (last_ || quitting) return session::Parsed::kNothing;
    int taken = 0;
    size_t end;
    while (taken < quota.commands_max && (end = input.find('\n')) != std::string::npos) {
      pending.push_back(input.substr(0, end + 1));
      input.erase(0, end + 1);
      ++taken;
    }
    if (pending.empty()) return session::Parsed::kNothing;
    next_batch->push_back(this);
    return input.find('\n') != std::string::npos ? session::Parsed::kSomeAndInput : session::Parsed::kSome;
  }
  size_t input_bytes() const override { return input.size(); }
  size_t output_bytes() const override { return output.size() - sent; }
  size_t Output(iovec* pieces, size_t max) const override {
    // In pieces, so that more than one is exercised.
    size_t count = 0;
    for (size_t from = sent; from < output.size() && count < max; from += 1'000'000) {
      const size_t n = std::min<size_t>(1'000'000, output.size() - from);
      pieces[count++] = {const_cast<char*>(output.data()) + from, n};
    }
    return count;
  }
  void ConsumeOutput(size_t n) override {
    sent += n;
    if (sent == output.size()) {
      output.clear();
      sent = 0;
    }
  }
  bool CloseAfterOutput() const override { return last_; }
  bool MayGoOn() const override { return may_go_on; }
  bool Stopped() const override { return stopped; }
  bool Stop() override { return !stopped.exchange(true); }
  bool KeepWhenIdle() const override { return waits; }
  OutputClass output_class() const override { return OutputClass::kNormal; }
  bool Admitted() const override { return admitted; }

  void Run() {
    for (const std::string& line : pending) {
      if (last_) break;
      if (line.rfind("big ", 0) == 0) {
        output.append(std::stoul(line.substr(4)), 'b');
      } else {
        output += line;
      }
      if (line == "quit\n") last_ = true;
      if (line == "wait\n") waits = true;
    }
    pending.clear();
  }

  std::string input, output;
  size_t sent = 0;
  std::vector<std::string> pending;
  std::atomic<bool> stopped{false};
  bool admitted = true, no_memory = false, waits = false, may_go_on = false, quitting = false;
  session::SessionEvents* events = nullptr;
  std::vector<FakeClient*>* next_batch = nullptr;
  std::string address, local_address;
  int fd = -1;
  bool unix_socket = false;

 private:
  bool last_ = false;
  char room_[4096];
};

class FakeService final : public Service {
 public:
  ServerSettings settings() override { return current; }
  bool TakePlace(uint32_t maxclients) override {
    if (places_taken >= maxclients) return false;
    ++places_taken;
    return true;
  }
  void GivePlaceBack() override { --places_taken; }
  std::unique_ptr<Client> Open(const session::Peer& peer, session::SessionEvents* events) override {
    if (refuse) return nullptr;
    auto client = std::make_unique<FakeClient>();
    client->address = peer.address;
    client->local_address = peer.local_address;
    client->fd = peer.fd;
    client->unix_socket = peer.kind == engine::ClientKind::kUnix;
    client->events = events;
    client->next_batch = &next_batch_;
    clients.push_back(client.get());
    return client;
  }
  void Close(std::unique_ptr<Client> client) override { to_end_.push_back(std::move(client)); }
  Submitted Submit() override {
    if (closed) {
      batch_.clear();
      next_batch_.clear();
      queued_ = false;
      return Submitted::kClosed;
    }
    if (!queued_) {
      ending_.swap(to_end_);
      batch_.swap(next_batch_);
    }
    queued_ = busy;
    if (busy) return Submitted::kQueued;
    ++batches;
    largest_batch = std::max(largest_batch, batch_.size());
    for (FakeClient* client : batch_) client->Run();
    batch_.clear();
    EndAll(ending_);
    return Submitted::kFinished;
  }
  void Finish() override {
    batch_.clear();
    next_batch_.clear();
    EndAll(ending_);
    EndAll(to_end_);
  }
  void Count(const ServerCount& more) override {
    count.connections_received += more.connections_received;
    count.connections_rejected += more.connections_rejected;
    count.reads += more.reads;
    count.writes += more.writes;
    count.input_bytes += more.input_bytes;
    count.output_bytes += more.output_bytes;
    count.query_limit_disconnections += more.query_limit_disconnections;
    count.output_limit_disconnections += more.output_limit_disconnections;
  }
  void Log(LogLevel, std::string_view line) override { log.emplace_back(line); }

  ServerSettings current;
  ServerCount count;
  std::vector<std::string> log;
  std::vector<FakeClient*> clients;  // alive, by age
  bool busy = false, closed = false, refuse = false;
  int batches = 0;
  uint32_t places_taken = 0;
  size_t largest_batch = 0;

 private:
  void EndAll(std::vector<std::unique_ptr<Client>>& ends) {
    for (const auto& client : ends) std::erase(clients, static_cast<FakeClient*>(client.get()));
    ends.clear();
  }
  std::vector<std::unique_ptr<Client>> to_end_, ending_;
  std::vector<FakeClient*> batch_, next_batch_;
  bool queued_ = false;
};

}  // namespace larder::net

#endif  // LARDER_TESTS_NET_FAKE_SERVICE_H_
