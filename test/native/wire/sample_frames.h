// One well-formed frame of each type, with a different value in every field: the golden frames, and
// the starting points of hostile ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zvm::test {

using Bytes = std::vector<uint8_t>;

Bytes HelloFrame();
Bytes PrepareFrame();
Bytes PreparedFrame();
Bytes StartFrame();
// An input of five bytes and an output in frames, an output dropped, the image mapped.
Bytes InlineStartFrame();
Bytes OutputFrame();
Bytes ReportFrame();
Bytes RefusalFrame();

}  // namespace zvm::test
