// See cases.h.
#include "cases.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string_view>

#include "grammar.h"
#include "hex.h"
#include "soup.h"

namespace zvm::differential {
namespace {

constexpr size_t kBundle = oracle::kChunkAlignment;
constexpr size_t kLineMax = 4096;

void Pad(Bytes& chunk, uint8_t filler) {
  while (chunk.empty() || chunk.size() % kBundle != 0) chunk.push_back(filler);
}

bool ReadTable(const std::string& path, Corpus& out) {
  std::string command = "zcat '" + path + "'";
  std::unique_ptr<FILE, int (*)(FILE*)> table(popen(command.c_str(), "r"), pclose);
  if (table == nullptr) return false;
  char line[kLineMax];
  bool has_rows = false;
  while (std::fgets(line, sizeof line, table.get()) != nullptr) {
    std::string_view text = line;
    std::string_view hex = text.substr(0, text.find('\t'));
    Bytes chunk;
    if (hex.size() == text.size() || !oracle::ParseChunk(hex, chunk)) return false;
    if (chunk.empty()) continue;
    has_rows = true;
    if (text[hex.size() + 1] == '1') out.accepted.push_back(chunk);
    out.chunks.push_back(std::move(chunk));
  }
  return has_rows;
}

void MutateOnce(Random& random, Bytes& chunk) {
  // Bytes that mean much to the rules.
  constexpr uint8_t kInteresting[] = {0x66, 0x67, 0x65, 0xF0, 0xF2, 0xF3, 0x2E, 0x3E, 0x40, 0x41,
                                      0x44, 0x48, 0x49, 0x4C, 0x4D, 0x0F, 0xC4, 0xC5, 0x90, 0xC3,
                                      0xFF, 0x89, 0x8B, 0x8D, 0xEB, 0xE8, 0x3C, 0x04, 0x24, 0xE4};
  constexpr size_t kHead = 4;  // where the prefixes and the opcode of a single row are
  size_t at = random.Below(random.OneIn(3) ? kHead : chunk.size());
  auto here = chunk.begin() + static_cast<ptrdiff_t>(at);
  switch (random.Below(7)) {
    case 0: case 1:
      chunk[at] ^= static_cast<uint8_t>(1 << random.Below(8));
      break;
    case 2:
      chunk[at] = random.Byte();
      break;
    case 3:
      chunk[at] = random.Pick(kInteresting);
      break;
    case 4:
      chunk.insert(here, random.Pick(kInteresting));
      chunk.pop_back();
      break;
    case 5:
      chunk.erase(here);
      chunk.push_back(0x90);
      break;
    default: {
      size_t count = std::min(chunk.size() - at, 1 + random.Below(8));
      std::rotate(here, here + static_cast<ptrdiff_t>(random.Below(count)),
                  here + static_cast<ptrdiff_t>(count));
    }
  }
}

// The start of one chunk and the end of another, joined anywhere.
Bytes Splice(Random& random, const Bytes& first, const Bytes& second) {
  Bytes out(first.begin(), first.begin() + static_cast<ptrdiff_t>(random.Below(first.size())));
  out.insert(out.end(), second.begin() + static_cast<ptrdiff_t>(random.Below(second.size())),
             second.end());
  return out;
}

Bytes MakeSoup(Random& random) {
  Bytes out;
  if (random.OneIn(3)) AppendFiller(random, out, random.Below(kBundle));
  size_t count = random.OneIn(4) ? 3 : 1;
  for (size_t i = 0; i < count; ++i) Append(out, MakeInstruction(random));
  // Halts first: they stand in for an immediate that is longer than the one made.
  out.resize(out.size() + random.Below(5), oracle::kPadding);
  AppendFiller(random, out, (kBundle - out.size() % kBundle) % kBundle);
  return out;
}

Bytes MakeNoise(Random& random) {
  Bytes out(kBundle * (1 + random.Below(2)));
  for (uint8_t& byte : out) byte = random.Byte();
  // Refused at once almost always: a valid tail lets the head matter.
  if (random.OneIn(2)) std::fill(out.begin() + 2 + static_cast<ptrdiff_t>(random.Below(12)),
                                 out.end(), 0x90);
  return out;
}

}  // namespace

bool ReadCorpus(const std::string& folder, Corpus& out) {
  for (const char* name : {"single", "seq", "windows"}) {
    if (!ReadTable(folder + "/" + name + ".tsv.gz", out)) return false;
  }
  return !out.accepted.empty();
}

Bytes MakeCase(Random& random, const Corpus& corpus) {
  Bytes chunk;
  bool mutate = random.OneIn(3);
  switch (random.Below(16)) {
    case 0: chunk = MakeNoise(random); break;
    case 1: case 2: case 3: case 4: case 5: chunk = MakeSoup(random); break;
    case 6: case 7: case 8: case 9: case 10: chunk = MakeChunk(random); break;
    case 11: case 12: case 13:
      chunk = random.Pick(random.OneIn(2) ? corpus.chunks : corpus.accepted);
      mutate = true;
      break;
    case 14: chunk = random.Pick(corpus.accepted); break;
    default: chunk = Splice(random, random.Pick(corpus.accepted), random.Pick(corpus.accepted));
  }
  Pad(chunk, 0x90);
  while (mutate) {
    MutateOnce(random, chunk);
    mutate = random.OneIn(3);
  }
  Pad(chunk, 0x90);
  // Neighbours: the accept filter looks at four bundles at once.
  if (random.OneIn(2)) return chunk;
  size_t before = random.Below(4);
  for (size_t i = 0; i < before; ++i) {
    const Bytes& neighbour = random.Pick(corpus.accepted);
    chunk.insert(chunk.begin(), neighbour.begin(), neighbour.begin() + kBundle);
  }
  while (chunk.size() % (4 * kBundle) != 0) {
    if (random.OneIn(2)) {
      AppendFiller(random, chunk, kBundle);
    } else {
      const Bytes& neighbour = random.Pick(corpus.accepted);
      chunk.insert(chunk.end(), neighbour.begin(), neighbour.begin() + kBundle);
    }
  }
  return chunk;
}

}  // namespace zvm::differential
