// Holds the generated opcode tables.
#include "validator/decode_tables.h"

namespace zvm {

// Defines kLegacyIndex, kVexIndex, kGroupWords, kX87Need, kSuffixNeed and kNeeds.
#include "validator/decode_tables.inc"

const uint32_t kNeedCount = sizeof kNeeds / sizeof kNeeds[0];
static_assert(sizeof kNeeds / sizeof kNeeds[0] <= kMaxNeeds);

}  // namespace zvm
