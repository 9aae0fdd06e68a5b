// What other nodes may send: any bytes on a connection, and as datagrams of the name service. The
// first byte chooses the sizes of reads.
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "channel/name_service.h"
#include "channel/network_source.h"

namespace zvm {
namespace {

constexpr size_t kStreamMax = 60'000;  // fits the socket's buffer
uint8_t g_buffer[70'000];

void FuzzStream(std::span<const uint8_t> bytes, size_t read_size) {
  int ends[2];
  ZVM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  ZVM_CHECK(write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  close(ends[1]);
  StopRequest stop;
  NetworkSource source(UniqueFd(ends[0]), false, stop);
  size_t total = 0;
  for (;;) {
    const Transfer transfer = source.Read(g_buffer, read_size, 0);
    total += transfer.size_bytes;
    ZVM_CHECK(transfer.size_bytes <= read_size && total <= bytes.size());
    ZVM_CHECK(transfer.end != TransferEnd::kStopped);
    if (transfer.end == TransferEnd::kFull) {
      continue;
    }
    const size_t digest_size = source.peer_digest().size();
    ZVM_CHECK(digest_size == 0 || digest_size == 40 || digest_size == 64);
    break;
  }
}

void FuzzNames(std::span<const uint8_t> bytes) {
  NameRecord record;
  if (!DecodeNameRequest(bytes, &record)) {
    return;
  }
  const std::vector<uint8_t> again = EncodeNameRequest(record);
  ZVM_CHECK(again.size() == bytes.size());
  if (DecodeNameAnswer(bytes, &record)) {
    for (const NameConnect& connect : record.connects) {
      ZVM_CHECK(connect.address != 0 && connect.port != 0);
    }
  }
}

}  // namespace
}  // namespace zvm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace zvm;
  if (size == 0 || size > kStreamMax) {
    return 0;
  }
  constexpr size_t kReadSizes[] = {1, 3, 64, 65536};
  const std::span<const uint8_t> bytes(data + 1, size - 1);
  FuzzStream(bytes, kReadSizes[data[0] % 4]);
  FuzzNames(bytes);
  return 0;
}
