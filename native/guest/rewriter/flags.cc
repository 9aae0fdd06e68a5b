// See flags.h. Vector instructions that share a name with integer ones end in ss, sd, ps or pd.
#include "guest/rewriter/flags.h"

namespace zvm::guest {
namespace {

constexpr std::string_view kReaders[] = {"j",   "set", "cmov", "adc",   "sbb",
                                         "rcl", "rcr", "lahf", "fcmov", "salc"};
constexpr std::string_view kSetters[] = {
    "add",   "sub",  "and",  "or",    "xor",  "cmp",   "test",   "inc",    "dec",
    "neg",   "mul",  "imul", "div",   "idiv", "sh",    "sa",     "ro",     "bs",
    "bt",    "ucom", "com",  "vucom", "vcom", "ptest", "vptest", "popcnt", "tzcnt",
    "lzcnt", "call", "ret",  "scas",  "xadd", "leave", "ud2",    "hlt"};

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool IsVector(std::string_view mnemonic) {
  if (mnemonic.size() < 4) return false;
  const std::string_view end = mnemonic.substr(mnemonic.size() - 2);
  const bool compares = StartsWith(mnemonic, "ucom") || StartsWith(mnemonic, "com") ||
                        StartsWith(mnemonic, "vucom") || StartsWith(mnemonic, "vcom");
  return !compares && (end == "ss" || end == "sd" || end == "ps" || end == "pd");
}

}  // namespace

FlagUse FlagUseOf(std::string_view mnemonic) {
  if (StartsWith(mnemonic, "jmp") || mnemonic == "jrcxz") return FlagUse::kSets;
  if (IsVector(mnemonic)) return FlagUse::kNone;
  for (const std::string_view reader : kReaders) {
    if (StartsWith(mnemonic, reader)) return FlagUse::kReads;
  }
  for (const std::string_view setter : kSetters) {
    if (StartsWith(mnemonic, setter)) return FlagUse::kSets;
  }
  return FlagUse::kNone;
}

}  // namespace zvm::guest
