#include "manifest/token.h"

#include <doctest/doctest.h>

namespace zvm {
namespace {

TEST_CASE("an empty or blank text strips to its own end") {
  const std::string_view blank = " \t ";
  CHECK(Strip(blank).empty());
  CHECK(Strip(blank).data() == blank.data() + blank.size());
  CHECK(Strip(" a b\r\n") == "a b");
}

TEST_CASE("the last field keeps the rest") {
  std::string_view fields[3];
  CHECK(SplitFields(" a : b:c : d ", ':', fields) == 3);
  CHECK(fields[0] == "a");
  CHECK(fields[1] == "b");
  CHECK(fields[2] == "c : d");
  CHECK(SplitFields("", ':', fields) == 1);
  CHECK(fields[0].empty());
  CHECK(SplitFields("::", ':', fields) == 3);
  CHECK(fields[2].empty());
}

TEST_CASE("integers: bases, signs, rests and both ends of the range") {
  struct {
    std::string_view text;
    int64_t value;
    std::string_view rest;
    bool overflow;
  } const rows[] = {
      {"0", 0, "", false},
      {"42", 42, "", false},
      {"-42x", -42, "x", false},
      {"+7", 7, "", false},
      {"0x1F", 31, "", false},
      {"-0Xff", -255, "", false},
      {"010", 8, "", false},
      {"09", 0, "9", false},
      {"0x", 0, "x", false},
      {"0xg", 0, "xg", false},
      {"", 0, "", false},
      {"-", 0, "-", false},
      {"+-1", 0, "+-1", false},
      {"word", 0, "word", false},
      {"9223372036854775807", INT64_MAX, "", false},
      {"-9223372036854775808", INT64_MIN, "", false},
      {"9223372036854775808", 0, "", true},
      {"-9223372036854775809", 0, "", true},
      {"0xFFFFFFFFFFFFFFFF", 0, "", true},
      {"99999999999999999999999999999 ", 0, " ", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const IntegerToken token = ReadInteger(row.text);
    CHECK(token.overflow == row.overflow);
    CHECK(token.rest == row.rest);
    if (!row.overflow) {
      CHECK(token.value == row.value);
    }
  }
}

TEST_CASE("case is ignored for letters only") {
  CHECK(EqualsIgnoringCase("TcP", "tcp"));
  CHECK_FALSE(EqualsIgnoringCase("tcpx", "tcp"));
  CHECK_FALSE(EqualsIgnoringCase("", "tcp"));
}

}  // namespace
}  // namespace zvm
