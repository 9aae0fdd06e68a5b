// The rewriting table row by row: what goes in, what comes out in each profile, and that the
// validator accepts what LLVM-MC makes of it.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "guest/rewriter/flags.h"
#include "guest/rewriter/rewriter.h"
#include "validator/validator.h"

namespace zvm::guest {
namespace {

struct Row {
  const char* name;
  const char* input;
  const char* zvm;   // expected lines; nullptr: as nacl
  const char* nacl;
};

constexpr char kReturnZvm[] =
    "popq %r11\n.bundle_lock\nandl $-32,%r11d\naddq %r15,%r11\npushq %r11\nret\n.bundle_unlock\n";
constexpr char kReturnNacl[] =
    "popq %r11\n.bundle_lock\nandl $-32,%r11d\naddq %r15,%r11\njmp *%r11\n.bundle_unlock\n";

const Row kRows[] = {
    {"rip-relative is free", "movl g(%rip), %eax", nullptr, "movl g(%rip),%eax\n"},
    {"stack is free, printed with the whole register", "movl 8(%esp), %eax", nullptr,
     "movl 8(%rsp),%eax\n"},
    {"frame is free", "movl %edi, -4(%ebp)", nullptr, "movl %edi,-4(%rbp)\n"},
    {"base with small displacement", "movl 8(%ebx), %edx", "movl %gs:8(%ebx),%edx\n",
     ".bundle_lock\nmovl %ebx,%r11d\nmovl 8(%r15,%r11),%edx\n.bundle_unlock\n"},
    {"base without displacement", "movups %xmm0, (%edi)", "movups %xmm0,%gs:(%edi)\n",
     ".bundle_lock\nmovl %edi,%r11d\nmovups %xmm0,(%r15,%r11)\n.bundle_unlock\n"},
    {"index", "addl 8(%edi,%eax,4), %edx", "addl %gs:8(%edi,%eax,4),%edx\n",
     ".bundle_lock\nleal 8(%rdi,%rax,4),%r11d\naddl (%r15,%r11),%edx\n.bundle_unlock\n"},
    {"symbol with index", "movl g-4(,%eax,4), %edx", "movl %gs:g-4(,%eax,4),%edx\n",
     ".bundle_lock\nleal g-4(,%rax,4),%r11d\nmovl (%r15,%r11),%edx\n.bundle_unlock\n"},
    {"symbol with base wraps in 32 bits", "movl g-4(%eax), %edx", "movl %gs:g-4(%eax),%edx\n",
     ".bundle_lock\nleal g-4(%rax),%r11d\nmovl (%r15,%r11),%edx\n.bundle_unlock\n"},
    {"stack with index", "movb 3(%rsp,%rax), %cl", "movb %gs:3(%esp,%eax),%cl\n",
     ".bundle_lock\nleal 3(%rsp,%rax),%r11d\nmovb (%r15,%r11),%cl\n.bundle_unlock\n"},
    {"displacement too large to stand outside the mask", "movl 65536(%eax), %edx",
     "movl %gs:65536(%eax),%edx\n",
     ".bundle_lock\nleal 65536(%rax),%r11d\nmovl (%r15,%r11),%edx\n.bundle_unlock\n"},
    {"absolute below 2 GiB", "movl 131072, %eax", nullptr, "movl 131072(%r15),%eax\n"},
    {"absolute above 2 GiB", "movl -16777220, %eax", "movl %gs:-16777220(,%eiz),%eax\n",
     ".bundle_lock\nmovl $4278190076,%r11d\nmovl (%r15,%r11),%eax\n.bundle_unlock\n"},
    {"absolute symbol", "movl g, %eax", nullptr, "movl g(%rip),%eax\n"},
    {"lea keeps no address prefix", "leal 4(%edi,%esi), %eax", nullptr, "leal 4(%rdi,%rsi),%eax\n"},
    {"lea with 32-bit address and 64-bit result", "leaq (%edi,%eax), %rdx", nullptr,
     "leal (%rdi,%rax),%edx\n"},
    {"push from memory", "pushq 8(%eax)", "pushq %gs:8(%eax)\n",
     ".bundle_lock\nmovl %eax,%r11d\npushq 8(%r15,%r11)\n.bundle_unlock\n"},
    {"pop to memory", "popq (%eax)", "popq %gs:(%eax)\n",
     ".bundle_lock\nmovl %eax,%r11d\npopq (%r15,%r11)\n.bundle_unlock\n"},
    {"lock prefix stays with its instruction", "lock; addl $1, (%eax)", "lock addl $1,%gs:(%eax)\n",
     ".bundle_lock\nmovl %eax,%r11d\nlock addl $1,(%r15,%r11)\n.bundle_unlock\n"},
    {"high byte has no REX form", "movb %ah, 16(%edi)", "movb %ah,%gs:16(%edi)\n",
     "movl %edi,%r11d\nxchgb %al,%ah\n.bundle_lock\nmovl %r11d,%r11d\n"
     "movb %al,16(%r15,%r11)\n.bundle_unlock\nxchgb %al,%ah\n"},
    {"non-temporal store becomes ordinary", "movntps %xmm0, (%eax)", "movaps %xmm0,%gs:(%eax)\n",
     ".bundle_lock\nmovl %eax,%r11d\nmovaps %xmm0,(%r15,%r11)\n.bundle_unlock\n"},
    {"prefetch is never checked", "prefetcht0 (%edi)", nullptr,
     "leal (%rdi),%r11d\nprefetcht0 (%r15,%r11)\n"},
    {"fusion with the instruction that made the base", "addl $4, %eax\n\tmovl (%eax), %ecx",
     "addl $4,%eax\nmovl %gs:(%eax),%ecx\n",
     ".bundle_lock\naddl $4,%eax\nmovl (%r15,%rax),%ecx\n.bundle_unlock\n"},
    {"no fusion behind a shift", "shll $4, %eax\n\tmovl (%eax), %ecx",
     "shll $4,%eax\nmovl %gs:(%eax),%ecx\n",
     "shll $4,%eax\n.bundle_lock\nmovl %eax,%r11d\nmovl (%r15,%r11),%ecx\n.bundle_unlock\n"},
    {"no fusion over a label", "addl $4, %eax\n.L2:\n\tmovl (%eax), %ecx",
     "addl $4,%eax\n.L2:\nmovl %gs:(%eax),%ecx\n",
     "addl $4,%eax\n.L2:\n.bundle_lock\nmovl %eax,%r11d\nmovl (%r15,%r11),%ecx\n.bundle_unlock\n"},
    {"stack adjust", "subl $24, %esp", nullptr,
     ".bundle_lock\nsubl $24,%esp\nleaq (%rsp,%r15),%rsp\n.bundle_unlock\n"},
    {"64-bit stack adjust", "subq $24, %rsp", nullptr,
     ".bundle_lock\nsubl $24,%esp\nleaq (%rsp,%r15),%rsp\n.bundle_unlock\n"},
    {"stack adjust that keeps flags", "leal -24(%rsp), %esp", nullptr,
     ".bundle_lock\nleal -24(%rsp),%esp\nleaq (%rsp,%r15),%rsp\n.bundle_unlock\n"},
    {"small alignment of the stack", "andl $-16, %esp", nullptr, "andq $-16,%rsp\n"},
    {"large alignment of the stack", "andl $-4096, %esp", nullptr,
     ".bundle_lock\nandl $-4096,%esp\nleaq (%rsp,%r15),%rsp\n.bundle_unlock\n"},
    {"frame from stack", "movl %esp, %ebp", nullptr, "movq %rsp,%rbp\n"},
    {"stack from register", "movl %ecx, %esp", nullptr,
     ".bundle_lock\nmovl %ecx,%esp\nleaq (%rsp,%r15),%rsp\n.bundle_unlock\n"},
    {"frame from frame", "movq 0(%rbp), %rbp", nullptr,
     ".bundle_lock\nmovl 0(%rbp),%ebp\nleaq 0(%rbp,%r15),%rbp\n.bundle_unlock\n"},
    {"stack from memory", "movq 16(%edi), %rsp",
     ".bundle_lock\nmovl %gs:16(%edi),%esp\nleaq (%rsp,%r15),%rsp\n.bundle_unlock\n",
     ".bundle_lock\nmovl %edi,%r11d\nmovl 16(%r15,%r11),%esp\nleaq (%rsp,%r15),%rsp\n"
     ".bundle_unlock\n"},
    {"pop of the frame", "popq %rbp", nullptr,
     "popq %r11\n.bundle_lock\nmovl %r11d,%ebp\nleaq 0(%rbp,%r15),%rbp\n.bundle_unlock\n"},
    {"leave", "leave", nullptr,
     "movq %rbp,%rsp\npopq %r11\n.bundle_lock\nmovl %r11d,%ebp\nleaq 0(%rbp,%r15),%rbp\n"
     ".bundle_unlock\n"},
    {"return", "ret", kReturnZvm, kReturnNacl},
    {"return with prefix", "rep ret", kReturnZvm, kReturnNacl},
    {"direct call", "call f@PLT", nullptr, ".bundle_lock align_to_end\ncall f\n.bundle_unlock\n"},
    {"indirect call through rax", "call *%rax", nullptr,
     ".bundle_lock align_to_end\nandl $-32,%eax\naddq %r15,%rax\ncall *%rax\n.bundle_unlock\n"},
    {"indirect call through a kept register", "call *%rbx", nullptr,
     "movl %ebx,%r11d\n.bundle_lock align_to_end\nandl $-32,%r11d\naddq %r15,%r11\ncall *%r11\n"
     ".bundle_unlock\n"},
    {"indirect jump", "jmp *%rax", nullptr,
     "movl %eax,%r11d\n.bundle_lock\nandl $-32,%r11d\naddq %r15,%r11\njmp *%r11\n"
     ".bundle_unlock\n"},
    {"indirect jump through memory", "jmp *t(,%eax,4)",
     "movl %gs:t(,%eax,4),%r11d\n.bundle_lock\nandl $-32,%r11d\naddq %r15,%r11\njmp *%r11\n"
     ".bundle_unlock\n",
     ".bundle_lock\nleal t(,%rax,4),%r11d\nmovl (%r15,%r11),%r11d\n.bundle_unlock\n"
     ".bundle_lock\nandl $-32,%r11d\naddq %r15,%r11\njmp *%r11\n.bundle_unlock\n"},
    {"string move", "rep addr32 movsq", nullptr,
     "movl %ecx,%ecx\n.bundle_lock\nmovl %esi,%esi\nleaq (%r15,%rsi),%rsi\nmovl %edi,%edi\n"
     "leaq (%r15,%rdi),%rdi\nrep movsq\n.bundle_unlock\nmovl %esi,%esi\nmovl %edi,%edi\n"},
    {"string store", "stosb", nullptr,
     ".bundle_lock\nmovl %edi,%edi\nleaq (%r15,%rdi),%rdi\nstosb\n.bundle_unlock\nmovl "
     "%edi,%edi\n"},
    {"bit test by register", "btl %eax, %edx", nullptr,
     "movq %rdx,%r11\nxchgq %rax,%rcx\nshrl %cl,%r11d\nxchgq %rax,%rcx\nbtq $0,%r11\n"},
    {"thread-local variable is an ordinary one", "movl %fs:g@tpoff, %eax", nullptr,
     "movl g(%rip),%eax\n"},
    {"thread pointer is zero", "movl %fs:0, %eax", nullptr, "movl $0,%eax\n"},
    {"landing instruction is dropped", "endbr64", nullptr, ""},
};

// The output without the leading directive, tabs as blanks, one instruction a line.
std::string Plain(const std::string& text) {
  std::istringstream lines(text);
  std::string line, plain;
  while (std::getline(lines, line)) {
    if (line == "\t.bundle_align_mode 5") continue;
    if (!line.empty() && line[0] == '\t') line.erase(0, 1);
    for (char& c : line) {
      if (c == '\t') c = ' ';
    }
    plain += line + "\n";
  }
  return plain;
}

std::string RewriteOrDie(const std::string& input, Profile profile) {
  std::string out;
  std::vector<Diagnostic> diagnostics;
  REQUIRE_MESSAGE(Rewrite(input, profile, &out, &diagnostics), input);
  return out;
}

std::string FirstRefusal(const std::string& input) {
  std::string out;
  std::vector<Diagnostic> diagnostics;
  if (Rewrite(input, Profile::kZvm, &out, &diagnostics)) return "accepted";
  return diagnostics.front().message;
}

std::vector<uint8_t> ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
}

// Assembles and returns the text section, padded with halts to a whole bundle.
std::vector<uint8_t> Assemble(const std::string& text) {
  char folder[] = "/tmp/zvm-rewriter-XXXXXX";
  REQUIRE(mkdtemp(folder) != nullptr);
  const std::string base = folder;
  std::ofstream(base + "/a.s") << text;
  const std::string command = "llvm-mc-16 -triple=x86_64-linux-gnu -filetype=obj -o " + base +
                              "/a.o " + base + "/a.s && llvm-objcopy-16 -O binary -j .text " +
                              base + "/a.o " + base + "/a.bin";
  REQUIRE(system(command.c_str()) == 0);
  std::vector<uint8_t> code = ReadBytes(base + "/a.bin");
  REQUIRE(system(("rm -r " + base).c_str()) == 0);
  while (code.size() % 32 != 0) code.push_back(0xF4);
  return code;
}

void CheckAccepted(const std::string& sandboxed, zvm::Profile profile) {
  const std::vector<uint8_t> code =
      Assemble(sandboxed + "\t.text\n\t.p2align 5\nf:\ng:\nt:\n\thlt\n");
  std::vector<uint8_t> scratch(ValidatorScratchBytes(code.size()));
  Violation violation{};
  ValidatorPolicy policy;
  policy.profile = profile;
  const Verdict verdict = Validate(code, policy, scratch, {&violation, 1});
  INFO("offset " << violation.offset << " rule " << static_cast<int>(violation.rule));
  CHECK(verdict.valid);
}

TEST_CASE("every row of the table is rewritten as written down") {
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    const std::string input = std::string("\t") + row.input + "\n";
    CHECK(Plain(RewriteOrDie(input, Profile::kNacl)) == row.nacl);
    CHECK(Plain(RewriteOrDie(input, Profile::kZvm)) == (row.zvm != nullptr ? row.zvm : row.nacl));
  }
}

TEST_CASE("the validator accepts every row in its profile") {
  std::string all;
  for (const Row& row : kRows) {
    std::string input = std::string("\t") + row.input + "\n";
    if (input.find(".L2") != std::string::npos) input.replace(input.find(".L2"), 3, ".L9");
    all += input;
  }
  CheckAccepted(RewriteOrDie(all, Profile::kNacl), zvm::Profile::kNacl);
  CheckAccepted(RewriteOrDie(all, Profile::kZvm), zvm::Profile::kZvm);
}

TEST_CASE("labels that indirect jumps reach start a bundle") {
  const std::string text =
      "\t.type f, @function\nf:\n\tjmp\t*%rax\n.L3:\n\tnop\n.L4:\n\tnop\n\t.section .rodata\n"
      ".L5:\n\t.long .L3\n\t.long .L5\n";
  const std::string out = RewriteOrDie(text, Profile::kZvm);
  CHECK(out.find("\t.p2align\t5\nf:") != std::string::npos);
  CHECK(out.find("\t.p2align\t5\n.L3:") != std::string::npos);
  CHECK(out.find("\t.p2align\t5\n.L4:") == std::string::npos);
  CHECK(out.find("\t.p2align\t5\n.L5:") == std::string::npos);
}

TEST_CASE("computed goto labels and landing pads start a bundle") {
  const std::string out = RewriteOrDie(
      "f:\n\tmovl\t$.L7, %eax\n.L7:\n\tnop\n.L8:\n\tnop\n\t.section .gcc_except_table\n"
      "\t.uleb128 .L8-.LFB0\n", Profile::kNacl);
  CHECK(out.find("\t.p2align\t5\n.L7:") != std::string::npos);
  CHECK(out.find("\t.p2align\t5\n.L8:") != std::string::npos);
}

TEST_CASE("flags that live across an indirect jump are refused, not lost") {
  const std::string table = "\t.section .rodata\n\t.long .L2\n";
  CHECK(FirstRefusal("f:\n\tcmpl\t$1,%edx\n\tjmp\t*%rax\n.L2:\n\tmovl\t$1,%eax\n\tja\t.L3\n.L3:\n" +
                     table) != "accepted");
  CHECK(FirstRefusal("f:\n\tjmp\t*%rax\n.L2:\n\taddsd\t%xmm0,%xmm1\n"
                     "\tcmovel\t%eax,%ecx\n" + table) != "accepted");
  CHECK(FirstRefusal("f:\n\tjmp\t*%rax\n.L2:\n\tcmpl\t$1,%edx\n\tja\t.L3\n.L3:\n" + table) ==
        "accepted");
}

TEST_CASE("what leaves the flags alone still does when it is rewritten") {
  const char* const neutral[] = {"popq %rbp", "leave", "leal -24(%rsp), %esp", "movl %ecx, %esp",
                                 "movq 16(%edi), %rsp", "movl %esp, %ebp", "movl (%eax), %ecx",
                                 "movl 4(%eax,%ebx,2), %ecx", "pushq %rbp", "rep movsl"};
  for (const char* text : neutral) {
    for (const Profile profile : {Profile::kZvm, Profile::kNacl}) {
      CAPTURE(text);
      std::string out = Plain(RewriteOrDie(std::string("\t") + text + "\n", profile));
      for (size_t at = 0; at < out.size(); at = out.find('\n', at) + 1) {
        const std::string mnemonic = out.substr(at, out.find_first_of(" \n", at) - at);
        CHECK(FlagUseOf(mnemonic) == FlagUse::kNone);
      }
    }
  }
}

TEST_CASE("a label that debug information measures from waits for the layout") {
  const std::string out = RewriteOrDie(
      "h:\n.LFB0:\n\tnop\n.LVL1:\n\taddl $4, %eax\n.LVL2:\n\tmovl (%eax), %ecx\n",
      Profile::kNacl);
  CHECK(out.find(".LFB0:\n\t.p2align\t0\n") != std::string::npos);
  CHECK(out.find(".LVL1:\n\t.p2align\t0\n") != std::string::npos);
  // Here the addition and the access share a group.
  CHECK(out.find(".LVL2:\n\t.p2align") == std::string::npos);
  CheckAccepted(out, zvm::Profile::kNacl);
}

TEST_CASE("alignment in code ends at the bundle, whose nops cannot cross it") {
  const std::string out =
      RewriteOrDie("\tnop\n\t.p2align 6\n\tnop\n\t.balign 64\n\tnop\n\t.p2align 4,,10\n\tnop\n"
                   "\t.data\n\t.p2align 6\n", Profile::kNacl);
  CHECK(Plain(out) == "nop\n.p2align 5\nnop\n.p2align 5\nnop\n.p2align 4,,10\nnop\n"
                      ".data\n.p2align 6\n");
  CheckAccepted(out, zvm::Profile::kNacl);
}

TEST_CASE("data is copied to the byte") {
  const std::string data = "\t.section\t.rodata.str1.1,\"aMS\",@progbits,1\n.LC0:\n"
                           "\t.string\t\"a;b # c \\\" (%eax) ret\"\n";
  CHECK(RewriteOrDie(data, Profile::kZvm).find("\t.string\t\"a;b # c \\\" (%eax) ret\"") !=
        std::string::npos);
}

TEST_CASE("thread-local sections become ordinary ones") {
  const std::string out = RewriteOrDie("\t.section\t.tbss,\"awT\",@nobits\nv:\n\t.zero 4\n",
                                       Profile::kZvm);
  CHECK(out.find(".bss,\"aw\",@nobits") != std::string::npos);
}

TEST_CASE("raw code is copied") {
  CHECK(Plain(RewriteOrDie("\t.zvm_raw on\n\tjmp *%r11\n\t.zvm_raw off\n", Profile::kZvm)) ==
        "jmp *%r11\n");
}

TEST_CASE("what the sandbox cannot do is refused") {
  const char* const refused[] = {
      "syscall", "int $3", "movl %eax, %r15d", "movl (%r11), %eax", "popq %rsp", "movw %ax, %sp",
      "xchgl %eax, %esp", "ret $8", "movl %gs:4, %eax", "shrx %eax, %ecx, %edx", "popfq",
      "btsl %eax, (%edx)", "cmovel %eax, %esp", "vpgatherdd %ymm0, (%eax,%ymm1,4), %ymm2"};
  for (const char* text : refused) {
    CAPTURE(text);
    CHECK(FirstRefusal(std::string("\t") + text + "\n") != "accepted");
  }
  CHECK(FirstRefusal("\t.text\n\t.long 5\n") != "accepted");
  CHECK(FirstRefusal("\t.data\n\tnop\n") != "accepted");
}

TEST_CASE("a refusal names the place in the source") {
  std::string out;
  std::vector<Diagnostic> diagnostics;
  const std::string text = "\t.text\n#APP\n# 12 \"dir/file.c\" 1\n\tsyscall\n# 0 \"\" 2\n#NO_APP\n";
  REQUIRE_FALSE(Rewrite(text, Profile::kZvm, &out, &diagnostics));
  CHECK(diagnostics.front().source_file == "dir/file.c");
  CHECK(diagnostics.front().source_line == 12);
  CHECK(diagnostics.front().asm_line == 4);
}

TEST_CASE("malformed text is refused, never fatal") {
  const char* const broken[] = {"movl (%eax", "movl ,,,,,,,,,", "movl (%eax,%ebx,4,5), %ecx",
                                "call",       "jmp *",          "leal %eax",
                                "bt",         "xchgl",          "rep",
                                "\"",         ".section",       "%",
                                "movl %fs:",  "movl (,), %eax", "push",
                                "pop",        "call *$5"};
  for (const char* text : broken) {
    CAPTURE(text);
    std::string out;
    std::vector<Diagnostic> diagnostics;
    (void)Rewrite(std::string("\t") + text, Profile::kZvm, &out, &diagnostics);
    (void)Rewrite(std::string("\t") + text + "\n", Profile::kNacl, &out, &diagnostics);
  }
}

}  // namespace
}  // namespace zvm::guest
