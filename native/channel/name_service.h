// The classic name service: one UDP datagram each way tells every node where its peers listen.
// Layout, big-endian (docs/abi.md §7.8): node id, number of binds, number of connects; per bind the
// peer's id and our port; per connect the peer's id and 0 (request), or address and port (answer).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace zvm {

struct NameBind {
  uint32_t peer = 0;   // node that will connect
  uint16_t port = 0;   // where we listen, host order
};
struct NameConnect {
  uint32_t peer = 0;     // node that we connect to
  uint32_t address = 0;  // answer: IPv4, network order
  uint16_t port = 0;     // request: as the manifest says, usually 0; answer: host order
};
struct NameRecord {
  uint32_t node = 0;
  std::vector<NameBind> binds;
  std::vector<NameConnect> connects;
};

inline constexpr size_t kNameHeaderSize = 12;
inline constexpr size_t kNameBindSize = 6;
inline constexpr size_t kNameConnectSize = 6;         // of an answer too: address and port
inline constexpr size_t kNameDatagramMax = 65507;     // bytes

// The size is at most kNameDatagramMax; empty when the record does not fit.
std::vector<uint8_t> EncodeNameRequest(const NameRecord& record);
// `record.connects` with their addresses filled in.
std::vector<uint8_t> EncodeNameAnswer(const NameRecord& record);

// Any bytes. False: no request.
bool DecodeNameRequest(std::span<const uint8_t> bytes, NameRecord* record);
// Any bytes. Fills in the addresses and ports of `record`. False: no answer to that record, or one
// that leaves a peer without address.
bool DecodeNameAnswer(std::span<const uint8_t> bytes, NameRecord* record);

}  // namespace zvm
