// A second opinion on the validator's rules (docs/validator.md), written from their words over a
// disassembler's listing. Shares nothing with native/validator and must never read its tables.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "listing.h"

namespace zvm::oracle {

enum class Rules : uint8_t { kNacl, kZvm };

class Oracle {
 public:
  // Whether `code` is one valid chunk; its size is a multiple of 32.
  [[nodiscard]] bool Accepts(std::span<const uint8_t> code, Rules rules);

  // After a refusal: the offset and the reason. For humans.
  [[nodiscard]] const std::string& reason() const { return reason_; }

  [[nodiscard]] std::string Print(std::span<const uint8_t> code) { return listing_.Print(code); }

 private:
  bool ScanBundle(size_t start);
  bool ScanInstruction(size_t at, std::span<const uint8_t> rest, size_t& size);
  bool CheckAddress(const Line& line, bool gs_relative, bool& uses_restricted);
  bool CheckWrites(const Line& line, int& restricts);
  bool CheckTargets();
  bool Refuse(size_t at, const char* reason);

  Listing listing_;
  std::span<const uint8_t> code_;
  Rules rules_ = Rules::kNacl;
  int restricted_ = -1;                // number of the zero-extended register, -1 for none
  size_t at_ = 0;                      // start of the instruction under judgement
  std::vector<bool> may_be_target_;    // by offset
  struct Jump {
    size_t from;
    int64_t to;
  };
  std::vector<Jump> jumps_;
  std::string reason_;
};

}  // namespace zvm::oracle
