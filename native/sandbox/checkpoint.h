// The checkpoint of a session that makes a snapshot: called by the fork trap, writes the state of
// the guest to a file, which its owner seals later. Runs behind both walls: allocates nothing,
// opens nothing, writes guest memory and checked registers and nothing else. Readers: snapshot.
#pragma once

#include <array>

#include "base/failure.h"
#include "sandbox/snapshot.h"

namespace zvm {

struct GuestRun;

// One for each process that may make snapshots; large.
class Checkpoint {
 public:
  // For one session. `fd`: an empty file of the caller, writable; `pagemap_fd`: an open
  // /proc/self/pagemap. Borrowed until the session has ended. After the channels are checked.
  // Programs that write before their checkpoint are refused unless `output_allowed`: later sessions
  // would lack that output.
  void Begin(int fd, int pagemap_fd, const PreparedImage& image, int64_t memory_bytes,
             const ChannelTable& channels, bool output_allowed);

  // In the trap, with the guest's registers in zvm_guest_context. Whatever comes of it, the session
  // ends here: failure() says how.
  void Take(const GuestRun& run);
  // The session reached its checkpoint and the file is complete.
  bool made() const { return made_; }
  // Why it reached its checkpoint and nothing was made: "snapshot-too-large",
  // "snapshot-after-output", "snapshot-jailed-code", "snapshot-registers", "snapshot-failed".
  const Failure& failure() const { return failure_; }

 private:
  Failure Write(const GuestRun& run);
  Failure FindPages(const AddressSpace& space);
  Failure FindPagesOf(const GuestRegion& region);
  Failure AddPages(uint64_t start, uint64_t end);
  bool WritePages() const;

  int fd_ = -1, pagemap_fd_ = -1;
  const PreparedImage* image_ = nullptr;
  bool output_allowed_ = false;
  bool made_ = false;
  Failure failure_;
  SnapshotHeader header_;
  std::array<uint32_t, kSnapshotPagesMax> index_;
};

}  // namespace zvm
