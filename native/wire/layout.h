// The frames between the service and its workers, byte for byte as docs/wire.md tells them. Plain
// data: whoever reads one has copied it out of the socket first and checks it in frame_reader.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace zvm {

inline constexpr uint32_t kWireMagic = 0x574D565A;  // "ZVMW"
inline constexpr uint16_t kWireVersion = 1;

inline constexpr size_t kFrameSizeMax = 64 * 1024;
inline constexpr size_t kFrameDescriptorsMax = 253;  // SCM_MAX_FD of the kernel
inline constexpr size_t kWireChannelsMax = 252;      // each needs a descriptor beside the image
inline constexpr size_t kWireSourcesMax = 16;
inline constexpr size_t kWireAliasSizeMax = 8192;
inline constexpr size_t kWireViolationsMax = 16;

static_assert(std::endian::native == std::endian::little, "frames are little-endian structs");

enum class FrameType : uint16_t {
  kHello = 1,
  kPrepare = 2,
  kPrepared = 3,
  kStart = 4,
  kReport = 5,
  kRefusal = 6,
  kOutput = 7,
  kStarts = 8,
  kReports = 9,
};

enum class WorkerRole : uint8_t { kPrepare = 0, kSession = 1 };

// Why a frame is refused.
enum class FrameError : uint32_t {
  kNone = 0,
  kTruncated,
  kSize,
  kMagic,
  kVersion,
  kType,
  kDescriptors,
  kReserved,
  kField,
};
inline constexpr size_t kFrameErrorCount = 9;

inline constexpr std::string_view kFrameErrorNames[kFrameErrorCount] = {
    "none",       "frame-truncated",   "frame-size",     "frame-magic", "frame-version",
    "frame-type", "frame-descriptors", "frame-reserved", "frame-field"};

constexpr std::string_view FrameErrorName(FrameError error) {
  return kFrameErrorNames[static_cast<size_t>(error)];
}

struct WireHeader {
  uint32_t magic = kWireMagic;
  uint16_t version = kWireVersion;
  uint16_t type = 0;
  uint32_t size_bytes = 0;
  uint16_t fd_count = 0;
  uint16_t reserved = 0;
  uint64_t session_id = 0;
};
static_assert(sizeof(WireHeader) == 24);
static_assert(offsetof(WireHeader, type) == 6);
static_assert(offsetof(WireHeader, fd_count) == 12);
static_assert(offsetof(WireHeader, session_id) == 16);

// Bits of WireHello::walls.
enum WireWall : uint32_t {
  kWallSeccomp = 1,
  kWallPrivileges = 2,
  kWallLandlock = 4,
  kWallNotDumpable = 8,
  kWallRlimits = 16,
  kWallParentDeath = 32,
};

struct WireHello {
  WireHeader header;
  uint32_t pid = 0;
  uint8_t role = 0;
  uint8_t tasks_max = 1;
  uint16_t reserved_30 = 0;
  uint32_t image_version = 0;
  uint32_t walls = 0;
  uint32_t cpu_features = 0;
  uint32_t reserved_44 = 0;
  uint64_t setup_us = 0;
  uint64_t reserved_56 = 0;
};
static_assert(sizeof(WireHello) == 64);
static_assert(offsetof(WireHello, image_version) == 32);
static_assert(offsetof(WireHello, setup_us) == 48);

struct WirePrepare {
  WireHeader header;
  uint8_t profile = 0;
  uint8_t reserved[7] = {};
};
static_assert(sizeof(WirePrepare) == 32);

struct WireViolation {
  uint32_t offset = 0;
  char rule[28] = {};
};
static_assert(sizeof(WireViolation) == 32);

struct WirePrepared {
  WireHeader header;
  uint8_t valid = 0;
  uint8_t validated = 0;
  uint8_t profile_needed = 0;
  uint8_t reserved_27 = 0;
  int32_t status = 0;
  uint64_t violation_count = 0;
  uint64_t program_size_bytes = 0;
  uint16_t violations_kept = 0;
  uint16_t code_size = 0;
  uint16_t message_size = 0;
  uint16_t reserved_54 = 0;
  char sha256_hex[64] = {};
  uint64_t reserved_120 = 0;
};
static_assert(sizeof(WirePrepared) == 128);
static_assert(offsetof(WirePrepared, status) == 28);
static_assert(offsetof(WirePrepared, violations_kept) == 48);
static_assert(offsetof(WirePrepared, sha256_hex) == 56);

// Bits of WireStart::flags.
inline constexpr uint32_t kStartMemoryEtag = 1;
inline constexpr uint32_t kStartJob = 2;
// No image travels with the frame: the worker has it mapped from a session before.
inline constexpr uint32_t kStartMappedImage = 4;
// The session ends at its checkpoint and writes a snapshot to the descriptor behind the image's.
inline constexpr uint32_t kStartMakeSnapshot = 8;
// It starts from a snapshot: the descriptor behind the image's, or, with kStartMappedImage, the one
// that the worker has mapped from a session before.
inline constexpr uint32_t kStartSnapshot = 16;
inline constexpr uint32_t kStartFlags = kStartMemoryEtag | kStartJob | kStartMappedImage |
                                        kStartMakeSnapshot | kStartSnapshot;

struct WireStart {
  WireHeader header;
  int64_t memory_bytes = 0;
  uint64_t wall_ms = 0;
  uint64_t cpu_ms = 0;
  uint16_t channel_count = 0;
  uint8_t profile = 0;
  uint8_t etag_algorithm = 0;
  uint32_t flags = 0;
  // With kStartSnapshot: the owner's name for the snapshot. Else with kStartMappedImage: the first
  // bytes of the SHA-256 of the program that is meant.
  uint8_t program_check[8] = {};
};
static_assert(sizeof(WireStart) == 64);
static_assert(offsetof(WireStart, channel_count) == 48);
static_assert(offsetof(WireStart, flags) == 52);

inline constexpr uint8_t kChannelEtag = 1;  // flag of WireChannel and WireReportChannel
// Flags of WireChannel: no descriptor. The input stands in this frame, or the output travels in
// `output` frames and the report; the output is dropped.
inline constexpr uint8_t kChannelInline = 2;
inline constexpr uint8_t kChannelDiscard = 4;
inline constexpr uint8_t kChannelFlags = kChannelEtag | kChannelInline | kChannelDiscard;

struct WireChannel {
  uint16_t alias_size = 0;
  uint8_t type = 0;
  uint8_t flags = 0;
  uint8_t source_count = 0;
  uint8_t reserved_5[3] = {};
  int64_t reads = 0;
  int64_t read_bytes = 0;
  int64_t writes = 0;
  int64_t write_bytes = 0;
  uint32_t inline_size = 0;  // with kChannelInline: bytes of the input
  uint32_t reserved_44 = 0;
};
static_assert(sizeof(WireChannel) == 48);
static_assert(offsetof(WireChannel, reads) == 8);

// Bits of WireReport::flags.
inline constexpr uint32_t kReportAnyEtag = 1;
// The worker goes on and keeps this session's image mapped: kStartMappedImage may name it.
inline constexpr uint32_t kReportImageMapped = 2;
// The snapshot that the start frame asked for is complete. The owner seals it before it gives it
// to anybody.
inline constexpr uint32_t kReportSnapshotMade = 4;

struct WireReport {
  WireHeader header;
  uint8_t outcome = 0;
  uint8_t validator = 0;
  uint8_t profile_needed = 0;
  uint8_t etag_algorithm = 0;
  int32_t exit_code = 0;
  int32_t status = 0;
  uint32_t fault_signal = 0;
  uint32_t fault_address = 0;
  uint32_t flags = 0;
  uint64_t wall_us = 0;
  uint64_t user_cpu_us = 0;
  uint64_t system_cpu_us = 0;
  uint64_t memory_bytes = 0;
  uint64_t peak_memory_bytes = 0;
  uint64_t accounting[8] = {};
  uint16_t channel_count = 0;
  uint16_t reason_size = 0;
  uint16_t state_size = 0;
  uint8_t memory_digest_size = 0;
  uint8_t reserved_159 = 0;
  char memory_digest[64] = {};
  char program_sha256_hex[64] = {};
  uint32_t output_size = 0;  // records of inline outputs behind the texts
  uint32_t reserved_292 = 0;
  uint64_t reserved_296 = 0;
};
static_assert(sizeof(WireReport) == 304);
static_assert(offsetof(WireReport, wall_us) == 48);
static_assert(offsetof(WireReport, accounting) == 88);
static_assert(offsetof(WireReport, channel_count) == 152);
static_assert(offsetof(WireReport, memory_digest) == 160);
static_assert(offsetof(WireReport, program_sha256_hex) == 224);

struct WireReportChannel {
  uint16_t start_index = 0;
  uint8_t type = 0;
  uint8_t flags = 0;
  uint8_t digest_size = 0;
  uint8_t reserved_5[3] = {};
  int64_t reads = 0;
  int64_t read_bytes = 0;
  int64_t writes = 0;
  int64_t write_bytes = 0;
  char digest[64] = {};
  uint64_t reserved_104 = 0;
};
static_assert(sizeof(WireReportChannel) == 112);
static_assert(offsetof(WireReportChannel, digest) == 40);

// A piece of an inline output: this, then the bytes. In `output` frames behind the header and in
// reports behind the texts, in the order in which the guest wrote them.
struct WireOutputRecord {
  uint16_t channel = 0;  // in the start frame
  uint16_t reserved = 0;
  uint32_t size_bytes = 0;
};
static_assert(sizeof(WireOutputRecord) == 8);

struct WireRefusal {
  WireHeader header;
  uint32_t reason = 0;
  uint16_t name_size = 0;
  uint16_t reserved_30 = 0;
};
static_assert(sizeof(WireRefusal) == 32);

// The longest report: every channel, reason and state (each shorter than a kilobyte).
inline constexpr size_t kWireReportTextMax = 2048;
// Records of inline outputs in one frame.
inline constexpr size_t kWireOutputMax = 32 * 1024;
inline constexpr size_t kWireReportMax =
    sizeof(WireReport) + kWireChannelsMax * sizeof(WireReportChannel) + kWireReportTextMax +
    kWireOutputMax;
static_assert(sizeof(WireHeader) + kWireReportMax <= kFrameSizeMax);

}  // namespace zvm
