// zvm-run --name-server: the meeting place of the nodes of one classic job.
#pragma once

namespace zvm {

// `argument`: "NODES" or "NODES,PORT"; port 0 or absent = any. Prints the port on standard output,
// answers once every node has asked, and goes on answering lost replies until it is quiet. Returns
// the exit status: 0, 14 for a malformed argument, the errno when it cannot listen, 110 when
// the nodes do not all come.
int RunNameServer(const char* argument);

}  // namespace zvm
