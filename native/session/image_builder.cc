#include "session/image_builder.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/guest_addr.h"
#include "channel/digest.h"

namespace zvm {
namespace {

constexpr size_t kHashBlockSizeBytes = 128 * 1024;

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
  Builder(const DescriptorFile& program, int image_fd, const PrepareOptions& options)
      : program_(program), image_fd_(image_fd), options_(options) {}

  bool Build(PrepareFailure& problem);

 private:
  bool LayOutText();
  bool LayOutSegment(const NexeSegment& segment);
  bool Judge(std::span<uint8_t> text, PrepareFailure& problem);
  bool HashProgram();
  bool Write(const void* data, size_t size, uint64_t offset);

  const DescriptorFile& program_;
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

bool Builder::LayOutSegment(const NexeSegment& segment) {
  if (segment.file_size_bytes == 0) {
    return true;
  }
  ImagePart part(image_fd_, segment.start, segment.file_size_bytes);
  return part.valid() && program_.ReadAt(segment.file_offset, part.bytes());
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

bool Builder::HashProgram() {
  static uint8_t block[kHashBlockSizeBytes];
  Digest digest(DigestAlgorithm::kSha256);
  for (uint64_t at = 0; at < program_.size_bytes(); at += kHashBlockSizeBytes) {
    const uint64_t take = std::min<uint64_t>(program_.size_bytes() - at, kHashBlockSizeBytes);
    if (!program_.ReadAt(at, {block, take})) {
      return false;
    }
    digest.Update(block, take);
  }
  const DigestText text = digest.Value();
  std::memcpy(header_.nexe_sha256_hex, text.text, sizeof header_.nexe_sha256_hex);
  return true;
}

bool Builder::Build(PrepareFailure& problem) {
  auto layout = ParseNexe(program_);
  if (!layout.ok()) {
    const LoadCode code = layout.error().code;
    return Fail(problem, LoadCodeStatus(code), LoadCodeName(code), LoadCodeReason(code));
  }
  header_.layout = layout.value();
  const NexeSegment& text = header_.layout.text;
  const uint64_t size = ImageSizeBytes(header_.layout);
  if (ftruncate(image_fd_, static_cast<off_t>(size)) != 0) {
    return Fail(problem, errno, "prepare-no-memory", "no memory for the image");
  }
  {
    ImagePart part(image_fd_, ZVM_TRAMPOLINE_START, header_.layout.text_end - ZVM_TRAMPOLINE_START);
    if (!part.valid()) {
      return Fail(problem, ENOMEM, "prepare-no-memory", "no memory for the image");
    }
    constexpr size_t kTextAt = ZVM_TEXT_START - ZVM_TRAMPOLINE_START;
    WriteTrampolines(part.bytes().first(kTextAt));
    const std::span<uint8_t> code = part.bytes().subspan(kTextAt);
    if (!program_.ReadAt(text.file_offset, code.first(text.file_size_bytes))) {
      return Fail(problem, EIO, "program-read-failed", "cannot read the program");
    }
    std::fill(code.begin() + static_cast<ptrdiff_t>(text.file_size_bytes), code.end(),
              uint8_t{ZVM_HALT_BYTE});
    if (!options_.skip_validation && !Judge(code, problem)) {
      return false;
    }
  }
  if (!LayOutSegment(header_.layout.rodata) || !LayOutSegment(header_.layout.data) ||
      !HashProgram()) {
    return Fail(problem, EIO, "program-read-failed", "cannot read the program");
  }
  if (!Write(&header_, sizeof header_, 0)) {
    return Fail(problem, errno, "prepare-no-memory", "no memory for the image");
  }
  problem.failure = SealImage(image_fd_);
  return !problem.failure.failed();
}

}  // namespace

void BuildImage(int program_fd, uint64_t program_size, int image_fd,
                const PrepareOptions& options, BuildAnswer& answer) {
  const DescriptorFile program(program_fd, program_size);
  answer.built = Builder(program, image_fd, options).Build(answer.problem);
  answer.finished = true;
}

}  // namespace zvm
