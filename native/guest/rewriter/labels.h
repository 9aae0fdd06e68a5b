// First pass: which labels of a text can be reached by an indirect jump or call and must therefore
// start a bundle: functions, jump table entries, computed goto targets, landing pads.
#pragma once

#include <string_view>
#include <unordered_set>
#include <vector>

namespace zvm::guest {

// Names are views into the text that was scanned.
class LabelSet {
 public:
  void Add(std::string_view name);
  bool Contains(std::string_view name) const;

 private:
  std::vector<bool> numbered_;  // .L0, .L1, ...
  std::unordered_set<std::string_view> named_;
};

LabelSet CollectIndirectTargets(std::string_view text);

// What a .section directive (or .text, .data, .bss) says about the section's name and flags.
bool IsCodeSection(std::string_view name, std::string_view flags);

}  // namespace zvm::guest
