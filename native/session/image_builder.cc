#include "session/image_builder.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/check.h"
#include "base/guest_addr.h"
#include "channel/digest.h"
#include "sandbox/address_space.h"
#include "session/peak_memory.h"

namespace zvm {
namespace {

constexpr size_t kBlockSizeBytes = 128 * 1024;

class DescriptorFile final : public NexeFile {
 public:
  DescriptorFile(int fd, uint64_t size) : fd_(fd), size_(size) {}
  uint64_t size_bytes() const override { return size_; }
  bool ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
    if (offset > size_ || out.size() > size_ - offset) {
      return false;
    }
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t got =
          pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got <= 0) {
        return false;
      }
      done += static_cast<size_t>(got);
    }
    return true;
  }

 private:
  int fd_;
  uint64_t size_;
};

// The program file, and a record of what the loader has looked at: its headers. They are read once
// more with the rest of the file, so whoever lays it out compares.
class RecordedFile final : public NexeFile {
 public:
  explicit RecordedFile(const NexeFile& file) : file_(file) {}
  uint64_t size_bytes() const override { return file_.size_bytes(); }
  bool ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
    if (!file_.ReadAt(offset, out)) {
      return false;
    }
    ZVM_CHECK(count_ < kPiecesMax && out.size() <= sizeof bytes_ - used_);
    std::memcpy(bytes_ + used_, out.data(), out.size());
    pieces_[count_++] = {offset, out.size(), used_};
    used_ += out.size();
    return true;
  }
  // Reads what the record has no room for.
  bool ReadBlock(uint64_t offset, std::span<uint8_t> out) const {
    return file_.ReadAt(offset, out);
  }
  // False when `block`, read at `offset`, differs from what the loader saw there.
  bool Agrees(uint64_t offset, std::span<const uint8_t> block) const;

 private:
  // File header and program headers, as elf_image.cc reads them.
  static constexpr size_t kPiecesMax = 2;
  static constexpr size_t kBytesMax = 64 + 128 * 56;
  struct Piece {
    uint64_t offset;
    size_t size, at;
  };

  const NexeFile& file_;
  mutable Piece pieces_[kPiecesMax] = {};
  mutable size_t count_ = 0, used_ = 0;
  mutable uint8_t bytes_[kBytesMax];
};

// What two ranges of a file have in common; empty: start >= end.
struct Overlap {
  uint64_t start, end;
};
Overlap OverlapOf(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) {
  return {std::max(a, b), std::min(a + a_size, b + b_size)};
}

bool RecordedFile::Agrees(uint64_t offset, std::span<const uint8_t> block) const {
  for (size_t i = 0; i < count_; ++i) {
    const Piece& piece = pieces_[i];
    const Overlap both = OverlapOf(piece.offset, piece.size, offset, block.size());
    if (both.start < both.end &&
        std::memcmp(bytes_ + piece.at + (both.start - piece.offset),
                    block.data() + (both.start - offset), both.end - both.start) != 0) {
      return false;
    }
  }
  return true;
}

// A part of the image file, mapped for writing. Unmapped before sealing: a seal against writing
// needs that, and the validator's verdict stays true because of it.
class ImagePart {
 public:
  ImagePart(int image_fd, uint64_t start, uint64_t size) : size_(size) {
    void* const got = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                           image_fd, static_cast<off_t>(start));
    data_ = got == MAP_FAILED ? nullptr : static_cast<uint8_t*>(got);
  }
  ~ImagePart() {
    if (data_ != nullptr) {
      munmap(data_, size_);
    }
  }
  ImagePart(const ImagePart&) = delete;
  ImagePart& operator=(const ImagePart&) = delete;

  bool valid() const { return data_ != nullptr; }
  std::span<uint8_t> bytes() const { return {data_, size_}; }

 private:
  uint8_t* data_;
  uint64_t size_;
};

class Builder {
 public:
  Builder(const NexeFile& program, int image_fd, const PrepareOptions& options)
      : program_(program), image_fd_(image_fd), options_(options) {}

  bool Build(PrepareFailure& problem);

 private:
  bool Parse(PrepareFailure& problem);
  bool CopyProgram(PrepareFailure& problem);
  bool CopySegment(const NexeSegment& segment, uint64_t block_at, std::span<const uint8_t> block);
  bool FinishText(PrepareFailure& problem);
  bool Judge(std::span<uint8_t> text, PrepareFailure& problem);
  bool Write(const void* data, size_t size, uint64_t offset);

  const RecordedFile program_;
  const int image_fd_;
  const PrepareOptions& options_;
  ImageHeader header_;
};

bool Fail(PrepareFailure& problem, int status, std::string_view code, std::string_view text) {
  problem.failure = MakeFailure(status, code, text);
  return false;
}

bool Builder::Write(const void* data, size_t size, uint64_t offset) {
  return pwrite(image_fd_, data, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

// The part of `block` that belongs to `segment` goes to its place in the image.
bool Builder::CopySegment(const NexeSegment& segment, uint64_t block_at,
                          std::span<const uint8_t> block) {
  const Overlap both =
      OverlapOf(segment.file_offset, segment.file_size_bytes, block_at, block.size());
  return both.start >= both.end ||
         Write(block.data() + (both.start - block_at), both.end - both.start,
               segment.start + (both.start - segment.file_offset));
}

// SAFETY: every byte is read once; what is hashed is what is laid out, whatever happens to the file
// meanwhile. The headers, which the loader has read before, must still be the same.
bool Builder::CopyProgram(PrepareFailure& problem) {
  static uint8_t buffer[kBlockSizeBytes];
  Digest digest(DigestAlgorithm::kSha256);
  const NexeLayout& layout = header_.layout;
  for (uint64_t at = 0; at < program_.size_bytes(); at += kBlockSizeBytes) {
    const uint64_t take = std::min<uint64_t>(program_.size_bytes() - at, kBlockSizeBytes);
    const std::span<uint8_t> block(buffer, take);
    if (!program_.ReadBlock(at, block)) {
      return Fail(problem, EIO, "program-read-failed", "cannot read the program");
    }
    if (!program_.Agrees(at, block)) {
      return Fail(problem, EIO, "program-changed", "the program changed while it was read");
    }
    digest.Update(block.data(), block.size());
    if (!CopySegment(layout.text, at, block) || !CopySegment(layout.rodata, at, block) ||
        !CopySegment(layout.data, at, block)) {
      return Fail(problem, ENOMEM, "prepare-no-memory", "no memory for the image");
    }
  }
  const DigestText text = digest.Value();
  std::memcpy(header_.nexe_sha256_hex, text.text, sizeof header_.nexe_sha256_hex);
  return true;
}

// Judges the bytes where they will stay. What the validator rewrites for this processor is
// rewritten in the image.
bool Builder::Judge(std::span<uint8_t> text, PrepareFailure& problem) {
  const size_t scratch_size = ValidatorScratchBytes(text.size());
  void* const scratch = mmap(nullptr, scratch_size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (scratch == MAP_FAILED) {
    return Fail(problem, ENOMEM, "prepare-no-memory", "no memory for the validator");
  }
  const Verdict verdict =
      RewriteAndValidate(text, options_.policy, {static_cast<uint8_t*>(scratch), scratch_size},
                         problem.violations);
  header_.profile_needed = static_cast<uint32_t>(verdict.needed);
  problem.validated = true;
  problem.profile_needed = verdict.needed;
  problem.violation_count = verdict.violation_count;
  return verdict.valid ||
         Fail(problem, ENOEXEC, "validation-failed", "validation failed");
}

bool Builder::Parse(PrepareFailure& problem) {
  auto layout = ParseNexe(program_);
  if (!layout.ok()) {
    const LoadCode code = layout.error().code;
    return Fail(problem, LoadCodeStatus(code), LoadCodeName(code), LoadCodeReason(code));
  }
  header_.layout = layout.value();
  // Before anything is laid out: a session that cannot hold the program must not pay for it.
  if (options_.memory_bytes) {
    problem.failure = AddressSpace::CheckMemory(header_.layout, *options_.memory_bytes);
    return !problem.failure.failed();
  }
  return true;
}

// Puts trampolines before and halts behind the text and has it judged.
bool Builder::FinishText(PrepareFailure& problem) {
  ImagePart part(image_fd_, ZVM_TRAMPOLINE_START, header_.layout.text_end - ZVM_TRAMPOLINE_START);
  if (!part.valid()) {
    return Fail(problem, ENOMEM, "prepare-no-memory", "no memory for the image");
  }
  constexpr size_t kTextAt = ZVM_TEXT_START - ZVM_TRAMPOLINE_START;
  WriteTrampolines(part.bytes().first(kTextAt));
  const std::span<uint8_t> code = part.bytes().subspan(kTextAt);
  std::fill(code.begin() + static_cast<ptrdiff_t>(header_.layout.text.file_size_bytes), code.end(),
            uint8_t{ZVM_HALT_BYTE});
  return options_.skip_validation || Judge(code, problem);
}

bool Builder::Build(PrepareFailure& problem) {
  if (!Parse(problem)) {
    return false;
  }
  if (ftruncate(image_fd_, static_cast<off_t>(ImageSizeBytes(header_.layout))) != 0) {
    return Fail(problem, errno, "prepare-no-memory", "no memory for the image");
  }
  if (!CopyProgram(problem) || !FinishText(problem)) {
    return false;
  }
  StampPolicy(options_.policy, header_);
  if (!Write(&header_, sizeof header_, 0)) {
    return Fail(problem, errno, "prepare-no-memory", "no memory for the image");
  }
  problem.failure = SealImage(image_fd_);
  return !problem.failure.failed();
}

// For what a builder allocates besides the validator's scratch memory.
constexpr uint64_t kBuilderDataSlackBytes = 16 << 20;

}  // namespace

LockdownLimits BuilderBackstops(const PrepareOptions& options, uint64_t program_size) {
  LockdownLimits limits;
  // An image ends below the stack, and below the end of the session's memory.
  limits.file_size_bytes = ZVM_STACK_START;
  if (options.memory_bytes) {
    const auto memory = static_cast<uint64_t>(std::max<int64_t>(*options.memory_bytes, 0));
    limits.file_size_bytes =
        std::clamp<uint64_t>(memory, ZVM_TEXT_START, limits.file_size_bytes);
  }
  const uint64_t data = DataBytesOfThisProcess();
  if (data != 0) {
    // The text is padded by less than two pages.
    const uint64_t text = std::min(program_size, kValidatorChunkMax - 2 * ZVM_MAP_PAGE_SIZE_BYTES) +
                          2 * ZVM_MAP_PAGE_SIZE_BYTES;
    limits.data_bytes = data + ValidatorScratchBytes(text) + kBuilderDataSlackBytes;
  }
  return limits;
}

void BuildImage(const NexeFile& program, int image_fd, const PrepareOptions& options,
                BuildAnswer& answer) {
  answer.built = Builder(program, image_fd, options).Build(answer.problem);
  answer.finished = true;
}

void BuildImage(int program_fd, uint64_t program_size, int image_fd,
                const PrepareOptions& options, BuildAnswer& answer) {
  BuildImage(DescriptorFile(program_fd, program_size), image_fd, options, answer);
}

}  // namespace zvm
