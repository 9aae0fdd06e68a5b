// The table behind FindOpcode; see opcodes.h.
#include "guest/rewriter/opcodes.h"

#include <algorithm>
#include <iterator>

namespace zvm::guest {
namespace {

constexpr std::string_view kSystem = "system and segment instructions are refused in the sandbox";
constexpr std::string_view kBmi = "BMI1/BMI2 instructions are refused in the sandbox (use -mno-bmi "
                                  "-mno-bmi2)";
constexpr std::string_view kCrypto =
    "AES, SHA, CLMUL and random number instructions are refused in "
    "the sandbox";
constexpr std::string_view kGather = "gather and scatter instructions are refused in the sandbox";
constexpr std::string_view kF16c = "F16C conversions are refused in the sandbox (use -mno-f16c)";
constexpr std::string_view kFlags = "pushf and popf are refused in the sandbox";
constexpr std::string_view kShort = "16-bit popcnt, lzcnt and tzcnt are refused in the sandbox";
constexpr std::string_view kAdx = "ADX instructions are refused in the sandbox (use -mno-adx)";
constexpr std::string_view kInterrupt = "interrupts and system calls are refused in the sandbox; "
                                        "use the traps of zvm.h";

struct Entry {
  std::string_view mnemonic;
  Opcode opcode;
};

// Sorted by mnemonic: looked up by binary search. Jcc and cmov are recognised by their first
// letters.
constexpr Entry kTable[] = {
    {"adcx", {Op::kRefused, kAdx}},
    {"adcxl", {Op::kRefused, kAdx}},
    {"adcxq", {Op::kRefused, kAdx}},
    {"adox", {Op::kRefused, kAdx}},
    {"adoxl", {Op::kRefused, kAdx}},
    {"adoxq", {Op::kRefused, kAdx}},
    {"aesdec", {Op::kRefused, kCrypto}},
    {"aesdeclast", {Op::kRefused, kCrypto}},
    {"aesenc", {Op::kRefused, kCrypto}},
    {"aesenclast", {Op::kRefused, kCrypto}},
    {"aesimc", {Op::kRefused, kCrypto}},
    {"aeskeygenassist", {Op::kRefused, kCrypto}},
    {"andn", {Op::kRefused, kBmi}},
    {"andnl", {Op::kRefused, kBmi}},
    {"andnq", {Op::kRefused, kBmi}},
    {"bextr", {Op::kRefused, kBmi}},
    {"blsi", {Op::kRefused, kBmi}},
    {"blsil", {Op::kRefused, kBmi}},
    {"blsiq", {Op::kRefused, kBmi}},
    {"blsmsk", {Op::kRefused, kBmi}},
    {"blsmskl", {Op::kRefused, kBmi}},
    {"blsmskq", {Op::kRefused, kBmi}},
    {"blsr", {Op::kRefused, kBmi}},
    {"blsrl", {Op::kRefused, kBmi}},
    {"blsrq", {Op::kRefused, kBmi}},
    {"bt", {Op::kBitTest, {}}},
    {"btc", {Op::kBitTest, {}}},
    {"btcl", {Op::kBitTest, {}}},
    {"btcq", {Op::kBitTest, {}}},
    {"btcw", {Op::kBitTest, {}}},
    {"btl", {Op::kBitTest, {}}},
    {"btq", {Op::kBitTest, {}}},
    {"btr", {Op::kBitTest, {}}},
    {"btrl", {Op::kBitTest, {}}},
    {"btrq", {Op::kBitTest, {}}},
    {"btrw", {Op::kBitTest, {}}},
    {"bts", {Op::kBitTest, {}}},
    {"btsl", {Op::kBitTest, {}}},
    {"btsq", {Op::kBitTest, {}}},
    {"btsw", {Op::kBitTest, {}}},
    {"btw", {Op::kBitTest, {}}},
    {"bzhi", {Op::kRefused, kBmi}},
    {"call", {Op::kCall, {}}},
    {"callq", {Op::kCall, {}}},
    {"clflush", {Op::kRefused, kSystem}},
    {"cli", {Op::kRefused, kSystem}},
    {"cmp", {Op::kReadsLast, {}}},
    {"cmpb", {Op::kReadsLast, {}}},
    {"cmpl", {Op::kReadsLast, {}}},
    {"cmpq", {Op::kReadsLast, {}}},
    {"cmpsb", {Op::kStringBoth, {}}},
    {"cmpsl", {Op::kStringBoth, {}}},
    {"cmpsq", {Op::kStringBoth, {}}},
    {"cmpsw", {Op::kStringBoth, {}}},
    {"cmpw", {Op::kReadsLast, {}}},
    {"cmpxchg", {Op::kExchange, {}}},
    {"cmpxchgb", {Op::kExchange, {}}},
    {"cmpxchgl", {Op::kExchange, {}}},
    {"cmpxchgq", {Op::kExchange, {}}},
    {"cmpxchgw", {Op::kExchange, {}}},
    {"endbr64", {Op::kDrop, {}}},
    {"enter", {Op::kRefused, "enter is refused in the sandbox"}},
    {"fxrstor", {Op::kRefused, kSystem}},
    {"fxsave", {Op::kRefused, kSystem}},
    {"in", {Op::kRefused, kSystem}},
    {"inb", {Op::kRefused, kSystem}},
    {"inl", {Op::kRefused, kSystem}},
    {"int", {Op::kRefused, kInterrupt}},
    {"int3", {Op::kRefused, kInterrupt}},
    {"jmp", {Op::kJump, {}}},
    {"jmpq", {Op::kJump, {}}},
    {"lcall", {Op::kRefused, kSystem}},
    {"lcallq", {Op::kRefused, kSystem}},
    {"lea", {Op::kAddressOnly, {}}},
    {"leal", {Op::kAddressOnly, {}}},
    {"leaq", {Op::kAddressOnly, {}}},
    {"leave", {Op::kLeave, {}}},
    {"leaveq", {Op::kLeave, {}}},
    {"leaw", {Op::kAddressOnly, {}}},
    {"ljmp", {Op::kRefused, kSystem}},
    {"lodsb", {Op::kStringSource, {}}},
    {"lodsl", {Op::kStringSource, {}}},
    {"lodsq", {Op::kStringSource, {}}},
    {"lodsw", {Op::kStringSource, {}}},
    {"loop", {Op::kBranch, {}}},
    {"loope", {Op::kBranch, {}}},
    {"loopne", {Op::kBranch, {}}},
    {"lret", {Op::kRefused, kSystem}},
    {"lzcntw", {Op::kRefused, kShort}},
    {"maskmovdqu", {Op::kRefused, "maskmovdqu is refused in the sandbox"}},
    {"maskmovq", {Op::kRefused, "maskmovq is refused in the sandbox"}},
    {"movntdq", {Op::kNonTemporal, "movdqa"}},
    {"movntdqa", {Op::kNonTemporal, "movdqa"}},
    {"movnti", {Op::kNonTemporal, "mov"}},
    {"movntil", {Op::kNonTemporal, "movl"}},
    {"movntiq", {Op::kNonTemporal, "movq"}},
    {"movntpd", {Op::kNonTemporal, "movapd"}},
    {"movntps", {Op::kNonTemporal, "movaps"}},
    {"movntq", {Op::kNonTemporal, "movq"}},
    {"movsb", {Op::kStringBoth, {}}},
    {"movsl", {Op::kStringBoth, {}}},
    {"movsq", {Op::kStringBoth, {}}},
    {"movsw", {Op::kStringBoth, {}}},
    {"mulx", {Op::kRefused, kBmi}},
    {"nop", {Op::kNoAccess, {}}},
    {"nopl", {Op::kNoAccess, {}}},
    {"nopw", {Op::kNoAccess, {}}},
    {"out", {Op::kRefused, kSystem}},
    {"outb", {Op::kRefused, kSystem}},
    {"pclmulqdq", {Op::kRefused, kCrypto}},
    {"pdep", {Op::kRefused, kBmi}},
    {"pext", {Op::kRefused, kBmi}},
    {"pop", {Op::kPop, {}}},
    {"popcntw", {Op::kRefused, kShort}},
    {"popf", {Op::kRefused, kFlags}},
    {"popfq", {Op::kRefused, kFlags}},
    {"popq", {Op::kPop, {}}},
    {"prefetch", {Op::kNoAccess, {}}},
    {"prefetchnta", {Op::kNoAccess, {}}},
    {"prefetcht0", {Op::kNoAccess, {}}},
    {"prefetcht1", {Op::kNoAccess, {}}},
    {"prefetcht2", {Op::kNoAccess, {}}},
    {"prefetchw", {Op::kNoAccess, {}}},
    {"push", {Op::kPush, {}}},
    {"pushf", {Op::kRefused, kFlags}},
    {"pushfq", {Op::kRefused, kFlags}},
    {"pushq", {Op::kPush, {}}},
    {"rdrand", {Op::kRefused, kCrypto}},
    {"rdseed", {Op::kRefused, kCrypto}},
    {"rdtscp", {Op::kRefused, kSystem}},
    {"ret", {Op::kReturn, {}}},
    {"retq", {Op::kReturn, {}}},
    {"rorx", {Op::kRefused, kBmi}},
    {"sarx", {Op::kRefused, kBmi}},
    {"scasb", {Op::kStringTarget, {}}},
    {"scasl", {Op::kStringTarget, {}}},
    {"scasq", {Op::kStringTarget, {}}},
    {"scasw", {Op::kStringTarget, {}}},
    {"sha256rnds2", {Op::kRefused, kCrypto}},
    {"shlx", {Op::kRefused, kBmi}},
    {"shrx", {Op::kRefused, kBmi}},
    {"sti", {Op::kRefused, kSystem}},
    {"stosb", {Op::kStringTarget, {}}},
    {"stosl", {Op::kStringTarget, {}}},
    {"stosq", {Op::kStringTarget, {}}},
    {"stosw", {Op::kStringTarget, {}}},
    {"syscall", {Op::kRefused, kInterrupt}},
    {"sysenter", {Op::kRefused, kInterrupt}},
    {"test", {Op::kReadsLast, {}}},
    {"testb", {Op::kReadsLast, {}}},
    {"testl", {Op::kReadsLast, {}}},
    {"testq", {Op::kReadsLast, {}}},
    {"testw", {Op::kReadsLast, {}}},
    {"tzcntw", {Op::kRefused, kShort}},
    {"vcvtph2ps", {Op::kRefused, kF16c}},
    {"vcvtps2ph", {Op::kRefused, kF16c}},
    {"vgatherdpd", {Op::kRefused, kGather}},
    {"vgatherdps", {Op::kRefused, kGather}},
    {"vgatherqpd", {Op::kRefused, kGather}},
    {"vgatherqps", {Op::kRefused, kGather}},
    {"vmovntdq", {Op::kNonTemporal, "vmovdqa"}},
    {"vmovntdqa", {Op::kNonTemporal, "vmovdqa"}},
    {"vmovntpd", {Op::kNonTemporal, "vmovapd"}},
    {"vmovntps", {Op::kNonTemporal, "vmovaps"}},
    {"vpgatherdd", {Op::kRefused, kGather}},
    {"vpgatherdq", {Op::kRefused, kGather}},
    {"vpgatherqd", {Op::kRefused, kGather}},
    {"vpgatherqq", {Op::kRefused, kGather}},
    {"xadd", {Op::kExchange, {}}},
    {"xaddb", {Op::kExchange, {}}},
    {"xaddl", {Op::kExchange, {}}},
    {"xaddq", {Op::kExchange, {}}},
    {"xaddw", {Op::kExchange, {}}},
    {"xchg", {Op::kExchange, {}}},
    {"xchgb", {Op::kExchange, {}}},
    {"xchgl", {Op::kExchange, {}}},
    {"xchgq", {Op::kExchange, {}}},
    {"xchgw", {Op::kExchange, {}}},
    {"xgetbv", {Op::kRefused, kSystem}},
    {"xlat", {Op::kRefused, kSystem}},
    {"xlatb", {Op::kRefused, kSystem}},
};

constexpr bool Sorted() {
  for (size_t i = 1; i < std::size(kTable); ++i) {
    if (!(kTable[i - 1].mnemonic < kTable[i].mnemonic)) return false;
  }
  return true;
}
static_assert(Sorted(), "binary search needs the order");

}  // namespace

Opcode FindOpcode(std::string_view mnemonic) {
  if (mnemonic.size() >= 2 && mnemonic[0] == 'j' && mnemonic[1] != 'm') return {Op::kBranch, {}};
  const auto* end = std::end(kTable);
  const auto* found = std::lower_bound(
      std::begin(kTable), end, mnemonic,
      [](const Entry& entry, std::string_view name) { return entry.mnemonic < name; });
  if (found == end || found->mnemonic != mnemonic) return {};
  return found->opcode;
}

bool ZeroExtends(std::string_view mnemonic) {
  static constexpr std::string_view kNames[] = {
      "addl",   "andl",   "decl",   "imull",  "incl",   "leal",   "movd",   "movl",   "movsbl",
      "movswl", "movzbl", "movzwl", "negl",   "notl",   "orl",    "subl",   "xorl"};
  return std::binary_search(std::begin(kNames), std::end(kNames), mnemonic);
}

}  // namespace zvm::guest
