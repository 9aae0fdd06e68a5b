#include "base/text_buffer.h"

#include <doctest/doctest.h>

#include <climits>

namespace zvm {
namespace {

TEST_CASE("numbers are written whole, extremes included") {
  FixedText<128> text;
  text.AddUnsigned(0).AddChar(' ').AddUnsigned(UINT64_MAX).AddChar(' ').AddSigned(INT64_MIN);
  CHECK(text.view() == "0 18446744073709551615 -9223372036854775808");
  CHECK_FALSE(text.truncated());
}

TEST_CASE("hexadecimal is padded, fixed point keeps its zeros") {
  FixedText<64> text;
  text.AddHex(0x2A, 6).AddChar(' ').AddHex(0).AddChar(' ').AddFixed(1050, 2).AddChar(' ');
  text.AddFixed(5, 3);
  CHECK(text.view() == "00002a 0 10.50 0.005");
}

TEST_CASE("what does not fit is dropped and reported") {
  FixedText<4> text;
  text.Add("abcdef");
  CHECK(text.view() == "abcd");
  CHECK(text.truncated());
  text.Clear();
  CHECK(text.size() == 0);
  CHECK_FALSE(text.truncated());
}

TEST_CASE("JSON strings escape quotes and controls and keep well-formed UTF-8") {
  struct {
    std::string_view text;
    std::string_view json;
  } const rows[] = {
      {"a\"b\\c\n\x7F", R"("a\"b\\c\u000a\u007f")"},
      {"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF",
       "\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF\""},
      {"\xC2\x80\xC2\x9F\xC2\xA0", "\"\\u0080\\u009f\xC2\xA0\""},      // controls of Latin-1
      {"\xC3", R"("\ufffd")"},                                           // cut off
      {"\xC3(\xE2\x82", R"("\ufffd(\ufffd\ufffd")"},                    // cut off
      {"\xC0\xAF\xE0\x80\xAF", R"("\ufffd\ufffd\ufffd\ufffd\ufffd")"},  // overlong
      {"\xED\xA0\x80", R"("\ufffd\ufffd\ufffd")"},                       // surrogate
      {"\xF4\x90\x80\x80", R"("\ufffd\ufffd\ufffd\ufffd")"},             // beyond Unicode
      {"\xFF", R"("\ufffd")"},
  };
  for (const auto& row : rows) {
    FixedText<64> text;
    text.AddJsonString(row.text);
    CHECK(text.view() == row.json);
  }
}

}  // namespace
}  // namespace zvm
