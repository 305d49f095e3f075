// A locale whose decimal point is a comma, whatever the machine has installed.
#ifndef LARDER_TESTS_LIB_BASE_COMMA_LOCALE_H_
#define LARDER_TESTS_LIB_BASE_COMMA_LOCALE_H_

#include <sys/stat.h>

#include <clocale>
#include <cstdlib>
#include <fstream>
#include <string>

namespace larder::tests {

// Sets LC_NUMERIC for the process while it lives. ok() is false if the C library would not take the locale.
class CommaLocale {
 public:
  explicit CommaLocale(const std::string& directory) {
    // What localedef makes of German's LC_NUMERIC: magic, six offsets, ",", ".", grouping 3;3, two wide chars, charset.
    static constexpr char kFile[] =
        "\x14\x11\x03\x20\x06\0\0\0\x20\0\0\0\x22\0\0\0\x24\0\0\0\x28\0\0\0\x2c\0\0\0\x30\0\0\0"
        ",\0.\0\3\3\0\0,\0\0\0.\0\0\0UTF-8";
    ::mkdir((directory + "/comma").c_str(), 0700);
    std::ofstream(directory + "/comma/LC_NUMERIC", std::ios::binary).write(kFile, sizeof(kFile));
    ::setenv("LOCPATH", directory.c_str(), 1);
    ok_ = std::setlocale(LC_NUMERIC, "comma") != nullptr && std::string(std::localeconv()->decimal_point) == ",";
  }
  ~CommaLocale() {
    std::setlocale(LC_NUMERIC, "C");
    ::unsetenv("LOCPATH");
  }
  bool ok() const { return ok_; }

 private:
  bool ok_ = false;
};

}  // namespace larder::tests

#endif  // LARDER_TESTS_LIB_BASE_COMMA_LOCALE_H_
