// std::strings as the string_views that the engine takes. Part of the public headers' machinery, not of the API.
#ifndef LARDER_INTERNAL_VIEWS_H_
#define LARDER_INTERNAL_VIEWS_H_

#include <cstddef>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/internal/error_text.h>

namespace larder::inline v0::internal {

inline void SetView(std::string_view& view, const std::string& string) { view = string; }
inline void SetView(std::pair<std::string_view, std::string_view>& view,
                    const std::pair<std::string, std::string>& pair) {
  view.first = pair.first;
  view.second = pair.second;
}

inline namespace LARDER_INTERNAL_FLAVOR {

// Calls fn(views of strings) and returns what it returns, or RESOURCE_EXHAUSTED. Up to 16 need no memory.
template <class String, class F>
auto WithViews(std::span<const String> strings, F&& fn) {
  using View = std::conditional_t<std::is_same_v<String, std::string>, std::string_view,
                                  std::pair<std::string_view, std::string_view>>;
  using R = std::invoke_result_t<F, std::span<const View>>;
  View few[16];
  std::vector<View> many;
  View* views = few;
  if (strings.size() > std::size(few)) {
    if (!FillResult([&] { many.resize(strings.size()); }).ok()) return R(StatusOf(kNoMemoryForArguments));
    views = many.data();
  }
  for (size_t i = 0; i < strings.size(); ++i) SetView(views[i], strings[i]);
  return fn(std::span<const View>(views, strings.size()));
}

}  // inline namespace LARDER_INTERNAL_FLAVOR
}  // namespace larder::inline v0::internal

#endif  // LARDER_INTERNAL_VIEWS_H_
