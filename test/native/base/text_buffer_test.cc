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

TEST_CASE("JSON strings escape quotes, controls and bytes above ASCII") {
  FixedText<64> text;
  text.AddJsonString("a\"b\\c\n\xC3");
  CHECK(text.view() == "\"a\\\"b\\\\c\\u000a\\u00c3\"");
}

}  // namespace
}  // namespace zvm
