// What a client of an in-memory connection sends and gets, as text. For tests.
#ifndef LARDER_TESTS_LIB_RESP_TEXT_H_
#define LARDER_TESTS_LIB_RESP_TEXT_H_

#include <larder/session.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace larder {

inline std::string Request(std::initializer_list<std::string_view> argv) {
  std::string text = "*" + std::to_string(argv.size()) + "\r\n";
  for (const std::string_view word : argv) {
    text += "$" + std::to_string(word.size()) + "\r\n";
    text += word;
    text += "\r\n";
  }
  return text;
}

inline std::string Answer(RespConnection& connection, std::string_view bytes) {
  EXPECT_TRUE(connection.Feed(bytes).ok());
  std::string output(connection.output());
  connection.ConsumeOutput(output.size());
  return output;
}

}  // namespace larder

#endif  // LARDER_TESTS_LIB_RESP_TEXT_H_
