// The system calls that remain after lockdown, as data: rules a reviewer can read (policy.cc), and
// the small assembler that turns them into seccomp BPF while this library is compiled. Must never
// grow a second default: what no rule names kills the process.
//
// Why not libseccomp: this program lies in .rodata, so nothing is allocated, built or checked at
// run time on the one path that must not fail, and the table is short enough to be its own
// documentation.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/check.h"
#include "lockdown/lockdown.h"

namespace zvm {

// One condition on one argument; all 64 bits are looked at.
struct ArgCheck {
  enum class Kind : uint8_t {
    kNone,      // unused slot
    kOneOf,     // the argument is one of values[0, count)
    kNoBits,    // the argument has none of the bits of values[0]
    kInWindow,  // [argument, argument + next argument) lies in the 4 GiB at values[0] (a multiple)
  };
  Kind kind = Kind::kNone;
  uint8_t arg = 0;
  uint8_t count = 0;
  std::array<uint64_t, 3> values = {};
};

// A call that may be made. Without checks it is decided by its number alone, and the kernel keeps
// such verdicts in a bitmap: free of cost per call. Several rules with checks for one number are
// alternatives: one of them must hold.
struct PolicyRule {
  uint32_t number;
  std::string_view reason;
  std::array<ArgCheck, 3> checks = {};
};

std::span<const PolicyRule> PolicyRules(LockdownStage stage);
// The filter of a stage: a few hundred bytes of read-only data.
std::span<const sock_filter> PolicyProgram(LockdownStage stage);

// A filter in the making. Jumps to the two verdicts are marked and resolved at the end.
class PolicyAssembler {
 public:
  static constexpr size_t kInstructionsMax = 200;

  struct Program {
    std::array<sock_filter, kInstructionsMax> code = {};
    uint16_t size = 0;
  };

  static constexpr Program Assemble(std::span<const PolicyRule> rules) {
    PolicyAssembler a;
    // SAFETY: numbers mean other calls under other ABIs; i386 code (int 0x80) dies here. x32 calls
    // have this architecture but bit 30 set in their number, so that no rule matches them.
    a.Load(offsetof(seccomp_data, arch));
    a.Jump(BPF_JEQ, AUDIT_ARCH_X86_64, kNext, kKill);
    a.Load(offsetof(seccomp_data, nr));
    // Not needed for the verdict. The kernel tries the filter on every call number when it is
    // installed; this ends half of the tries at once (and the same for every unknown call).
    a.Jump(BPF_JGT, Highest(rules), kKill, kNext);
    for (const PolicyRule& rule : rules) {
      if (rule.checks[0].kind == ArgCheck::Kind::kNone) {
        a.Jump(BPF_JEQ, rule.number, kAllow, kNext);
      }
    }
    for (size_t i = 0; i < rules.size(); ++i) {
      if (rules[i].checks[0].kind != ArgCheck::Kind::kNone && FirstOf(rules, i) == i) {
        a.CheckedCall(rules, i);
      }
    }
    a.Finish();
    return a.program_;
  }

 private:
  static constexpr uint8_t kNext = 0;
  static constexpr uint8_t kOther = 0xFD;  // the next alternative: resolved by CheckedCall
  static constexpr uint8_t kAllow = 0xFE;  // resolved by Finish
  static constexpr uint8_t kKill = 0xFF;

  // The first rule with the number of rule `index`.
  static constexpr size_t FirstOf(std::span<const PolicyRule> rules, size_t index) {
    size_t first = 0;
    while (rules[first].number != rules[index].number) {
      ++first;
    }
    return first;
  }

  static constexpr size_t LastOf(std::span<const PolicyRule> rules, size_t index) {
    size_t last = rules.size() - 1;
    while (rules[last].number != rules[index].number) {
      --last;
    }
    return last;
  }

  static constexpr uint32_t Highest(std::span<const PolicyRule> rules) {
    uint32_t highest = 0;
    for (const PolicyRule& rule : rules) {
      highest = rule.number > highest ? rule.number : highest;
    }
    return highest;
  }

  constexpr void Emit(uint16_t code, uint8_t if_true, uint8_t if_false, uint32_t k) {
    ZVM_CHECK(program_.size < kInstructionsMax);
    program_.code[program_.size++] = {code, if_true, if_false, k};
  }
  constexpr void Load(size_t offset) {
    Emit(BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(offset));
  }
  constexpr void LoadLow(uint8_t arg) { Load(offsetof(seccomp_data, args) + arg * 8u); }
  constexpr void LoadHigh(uint8_t arg) { Load(offsetof(seccomp_data, args) + arg * 8u + 4u); }
  constexpr void Jump(uint16_t test, uint32_t k, uint8_t if_true, uint8_t if_false) {
    Emit(static_cast<uint16_t>(BPF_JMP | test | BPF_K), if_true, if_false, k);
  }
  static constexpr uint32_t High(uint64_t value) { return static_cast<uint32_t>(value >> 32); }
  static constexpr uint32_t Low(uint64_t value) { return static_cast<uint32_t>(value); }

  // `if (nr == number) { for each rule of the number: checks, on the first that fails the next
  // rule, or kill after the last; allow }`. The accumulator is spoilt only on paths that end in
  // here.
  constexpr void CheckedCall(std::span<const PolicyRule> rules, size_t first) {
    const uint16_t start = program_.size;
    Jump(BPF_JEQ, rules[first].number, kNext, kNext);
    const size_t last = LastOf(rules, first);
    for (size_t i = first; i <= last; ++i) {
      if (rules[i].number == rules[first].number) {
        otherwise_ = i == last ? kKill : kOther;
        Alternative(rules[i]);
      }
    }
    ZVM_CHECK(program_.size - start - 1 < kOther);
    program_.code[start].jf = static_cast<uint8_t>(program_.size - start - 1);
  }

  constexpr void Alternative(const PolicyRule& rule) {
    const uint16_t start = program_.size;
    ZVM_CHECK(rule.checks[0].kind != ArgCheck::Kind::kNone);
    for (const ArgCheck& check : rule.checks) {
      switch (check.kind) {
        case ArgCheck::Kind::kNone: break;
        case ArgCheck::Kind::kOneOf: OneOf(check); break;
        case ArgCheck::Kind::kNoBits: NoBits(check); break;
        case ArgCheck::Kind::kInWindow: InWindow(check); break;
      }
    }
    Emit(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
    for (uint16_t i = start; i < program_.size; ++i) {
      sock_filter& op = program_.code[i];
      const auto next = static_cast<uint8_t>(program_.size - i - 1);
      op.jt = op.jt == kOther ? next : op.jt;
      op.jf = op.jf == kOther ? next : op.jf;
    }
  }

  constexpr void OneOf(const ArgCheck& check) {
    ZVM_CHECK(check.count > 0 && check.count <= check.values.size());
    LoadHigh(check.arg);
    Jump(BPF_JEQ, 0, kNext, otherwise_);
    LoadLow(check.arg);
    for (uint8_t i = 0; i < check.count; ++i) {
      ZVM_CHECK(High(check.values[i]) == 0);
      const bool last = i + 1 == check.count;
      // A match jumps over the comparisons that are left.
      Jump(BPF_JEQ, Low(check.values[i]), static_cast<uint8_t>(check.count - 1 - i),
           last ? otherwise_ : kNext);
    }
  }

  constexpr void NoBits(const ArgCheck& check) {
    ZVM_CHECK(High(check.values[0]) == 0);
    LoadLow(check.arg);
    Jump(BPF_JSET, Low(check.values[0]), otherwise_, kNext);
  }

  constexpr void InWindow(const ArgCheck& check) {
    ZVM_CHECK(Low(check.values[0]) == 0);
    const uint8_t size_arg = check.arg + 1;
    LoadHigh(check.arg);
    Jump(BPF_JEQ, High(check.values[0]), kNext, otherwise_);
    LoadHigh(size_arg);
    Jump(BPF_JEQ, 0, kNext, otherwise_);
    LoadLow(size_arg);
    Emit(BPF_MISC | BPF_TAX, 0, 0, 0);
    LoadLow(check.arg);
    Emit(BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
    // SAFETY: the 32-bit sum is below the size exactly when it wrapped, i.e. the range leaves the
    // window; a sum of 0 is a range that ends at its very end (or is empty at its start).
    Jump(BPF_JEQ, 0, 1, kNext);
    Emit(BPF_JMP | BPF_JGE | BPF_X, kNext, otherwise_, 0);
  }

  constexpr void Finish() {
    const uint16_t kill = program_.size;
    Emit(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);
    const uint16_t allow = program_.size;
    Emit(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
    for (uint16_t i = 0; i < kill; ++i) {
      sock_filter& op = program_.code[i];
      if (BPF_CLASS(op.code) == BPF_JMP) {
        op.jt = Resolve(op.jt, i, kill, allow);
        op.jf = Resolve(op.jf, i, kill, allow);
      }
    }
  }

  static constexpr uint8_t Resolve(uint8_t jump, uint16_t at, uint16_t kill, uint16_t allow) {
    if (jump != kKill && jump != kAllow) {
      return jump;
    }
    return static_cast<uint8_t>((jump == kKill ? kill : allow) - at - 1);
  }

  Program program_;
  uint8_t otherwise_ = kKill;  // where a check that fails leads
};

}  // namespace zvm
