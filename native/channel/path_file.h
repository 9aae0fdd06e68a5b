// A path of the host, opened without trusting it twice. The file is first pinned without being
// opened (O_PATH, links followed) and judged by what the pin tells; it is then opened through the
// pin, so the file that was judged is the file that is used, and what is refused was never opened.
// /proc must be mounted. What does not exist is created exclusively.
#pragma once

#include <string>

#include "base/stop_request.h"
#include "base/unique_fd.h"

namespace zvm {

// Either the `pin` of an existing file, or `fd` of a new one whose real path is `created_path`, or
// none and the errno.
struct FoundFile {
  UniqueFd pin;
  UniqueFd fd;
  std::string created_path;
  int error = 0;
};

// `create_mode`: O_WRONLY or O_RDWR creates a missing file with mode 0600, also behind a link to
// nothing; O_RDONLY does not.
[[nodiscard]] FoundFile FindFile(std::string path, int create_mode);

// Opens the file behind a pin for `flags`. Waits for the writer of a FIFO until `stop`. Returns
// none and sets *error, EINTR for a stop.
[[nodiscard]] UniqueFd OpenPinned(const UniqueFd& pin, int flags, const StopRequest& stop,
                                  int* error);

}  // namespace zvm
