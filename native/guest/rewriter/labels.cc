// See labels.h. Errs on the side of too many: an aligned label costs a few bytes, a missed one a
// wrong jump.
#include "guest/rewriter/labels.h"

#include "guest/rewriter/asm_text.h"

namespace zvm::guest {
namespace {

constexpr size_t kNumberedMax = size_t{1} << 24;

// The N of ".LN", or kNumberedMax when `name` is not of this form.
size_t LabelNumber(std::string_view name) {
  if (name.size() < 3 || name.size() > 9 || name[0] != '.' || name[1] != 'L') return kNumberedMax;
  size_t number = 0;
  for (const char c : name.substr(2)) {
    if (c < '0' || c > '9') return kNumberedMax;
    number = number * 10 + static_cast<size_t>(c - '0');
  }
  return number < kNumberedMax ? number : kNumberedMax;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Every ".L<digits>" in `text`.
void AddLocalLabels(std::string_view text, LabelSet* labels) {
  size_t at = 0;
  while ((at = text.find(".L", at)) != std::string_view::npos) {
    size_t end = at + 2;
    while (end < text.size() && IsDigit(text[end])) ++end;
    const bool ends = end == text.size() || text[end] == '-' || text[end] == '+' ||
                      text[end] == ',' || text[end] == '(' || text[end] == ' ' ||
                      text[end] == ')' || text[end] == '\t';
    if (end > at + 2 && ends) labels->Add(text.substr(at, end - at));
    at = end;
  }
}

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// True for directives whose operands may be addresses of code.
bool IsAddressData(std::string_view name) {
  return name == ".long" || name == ".quad" || name == ".uleb128" || name == ".4byte" ||
         name == ".8byte" || name == ".int";
}

void ScanDirective(std::string_view name, std::string_view rest, LabelSet* labels) {
  if (IsAddressData(name)) {
    AddLocalLabels(rest, labels);
  } else if (name == ".type") {
    const size_t comma = rest.find(',');
    if (comma != std::string_view::npos && rest.find("function", comma) != std::string_view::npos) {
      labels->Add(Trim(rest.substr(0, comma)));
    }
  } else if (name == ".globl" || name == ".global" || name == ".weak") {
    labels->Add(rest);
  }
}

}  // namespace

void LabelSet::Add(std::string_view name) {
  const size_t number = LabelNumber(name);
  if (number == kNumberedMax) {
    named_.insert(name);
    return;
  }
  if (number >= numbered_.size()) numbered_.resize(number + number / 2 + 64);
  numbered_[number] = true;
}

bool LabelSet::Contains(std::string_view name) const {
  const size_t number = LabelNumber(name);
  if (number == kNumberedMax) return named_.count(name) != 0;
  return number < numbered_.size() && numbered_[number];
}

bool IsCodeSection(std::string_view name, std::string_view flags) {
  if (!flags.empty()) return flags.find('x') != std::string_view::npos;
  return name == ".text" || StartsWith(name, ".text.") || name == ".init" || name == ".fini";
}

LabelSet CollectIndirectTargets(std::string_view text) {
  LabelSet labels;
  bool debug_section = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.size() < 2 || line[0] == '#') continue;
    if (line[0] == '.' && line.back() != ':') {
      const size_t blank = line.find_first_of(" \t");
      const std::string_view name = line.substr(0, blank);
      const std::string_view rest =
          blank == std::string_view::npos ? std::string_view() : Trim(line.substr(blank));
      if (name == ".section" || name == ".pushsection") debug_section = StartsWith(rest, ".debug");
      if (name == ".text" || name == ".data" || name == ".bss") debug_section = false;
      if (!debug_section) ScanDirective(name, rest, &labels);
    } else if (line.find(".L") != std::string_view::npos && line[0] != 'j' &&
               line.back() != ':' && !StartsWith(line, "call")) {
      AddLocalLabels(line, &labels);
    }
  }
  return labels;
}

}  // namespace zvm::guest
