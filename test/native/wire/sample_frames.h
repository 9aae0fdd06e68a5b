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
Bytes ReportFrame();
Bytes RefusalFrame();

}  // namespace zvm::test
