// Every encoding of a space, one instruction a chunk: slow, complete where random cases are sparse.
#pragma once

#include <functional>

#include "random.h"

namespace zvm::differential {

using Visit = std::function<bool(const Bytes&)>;  // one chunk; false ends the sweep

// Prefix sets x REX x map x opcode x ModRM, about 29 million chunks.
bool SweepLegacy(const Visit& visit);
// C4 and C5: map x pp x L x W x vvvv x RXB x opcode x ModRM, about 60 million chunks.
bool SweepVex(const Visit& visit);

}  // namespace zvm::differential
