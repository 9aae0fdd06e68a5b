// Chunks made of sandboxing idioms: truncations and the accesses that use them, stack updates,
// masked jumps, string sequences, gs-relative operands, predicted returns, direct jumps, bundle
// ends. Most pieces are right, some are one detail off; whether they are is for the judges to say.
#pragma once

#include "random.h"

namespace zvm::differential {

// A chunk of one to four bundles, a multiple of 32 bytes.
Bytes MakeChunk(Random& random);

}  // namespace zvm::differential
