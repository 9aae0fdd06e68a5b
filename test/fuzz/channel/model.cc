#include "model.h"

#include <algorithm>

namespace zvm::fuzz {

uint8_t SparseFile::Get(Wide offset) const {
  if (offset < kDenseSize) {
    const size_t index = static_cast<size_t>(offset);
    return index < dense_.size() ? static_cast<uint8_t>(dense_[index]) : 0;
  }
  const auto byte = far_.find(static_cast<int64_t>(offset));
  return byte == far_.end() ? 0 : byte->second;
}

void SparseFile::Set(Wide offset, uint8_t byte) {
  if (offset >= kDenseSize) {
    far_[static_cast<int64_t>(offset)] = byte;
    return;
  }
  const size_t index = static_cast<size_t>(offset);
  if (index >= dense_.size()) {
    dense_.resize(index + 1);
  }
  dense_[index] = static_cast<char>(byte);
}

int Model::Read(int32_t size, int64_t offset, std::string* bytes) {
  Wide at = random_read() ? Wide{offset} : get_position;
  Wide want = size;
  if (random_read()) {
    want = std::min<Wide>(channel_size - at, want);
  }
  if (want == 0) return 0;
  if (want < 0) return -14;
  if (at < 0) return -22;
  if (end_seen) return 0;
  if (gets >= limits.reads) return -122;
  want = std::min<Wide>(want, Wide{limits.read_bytes} - got_bytes);
  if (want < 1) return -122;

  const Wide limit = random_read() ? channel_size : file_end;
  const Wide available = at < limit ? std::min<Wide>(want, limit - at) : 0;
  for (Wide i = 0; i < available; ++i) {
    bytes->push_back(static_cast<char>(file.Get(at + i)));
  }
  moved += *bytes;
  const bool at_end = available < want;
  host_reads += static_cast<uint64_t>((available + 65535) / 65536) + (at_end ? 1 : 0);
  gets += 1;
  got_bytes += available;
  get_position = at + available;
  if (at_end && !random_read()) end_seen = true;
  return static_cast<int>(available);
}

int Model::Write(std::string_view bytes, int32_t size, int64_t offset) {
  const Wide at = random_write() ? Wide{offset} : put_position;
  if (size == 0) return 0;
  if (size < 0) return -14;
  if (at < 0) return -22;
  if (puts >= limits.writes) return -122;
  if (at >= limits.write_bytes && !readable()) return -22;
  const Wide tail = Wide{limits.write_bytes} - put_bytes;
  if (at >= channel_size + tail) return -22;
  const Wide count = std::min<Wide>(size, tail);
  if (count < 1) return -122;
  if (at + count > INT64_MAX) return kHostRefuses;
  for (Wide i = 0; i < count; ++i) {
    file.Set(at + i, static_cast<uint8_t>(bytes[static_cast<size_t>(i)]));
  }
  moved += bytes.substr(0, static_cast<size_t>(count));
  puts += 1;
  put_bytes += count;
  put_position = get_position = at + count;
  channel_size = random_write() ? std::max(channel_size, put_position) : put_position;
  return static_cast<int>(count);
}

}  // namespace zvm::fuzz
