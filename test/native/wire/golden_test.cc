// The bytes of every frame type against files that the TypeScript side reads as well: a layout
// cannot change on one side alone. A wanted change: raise the version, take the printed
// hexadecimal.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "sample_frames.h"

namespace zvm::test {
namespace {

std::string Hex(const Bytes& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
    text += i % 32 == 31 || i + 1 == bytes.size() ? "\n" : "";
  }
  return text;
}

}  // namespace

TEST_CASE("frames are the golden ones, byte for byte") {
  const struct {
    const char* name;
    Bytes bytes;
  } frames[] = {{"hello", HelloFrame()},       {"prepare", PrepareFrame()},
                {"prepared", PreparedFrame()}, {"start", StartFrame()},
                {"report", ReportFrame()},     {"refusal", RefusalFrame()},
                {"start-inline", InlineStartFrame()}, {"output", OutputFrame()}};
  for (const auto& [name, bytes] : frames) {
    CAPTURE(std::string(name));
    std::ifstream file(std::string(ZVM_TEST_DIR "/golden/wire/") + name + ".hex");
    std::stringstream golden;
    golden << file.rdbuf();
    CHECK(golden.str() == Hex(bytes));
  }
}

}  // namespace zvm::test
