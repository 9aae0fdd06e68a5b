// What docs/abi.md §7.4 and §7.5 say about one channel, restated over an in-memory file with
// 128-bit arithmetic: the oracle of the channel fuzzer. Shares no code with native/channel but the
// plain specs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "channel/spec.h"

namespace zvm::fuzz {

using Wide = __int128;

// The bytes of a sparse file: dense where most operations are, a map far away. Holes are zero.
class SparseFile {
 public:
  static constexpr Wide kDenseSize = 1 << 19;
  uint8_t Get(Wide offset) const;
  void Set(Wide offset, uint8_t byte);
  const std::string& dense() const { return dense_; }  // up to the last byte that was set there
  const std::map<int64_t, uint8_t>& far() const { return far_; }

 private:
  std::string dense_;
  std::map<int64_t, uint8_t> far_;
};

struct Model {
  int64_t type = 0;
  ChannelLimits limits;
  SparseFile file;
  // State that a session has.
  Wide channel_size = 0, get_position = 0, put_position = 0;
  Wide gets = 0, got_bytes = 0, puts = 0, put_bytes = 0;
  bool end_seen = false;
  Wide file_end = 0;       // where the host's file ends for a sequential reader
  std::string moved;       // what the digest takes
  uint64_t host_reads = 0;  // of one source

  bool readable() const { return limits.reads > 0 && limits.read_bytes > 0; }
  bool writable() const { return limits.writes > 0 && limits.write_bytes > 0; }
  bool random_read() const { return type == 1 || type == 3; }
  bool random_write() const { return type == 2 || type == 3; }

  // The result of a trap; a read appends what it must bring to `bytes`. A write that no file can
  // hold returns kHostRefuses and changes nothing.
  static constexpr int kHostRefuses = INT32_MIN;
  int Read(int32_t size, int64_t offset, std::string* bytes);
  int Write(std::string_view bytes, int32_t size, int64_t offset);
};

}  // namespace zvm::fuzz
