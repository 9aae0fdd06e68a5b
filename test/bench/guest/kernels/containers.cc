// C++: strings, a map, a hash map, sorting, virtual calls, an exception now and then.
#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernel.h"

namespace {

struct Shape {
  virtual ~Shape() = default;
  virtual long Area() const = 0;
};
struct Square final : Shape {
  explicit Square(long side) : side(side) {}
  long Area() const override { return side * side; }
  long side;
};
struct Box final : Shape {
  Box(long a, long b) : a(a), b(b) {}
  long Area() const override {
    if (a == 0) throw std::runtime_error("flat");
    return a * b;
  }
  long a, b;
};

uint64_t Round(uint64_t* random) {
  std::map<std::string, int> sorted;
  std::unordered_map<uint32_t, std::vector<int>> groups;
  std::vector<std::unique_ptr<Shape>> shapes;
  for (int i = 0; i < 20000; ++i) {
    const uint64_t r = Random(random);
    sorted["key " + std::to_string(r % 9973)] += i;
    groups[static_cast<uint32_t>(r >> 40) & 4095].push_back(i);
    if (i % 2 == 0) {
      shapes.push_back(std::make_unique<Square>(static_cast<long>(r & 255)));
    } else {
      shapes.push_back(std::make_unique<Box>(static_cast<long>(r & 127), 3));
    }
  }
  uint64_t sum = uint64_t{sorted.size()} * 1000003 + groups.size();
  for (const auto& [key, value] : sorted)
    sum = sum * 31 + key.size() + static_cast<uint64_t>(value);
  for (const auto& shape : shapes) {
    try {
      sum += static_cast<uint64_t>(shape->Area());
    } catch (const std::runtime_error& error) {
      sum += std::string(error.what()).size();
    }
  }
  std::vector<std::pair<size_t, uint32_t>> sizes;
  for (const auto& [key, members] : groups) sizes.emplace_back(members.size(), key);
  std::sort(sizes.begin(), sizes.end());
  for (const auto& [size, key] : sizes) sum = sum * 33 + size + key;
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t random = 17, sum = kChecksum;
  for (unsigned n = Work(argc, argv, 18); n > 0; --n) {
    const uint64_t part = Round(&random);
    sum = Checksum(sum, &part, sizeof part);
  }
  return Finish("containers", sum);
}
