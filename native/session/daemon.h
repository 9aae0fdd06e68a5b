// The classic daemon: a program whose manifest names a Job goes on, behind its checkpoint, as a
// process that waits on a Unix socket and runs one session for each manifest that comes. Protocol
// and rules: docs/abi.md §8.4. The daemon itself runs no guest: it holds image and snapshot, both
// sealed, and every session is a process of its own behind both walls, like any of zvm-run.
#pragma once

#include "manifest/manifest.h"
#include "session/session.h"

namespace zvm {

// Sessions of one daemon at once; a further client waits for its turn.
inline constexpr int kDaemonSessionsMax = 64;
// How long a client may take for its request.
inline constexpr int kDaemonRequestSeconds = 10;

// RunSession for a manifest with a Job. When the session has become a daemon the report says so,
// the process ends, and the daemon is another one.
int RunDaemonSession(Manifest manifest, SessionOptions options, ManifestMode mode, Trace& trace);

}  // namespace zvm
