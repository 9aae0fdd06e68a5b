// A channel that ends in another node: one TCP connection, one direction. Bytes travel in messages,
// so that the end of a stream is told and cannot be mistaken for a death. docs/abi.md §7.7.
//
//   greeting   writer → reader, once: 16 bytes (LinkGreeting)
//   message    u32 size 1..65536, big-endian, and the bytes
//   end        u32 0, u8 digest size (0, 40 or 64), the digest in hexadecimal; then it closes
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "channel/digest.h"
#include "channel/source.h"

namespace zvm {

inline constexpr uint32_t kLinkMagic = 0x5A564D4C;  // "ZVML"
inline constexpr uint32_t kLinkVersion = 1;
inline constexpr size_t kLinkMessageMax = 65536;  // bytes

// All fields big-endian.
struct LinkGreeting {
  uint32_t magic;
  uint32_t version;
  uint32_t from_node;
  uint32_t to_node;
};
static_assert(sizeof(LinkGreeting) == 16);

class NetworkSource final : public Source {
 public:
  // `fd`: connected, greeted. Allocates all that it needs here.
  NetworkSource(UniqueFd fd, bool writes, const StopRequest& stop);

  Transfer Read(uint8_t* buffer, size_t size_bytes, int64_t position) override;
  Transfer Write(const uint8_t* buffer, size_t size_bytes, int64_t position) override;
  bool positional() const override { return false; }
  bool network() const override { return true; }
  int descriptor() const override { return fd_.get(); }
  int64_t size_bytes() const override { return 0; }
  std::string_view peer_digest() const override { return peer_digest_.view(); }
  Transfer Complete(std::string_view digest) override;
  void Drain() override;
  int Begin(bool, int64_t) override { return 0; }
  int End(int64_t) override;
  void Abandon() override { fd_.Reset(); }

 private:
  Transfer ReadExactly(void* buffer, size_t size_bytes);
  Transfer WriteExactly(const void* buffer, size_t size_bytes);
  Transfer NextMessage();

  UniqueFd fd_;
  const StopRequest& stop_;
  std::unique_ptr<uint8_t[]> message_;  // writers: size and bytes of one message
  uint32_t left_bytes_ = 0;             // readers: of the message that is being read
  bool ended_ = false;
  DigestText peer_digest_;
};

}  // namespace zvm
