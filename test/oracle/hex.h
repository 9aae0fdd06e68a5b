// Text forms that the oracle's tools share: hex chunks and the names of the rule sets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oracle.h"

namespace zvm::oracle {

inline constexpr size_t kChunkAlignment = 32;
inline constexpr uint8_t kPadding = 0xF4;

// "nacl" or "zvm"; false for anything else.
[[nodiscard]] bool ParseRules(std::string_view name, Rules& out);

// Hex digits to bytes, padded with hlt to a multiple of 32; false when a digit is none.
[[nodiscard]] bool ParseChunk(std::string_view hex, std::vector<uint8_t>& out);

[[nodiscard]] std::string FormatHex(const std::vector<uint8_t>& bytes);

}  // namespace zvm::oracle
