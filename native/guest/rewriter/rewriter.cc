// Lines, labels, sections and directives; instructions go to the Translator. See rewriter.h.
#include "guest/rewriter/rewriter.h"

#include "guest/rewriter/flags.h"
#include "guest/rewriter/labels.h"
#include "guest/rewriter/translator.h"

namespace zvm::guest {
namespace {

constexpr size_t kSectionStackMax = 64;

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool IsColdPart(std::string_view label) { return label.find(".cold") != std::string_view::npos; }

// Labels that only debug information and unwind tables name: no jump arrives at them.
bool IsDebugLabel(std::string_view label) {
  return StartsWith(label, ".LVL") || StartsWith(label, ".LB") || StartsWith(label, ".LM");
}

uint32_t ToNumber(std::string_view text) {
  int64_t value = 0;
  return ParseNumber(text.substr(0, text.find_first_not_of("0123456789")), &value)
             ? static_cast<uint32_t>(value)
             : 0;
}

class Rewriter {
 public:
  Rewriter(std::string_view text, Profile profile, std::string* out,
           std::vector<Diagnostic>* diagnostics)
      : text_(text),
        targets_(CollectIndirectTargets(text)),
        translator_(profile, out),
        out_(out),
        diagnostics_(diagnostics) {}

  bool Run() {
    out_->reserve(out_->size() + text_.size() + text_.size() / 2);
    out_->append("\t.bundle_align_mode 5\n");
    std::string_view rest = text_;
    while (!rest.empty() && diagnostics_->size() < kDiagnosticsMax) {
      const size_t end = rest.find('\n');
      ++line_;
      RewriteLine(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    return diagnostics_->empty();
  }

 private:
  void RewriteLine(std::string_view line);
  void Statement(std::string_view statement);
  void Label(std::string_view name);
  bool CheckFlags(std::string_view statement);
  void Directive(std::string_view statement);
  void Section(std::string_view name, std::string_view rest);
  void Marker(std::string_view line);
  void Report(std::string_view message, std::string_view statement);
  void Copy(std::string_view statement) {
    out_->push_back('\t');
    out_->append(statement);
    out_->push_back('\n');
  }

  const std::string_view text_;
  const LabelSet targets_;
  Translator translator_;
  std::string* const out_;
  std::vector<Diagnostic>* const diagnostics_;

  uint32_t line_ = 0;
  bool code_ = true;   // the current section holds instructions
  bool check_flags_ = false;  // behind an indirect target, before flags were set
  bool raw_ = false;   // between .zvm_raw on and off
  bool inline_ = false;  // between #APP and #NO_APP
  std::vector<bool> section_stack_;
  bool previous_code_ = true;
  std::string prefix_;  // a prefix written as a statement of its own, waiting for its instruction

  // Where the program text comes from, for diagnostics.
  std::string_view marker_file_;
  uint32_t marker_line_ = 0;
  uint32_t marker_at_ = 0;  // line_ of the marker
  std::string_view location_;  // operands of the last .loc
};

// Finds the name that `.file N ["dir"] "name"` gave to file number `number`.
std::string_view FileName(std::string_view text, std::string_view number) {
  const std::string start = "\t.file " + std::string(number) + " ";
  const size_t at = text.find(start);
  if (at == std::string_view::npos) return {};
  std::string_view line = text.substr(at + start.size());
  line = line.substr(0, line.find('\n'));
  const size_t close = line.rfind('"');
  if (close == std::string_view::npos || close == 0) return {};
  const size_t open = line.rfind('"', close - 1);
  return open == std::string_view::npos ? line : line.substr(open + 1, close - open - 1);
}

void Rewriter::Report(std::string_view message, std::string_view statement) {
  Diagnostic diagnostic;
  diagnostic.asm_line = line_;
  diagnostic.message = std::string(message) + ": " + std::string(statement);
  if (marker_line_ != 0 && (inline_ || location_.empty())) {
    diagnostic.source_file = marker_file_;
    diagnostic.source_line = marker_line_ + (line_ - marker_at_ - 1);
  } else if (!location_.empty()) {
    const size_t blank = location_.find(' ');
    diagnostic.source_file = FileName(text_, location_.substr(0, blank));
    if (blank != std::string_view::npos) {
      diagnostic.source_line = ToNumber(location_.substr(blank + 1));
    }
  }
  diagnostics_->push_back(std::move(diagnostic));
}

// "#APP", "#NO_APP" and "# 12 "file.c" 1".
void Rewriter::Marker(std::string_view line) {
  if (line == "#APP") inline_ = true;
  if (line == "#NO_APP") inline_ = false;
  if (line.size() < 4 || line[1] != ' ' || line[2] < '0' || line[2] > '9') return;
  const size_t open = line.find('"');
  const size_t close = line.rfind('"');
  if (open == std::string_view::npos || close <= open) return;
  marker_line_ = ToNumber(line.substr(2));
  marker_file_ = line.substr(open + 1, close - open - 1);
  marker_at_ = line_;
}

void Rewriter::RewriteLine(std::string_view line) {
  line = Trim(line);
  if (line.empty()) return;
  if (line[0] == '#') return Marker(line);
  if (line[0] == '/' && line.size() > 1 && line[1] == '/') return;
  while (!line.empty()) {
    size_t comment_at = 0;
    const size_t length = StatementLength(line, &comment_at);
    const std::string_view statement = Trim(line.substr(0, comment_at));
    if (!statement.empty()) Statement(statement);
    if (length >= line.size()) break;
    line.remove_prefix(length + 1);
  }
}

void Rewriter::Statement(std::string_view statement) {
  for (std::string_view label = TakeLabel(&statement); !label.empty();
       label = TakeLabel(&statement)) {
    Label(label);
  }
  if (statement.empty()) return;
  if (statement[0] == '.' || statement.find_first_of("=") < statement.find_first_of("$%(")) {
    return Directive(statement);
  }
  if (raw_) return Copy(statement);
  if (!code_) return Report("instruction in a section that is not executable", statement);
  if (statement == "rep" || statement == "lock" || statement == "repe" || statement == "repne" ||
      statement == "repz" || statement == "repnz") {
    prefix_.append(statement).push_back(' ');
    return;
  }
  std::string joined;
  if (!prefix_.empty()) {
    joined = prefix_ + std::string(statement);
    prefix_.clear();
    statement = joined;
  }
  if (check_flags_ && !CheckFlags(statement)) {
    return Report("condition flags cannot live across an indirect jump, which masks its target",
                  statement);
  }
  const std::string_view refusal = translator_.Translate(statement);
  if (!refusal.empty()) Report(refusal, statement);
}

// The first instruction behind an indirect jump's target that has to do with flags must set them.
bool Rewriter::CheckFlags(std::string_view statement) {
  Instruction instruction;
  if (!ParseInstruction(statement, &instruction)) return true;  // refused by the translator
  const FlagUse use = FlagUseOf(instruction.mnemonic);
  if (use == FlagUse::kNone) return true;
  check_flags_ = false;
  return use == FlagUse::kSets;
}

void Rewriter::Label(std::string_view name) {
  const bool debug = IsDebugLabel(name);
  if (code_ && !raw_) {
    if (!debug) translator_.Barrier();
    if (targets_.Contains(name) && !IsColdPart(name)) {
      out_->append("\t.p2align\t5\n");
      check_flags_ = true;
    }
  }
  out_->append(name).append(":\n");
  // The assembler would compute the length of a call site, of a function or of a variable's range
  // without the padding that bundles add; an alignment makes it wait for the layout. It cannot
  // stand inside a bundle that the next access may begin with the last instruction.
  if (code_ && (StartsWith(name, ".LEHB") || StartsWith(name, ".LF") || debug) &&
      !translator_.LastMayMove()) {
    out_->append("\t.p2align\t0\n");
  }
}

void Rewriter::Section(std::string_view name, std::string_view rest) {
  const size_t comma = rest.find(',');
  const std::string_view section = Trim(rest.substr(0, comma));
  std::string_view flags;
  const size_t open = rest.find('"', comma == std::string_view::npos ? rest.size() : comma);
  if (open != std::string_view::npos)
    flags = rest.substr(open + 1, rest.find('"', open + 1) - open - 1);
  previous_code_ = code_;
  code_ = IsCodeSection(section, flags);
  if (!StartsWith(section, ".tbss") && !StartsWith(section, ".tdata")) {
    return Copy(std::string(name).append("\t").append(rest));
  }
  // One thread: thread-local data is ordinary data.
  std::string edited(rest);
  const size_t thread_flag = edited.find('T', edited.find('"'));
  if (thread_flag != std::string::npos) edited.erase(thread_flag, 1);
  edited.erase(1, 1);
  Copy(std::string(name).append("\t").append(edited));
}

// The assembler fills an alignment beyond a bundle with nops that cross bundles.
bool IsBeyondBundle(std::string_view name, std::string_view rest) {
  int64_t amount = 0;
  if (!ParseNumber(Trim(rest.substr(0, rest.find(','))), &amount)) return false;
  if (name == ".p2align") return amount > 5;
  return (name == ".align" || name == ".balign") && amount > 32;
}

void Rewriter::Directive(std::string_view statement) {
  const size_t blank = statement.find_first_of(" \t");
  const std::string_view name = statement.substr(0, blank);
  const std::string_view rest =
      blank == std::string_view::npos ? std::string_view() : Trim(statement.substr(blank));
  if (name == ".zvm_raw") {
    raw_ = rest == "on";
    return translator_.Barrier();
  }
  if (name == ".loc") {
    location_ = rest;
    return Copy(statement);
  }
  if (name == ".section") return Section(name, rest);
  if (name == ".pushsection") {
    if (section_stack_.size() == kSectionStackMax)
      return Report("sections nest too deep", statement);
    section_stack_.push_back(code_);
    return Section(name, rest);
  }
  if (name == ".popsection" && !section_stack_.empty()) {
    code_ = section_stack_.back();
    section_stack_.pop_back();
  } else if (name == ".previous") {
    std::swap(code_, previous_code_);
  } else if (name == ".text" || name == ".data" || name == ".bss") {
    previous_code_ = code_;
    code_ = name == ".text";
  }
  if (code_ && !raw_) {
    static constexpr std::string_view kData[] = {".byte",  ".word",   ".value", ".long",  ".int",
                                                 ".quad",  ".string", ".ascii", ".asciz", ".zero",
                                                 ".space", ".skip",   ".2byte", ".4byte", ".8byte",
                                                 ".octa",  ".fill",   ".short"};
    for (const std::string_view data : kData) {
      if (name == data) return Report("data in an executable section", statement);
    }
  }
  if (code_ && IsBeyondBundle(name, rest)) return Copy(".p2align\t5");
  static constexpr std::string_view kRefused[] = {".macro", ".rept",     ".irp",
                                                  ".irpc",  ".code32", ".intel_syntax"};
  for (const std::string_view refused : kRefused) {
    if (name == refused) return Report("directive not supported", statement);
  }
  // State changes of the unwind table are offsets too: see Label().
  if (StartsWith(name, ".cfi_") && code_) {
    translator_.Barrier();
    if (name != ".cfi_startproc" && name != ".cfi_endproc" && name != ".cfi_sections" &&
        name != ".cfi_personality" && name != ".cfi_lsda") {
      out_->append("\t.p2align\t0\n");
    }
  }
  Copy(statement);
}

}  // namespace

bool Rewrite(std::string_view text, Profile profile, std::string* out,
             std::vector<Diagnostic>* diagnostics) {
  diagnostics->clear();
  return Rewriter(text, profile, out, diagnostics).Run();
}

}  // namespace zvm::guest
