// Holds the generated opcode tables.
#include "validator/decode_tables.h"

namespace zvm {
namespace {
#include "validator/decode_tables.inc"
static_assert(sizeof kLegacyIndexData / sizeof kLegacyIndexData[0] == kLegacyCells);
static_assert(sizeof kVexIndexData / sizeof kVexIndexData[0] == kVexCells);
static_assert(sizeof kNeedsData / sizeof kNeedsData[0] <= kMaxNeeds);
}  // namespace

const uint16_t* const kLegacyIndex = kLegacyIndexData;
const uint16_t* const kVexIndex = kVexIndexData;
const uint32_t* const kGroupWords = kGroupWordsData;
const uint8_t* const kX87Need = kX87NeedData;
const uint8_t* const kSuffixNeed = kSuffixNeedData;
const Need* const kNeeds = kNeedsData;
const uint32_t kNeedCount = sizeof kNeedsData / sizeof kNeedsData[0];

}  // namespace zvm
