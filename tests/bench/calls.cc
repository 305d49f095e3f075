// Makes one call so many times: what instructions.sh counts.
//
//   calls get 1000
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <larder/cache.h>
#include <larder/session.h>

namespace {

std::string Request(std::initializer_list<std::string_view> argv) {
  std::string bytes = "*" + std::to_string(argv.size()) + "\r\n";
  for (std::string_view arg : argv) {
    bytes += "$" + std::to_string(arg.size()) + "\r\n" + std::string(arg) + "\r\n";
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  larder::Options options;
  options.background = larder::Background::kTick;
  options.seed = 7;
  const auto cache = larder::Cache::Open(options);
  const auto connection = cache.ok() ? (*cache)->NewConnection() : cache.status();
  if (!connection.ok()) return 1;
  const std::string key = "key:000000000001", number = "num:000000000001", value(64, 'v');
  if (!(*cache)->Set(key, value).ok()) return 1;
  const auto feed = [&](const std::string& request) {
    const bool ok = (*connection)->Feed(request).ok();
    (*connection)->ConsumeOutput((*connection)->output().size());
    return ok;
  };
  const std::string get = Request({"GET", key}), set = Request({"SET", key, value}), incr = Request({"INCR", number});
  const std::map<std::string_view, std::function<bool()>> calls = {
      {"get", [&] { return (*cache)->Get(key).ok(); }},
      {"set", [&] { return (*cache)->Set(key, value).ok(); }},
      {"exists", [&] { return (*cache)->Exists(key).ok(); }},
      {"incr", [&] { return (*cache)->Increment(number).ok(); }},
      {"resp-get", [&] { return feed(get); }},
      {"resp-set", [&] { return feed(set); }},
      {"resp-incr", [&] { return feed(incr); }},
  };
  const auto call = argc == 3 ? calls.find(argv[1]) : calls.end();
  if (call == calls.end()) {
    std::fprintf(stderr, "usage: calls get|set|exists|incr|resp-get|resp-set|resp-incr TIMES\n");
    return 2;
  }
  for (int left = std::atoi(argv[2]); left > 0; --left) {
    if (!call->second()) return 1;
  }
  return 0;
}
