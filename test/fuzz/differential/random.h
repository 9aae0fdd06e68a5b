// A small seeded generator (splitmix64): the same seed gives the same cases on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

namespace zvm::differential {

using Bytes = std::vector<uint8_t>;

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // 0 to limit - 1; limit > 0.
  size_t Below(size_t limit) { return static_cast<size_t>(Next() % limit); }
  bool OneIn(size_t chances) { return Below(chances) == 0; }
  uint8_t Byte() { return static_cast<uint8_t>(Next()); }
  template <typename Container>
  const auto& Pick(const Container& container) {
    return *(std::begin(container) + static_cast<ptrdiff_t>(Below(std::size(container))));
  }

 private:
  uint64_t state_;
};

// Appends the lowest `count` bytes of `value`, lowest first.
inline void AppendNumber(Bytes& out, uint64_t value, int count) {
  for (int i = 0; i < count; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

inline void Append(Bytes& out, const Bytes& tail) {
  out.insert(out.end(), tail.begin(), tail.end());
}

}  // namespace zvm::differential
