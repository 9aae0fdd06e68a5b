// Judges the text of a nexe exactly as the loader would see it, and measures how fast that goes.
#include "tools/validate_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "abi/layout.h"
#include "base/unique_fd.h"
#include "loader/elf_image.h"
#include "tools/validate_judge.h"
#include "validator/scan.h"

namespace zvm {
namespace {

constexpr size_t kViolationsMax = 65536;
constexpr uint64_t kFileMax = uint64_t{1} << 32;

int Unusable(const char* file, const char* what) {
  std::fprintf(stderr, "zvm-validate: %s: %s\n", file, what);
  return 2;
}

bool ReadFile(const char* path, std::vector<uint8_t>& bytes) {
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  struct stat info;
  if (!fd.valid() || fstat(fd.get(), &info) != 0) {
    return false;
  }
  if (!S_ISREG(info.st_mode) || static_cast<uint64_t>(info.st_size) > kFileMax) {
    errno = S_ISREG(info.st_mode) ? EFBIG : EINVAL;
    return false;
  }
  bytes.resize(static_cast<size_t>(info.st_size));
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t n = read(fd.get(), bytes.data() + filled, bytes.size() - filled);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      errno = n == 0 ? EIO : errno;
      return false;
    }
    filled += static_cast<size_t>(n);
  }
  return true;
}

// The text padded with halts as the loader pads it.
std::vector<uint8_t> PaddedText(const std::vector<uint8_t>& file, const NexeLayout& layout) {
  std::vector<uint8_t> text(static_cast<size_t>(layout.text_end - layout.text.start),
                            ZVM_HALT_BYTE);
  std::memcpy(text.data(), file.data() + layout.text.file_offset,
              static_cast<size_t>(layout.text.file_size_bytes));
  return text;
}

void PrintText(const Verdict& verdict, std::span<const Violation> violations) {
  if (verdict.valid) {
    std::puts(verdict.needed == Profile::kZvm ? "valid (needs profile zvm)" : "valid");
  }
  for (const Violation& violation : violations) {
    const RuleText& rule = kRules[static_cast<size_t>(violation.rule)];
    std::printf("0x%x %s %s\n", violation.offset, rule.name.data(), rule.reason.data());
  }
  if (violations.size() < verdict.violation_count) {
    std::fprintf(stderr, "zvm-validate: %llu more\n",
                 static_cast<unsigned long long>(verdict.violation_count - violations.size()));
  }
}

double MegabytesPerSecond(size_t size_bytes, std::chrono::nanoseconds time) {
  return static_cast<double>(size_bytes) * 1000.0 / static_cast<double>(std::max<int64_t>(
                                                        1, time.count()));
}

void PrintBench(const ValidateArguments& arguments, const char* path, size_t size_bytes,
                std::vector<std::chrono::nanoseconds>& times) {
  std::sort(times.begin(), times.end());
  const double min = MegabytesPerSecond(size_bytes, times.front());
  const double median = MegabytesPerSecond(size_bytes, times[times.size() / 2]);
  std::printf(arguments.json
                  ? "{\"path\":\"%s\",\"size_bytes\":%zu,\"runs\":%zu,\"min_mb_per_s\":%.1f,"
                    "\"median_mb_per_s\":%.1f}\n"
                  : "%s: %zu bytes, %zu runs: min %.1f MB/s, median %.1f MB/s\n",
              path, size_bytes, times.size(), min, median);
}

}  // namespace

int RunFile(const ValidateArguments& arguments) {
  std::vector<uint8_t> file;
  if (!ReadFile(arguments.file, file)) {
    return Unusable(arguments.file, std::strerror(errno));
  }
  Result<NexeLayout, LoadError> layout = ParseNexe(std::span<const uint8_t>(file));
  if (!layout.ok()) {
    const std::string what = std::string(LoadCodeName(layout.error().code)) + ": " +
                             std::string(LoadCodeReason(layout.error().code));
    return Unusable(arguments.file, what.c_str());
  }
  std::vector<uint8_t> text = PaddedText(file, layout.value());
  ChunkJudge judge(arguments);
  const Verdict verdict = judge.Judge(text, kViolationsMax);
  if (arguments.json) {
    std::string out;
    AppendVerdictJson(verdict, judge.violations(), nullptr, out);
    std::puts(out.c_str());
  } else {
    PrintText(verdict, judge.violations());
  }
  if (judge.difference() >= 0) {
    std::fprintf(stderr, "zvm-validate: paths disagree at offset 0x%llx\n",
                 static_cast<unsigned long long>(judge.difference()));
    return 1;
  }
  return verdict.valid ? 0 : 1;
}

int RunBench(const ValidateArguments& arguments) {
  std::vector<uint8_t> code;
  if (!ReadFile(arguments.file, code)) {
    return Unusable(arguments.file, std::strerror(errno));
  }
  Result<NexeLayout, LoadError> layout = ParseNexe(std::span<const uint8_t>(code));
  if (layout.ok()) {
    code = PaddedText(code, layout.value());
  } else {
    code.resize((code.size() + kBundleSize - 1) / kBundleSize * kBundleSize, ZVM_HALT_BYTE);
  }
  std::vector<uint8_t> scratch(ValidatorScratchBytes(code.size()));
  bool valid = true;
  for (const ValidatorPath path : {ValidatorPath::kExact, ValidatorPath::kFast}) {
    const bool exact = path == ValidatorPath::kExact;
    if (arguments.path != ValidatePath::kBoth &&
        exact != (arguments.path == ValidatePath::kExact)) {
      continue;
    }
    ValidatorPolicy policy = arguments.policy;
    policy.path = path;
    std::vector<std::chrono::nanoseconds> times;
    for (unsigned run = 0; run < arguments.runs; ++run) {
      const auto start = std::chrono::steady_clock::now();
      valid &= Validate(code, policy, scratch, {}).valid;
      times.push_back(std::chrono::steady_clock::now() - start);
    }
    PrintBench(arguments, exact ? "exact" : "fast", code.size(), times);
  }
  if (!valid) {
    std::fprintf(stderr, "zvm-validate: %s: refused, so this measures refusing\n", arguments.file);
  }
  return valid ? 0 : 1;
}

}  // namespace zvm
