#include "channel/name_service.h"

namespace zvm {
namespace {

class Writer {
 public:
  explicit Writer(std::vector<uint8_t>& bytes) : bytes_(bytes) {}
  void U16(uint16_t value) {
    bytes_.push_back(static_cast<uint8_t>(value >> 8));
    bytes_.push_back(static_cast<uint8_t>(value));
  }
  void U32(uint32_t value) {
    U16(static_cast<uint16_t>(value >> 16));
    U16(static_cast<uint16_t>(value));
  }

 private:
  std::vector<uint8_t>& bytes_;
};

// The caller has checked that there are enough bytes.
class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint16_t U16() {
    const uint32_t value = uint32_t{bytes_[at_]} << 8 | bytes_[at_ + 1];
    at_ += 2;
    return static_cast<uint16_t>(value);
  }
  uint32_t U32() {
    const uint32_t high = U16();
    return high << 16 | U16();
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

// An address travels as it lies in memory.
uint32_t SwapBytes(uint32_t value) { return __builtin_bswap32(value); }

std::vector<uint8_t> Encode(const NameRecord& record, bool answer) {
  std::vector<uint8_t> bytes;
  const size_t size = kNameHeaderSize + record.binds.size() * kNameBindSize +
                      record.connects.size() * kNameConnectSize;
  if (size > kNameDatagramMax) {
    return bytes;
  }
  bytes.reserve(size);
  Writer out(bytes);
  out.U32(record.node);
  out.U32(static_cast<uint32_t>(record.binds.size()));
  out.U32(static_cast<uint32_t>(record.connects.size()));
  for (const NameBind& bind : record.binds) {
    out.U32(bind.peer);
    out.U16(bind.port);
  }
  for (const NameConnect& connect : record.connects) {
    out.U32(answer ? SwapBytes(connect.address) : connect.peer);
    out.U16(connect.port);
  }
  return bytes;
}

// True when `bytes` is exactly one record with these counts.
bool ReadHeader(std::span<const uint8_t> bytes, Reader& in, uint32_t* node, size_t* binds,
                size_t* connects) {
  if (bytes.size() < kNameHeaderSize || bytes.size() > kNameDatagramMax) {
    return false;
  }
  *node = in.U32();
  *binds = in.U32();
  *connects = in.U32();
  // SAFETY: two 32-bit counts times six cannot overflow 64 bits.
  return bytes.size() == kNameHeaderSize + *binds * kNameBindSize + *connects * kNameConnectSize;
}

}  // namespace

std::vector<uint8_t> EncodeNameRequest(const NameRecord& record) { return Encode(record, false); }
std::vector<uint8_t> EncodeNameAnswer(const NameRecord& record) { return Encode(record, true); }

bool DecodeNameRequest(std::span<const uint8_t> bytes, NameRecord* record) {
  Reader in(bytes);
  size_t binds = 0, connects = 0;
  if (!ReadHeader(bytes, in, &record->node, &binds, &connects)) {
    return false;
  }
  record->binds.resize(binds);
  record->connects.resize(connects);
  for (NameBind& bind : record->binds) {
    bind.peer = in.U32();
    bind.port = in.U16();
  }
  for (NameConnect& connect : record->connects) {
    connect.peer = in.U32();
    connect.port = in.U16();
  }
  return true;
}

bool DecodeNameAnswer(std::span<const uint8_t> bytes, NameRecord* record) {
  Reader in(bytes);
  uint32_t node = 0;
  size_t binds = 0, connects = 0;
  if (!ReadHeader(bytes, in, &node, &binds, &connects) || node != record->node ||
      binds != record->binds.size() || connects != record->connects.size()) {
    return false;
  }
  for (size_t i = 0; i < binds; ++i) {
    in.U32();
    in.U16();
  }
  for (NameConnect& connect : record->connects) {
    connect.address = SwapBytes(in.U32());
    connect.port = in.U16();
    if (connect.address == 0 || connect.port == 0) {
      return false;
    }
  }
  return true;
}

}  // namespace zvm
