// One host end of a channel, after opening. A kind of source is a class here; channel_table and
// agreement see only the interface. One virtual call moves a whole trap's bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/stop_request.h"
#include "base/unique_fd.h"

namespace zvm {

enum class TransferEnd : uint8_t {
  kFull,     // everything was moved
  kEnd,      // reads only: the source has no more bytes
  kError,    // the system refused: `error` is the errno
  kStopped,  // a StopRequest arrived
};
struct Transfer {
  TransferEnd end = TransferEnd::kFull;
  size_t size_bytes = 0;  // moved before that
  int error = 0;
};

class Source {
 public:
  virtual ~Source() = default;

  // Move exactly `size_bytes` unless the result says why not. `position` counts from the start of
  // the channel; a source that is not positional moves on by itself and ignores it. Never allocate.
  virtual Transfer Read(uint8_t* buffer, size_t size_bytes, int64_t position) = 0;
  virtual Transfer Write(const uint8_t* buffer, size_t size_bytes, int64_t position) = 0;

  virtual bool positional() const = 0;
  virtual int descriptor() const = 0;
  // Size of the regular file when it was opened, from where the channel starts; 0 for all others.
  virtual int64_t size_bytes() const = 0;

  // True when the other end is another node: counted apart in the report.
  virtual bool network() const { return false; }
  // What the writer at the other end says of all its bytes, known at the end of reading: a digest
  // in hexadecimal, empty when it says nothing.
  virtual std::string_view peer_digest() const { return {}; }
  // Tells the reader at the other end that the stream is whole. `digest`: of all bytes, or empty.
  virtual Transfer Complete(std::string_view digest) {
    (void)digest;
    return {};
  }

  // Reads away what a writer in another node still has to say, so that it does not fail because
  // this session has heard enough. Ends with the stream, the connection or the session's time.
  virtual void Drain() {}

  // Second step of opening, taken when every source of the session is open: empties the file if
  // `empty`, then extends it to `reserve_bytes` if that is more. Returns 0 or an errno.
  virtual int Begin(bool empty, int64_t reserve_bytes) = 0;
  // Ends a session that began: leaves exactly `channel_size_bytes`. Returns 0 or an errno.
  virtual int End(int64_t channel_size_bytes) = 0;
  // Ends one that did not begin: takes reservation and created file back.
  virtual void Abandon() = 0;
};

// A regular file, at positions. Files opened by path are ours: emptied, reserved and cut. A passed
// descriptor is used from its current offset and keeps what it has.
class FileSource final : public Source {
 public:
  struct Origin {
    int64_t base_offset = 0;     // >= 0: where position 0 of the channel lies in the file
    int64_t size_bytes = 0;      // behind base_offset
    bool by_path = false;
    std::string created_path;    // not empty: opening made this file
  };
  FileSource(UniqueFd fd, Origin origin, const StopRequest& stop);

  Transfer Read(uint8_t* buffer, size_t size_bytes, int64_t position) override;
  Transfer Write(const uint8_t* buffer, size_t size_bytes, int64_t position) override;
  bool positional() const override { return true; }
  int descriptor() const override { return fd_.get(); }
  int64_t size_bytes() const override { return origin_.size_bytes; }
  int Begin(bool empty, int64_t reserve_bytes) override;
  int End(int64_t channel_size_bytes) override;
  void Abandon() override;

 private:
  UniqueFd fd_;
  Origin origin_;
  const StopRequest& stop_;
  bool reserved_ = false;
  bool written_ = false;
};

// Everything without positions: character devices, FIFOs, pipes, stream sockets, and a passed
// descriptor of a regular file that is used sequentially (it shares its offset with its other
// users, as a shell's redirections expect).
class StreamSource final : public Source {
 public:
  // Most of one system call that writes to a pipe. Linux holds the pipe's lock for the whole call,
  // so a reader on another processor cannot take anything meanwhile, and keeps two pages for reuse:
  // calls of two pages move 1.7 times as much as one large one (npm run bench -- graph).
  static constexpr size_t kPipeWriteMax = 8192;

  StreamSource(UniqueFd fd, bool is_pipe, int64_t size_bytes, const StopRequest& stop)
      : fd_(std::move(fd)), is_pipe_(is_pipe), size_bytes_(size_bytes), stop_(stop) {}

  Transfer Read(uint8_t* buffer, size_t size_bytes, int64_t position) override;
  Transfer Write(const uint8_t* buffer, size_t size_bytes, int64_t position) override;
  bool positional() const override { return false; }
  int descriptor() const override { return fd_.get(); }
  int64_t size_bytes() const override { return size_bytes_; }
  int Begin(bool, int64_t) override { return 0; }
  int End(int64_t) override;
  void Abandon() override { fd_.Reset(); }

 private:
  UniqueFd fd_;
  bool is_pipe_;
  int64_t size_bytes_;
  const StopRequest& stop_;
};

}  // namespace zvm
