#include "block_maker.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "judge.h"
#include "validator/bundle_walk.h"

namespace zvm::test {
namespace {

constexpr size_t kPieceCount = 1 << 15;

// Bytes whose change is most likely to matter: prefixes, escapes, opcodes with rules of their own.
constexpr uint8_t kHotBytes[] = {0x0f, 0x65, 0x67, 0x66, 0xf2, 0xf3, 0xf0, 0x2e, 0x3e, 0x40, 0x41,
                                 0x44, 0x48, 0x49, 0x4a, 0x4c, 0x4d, 0x4f, 0xf4, 0x90, 0xc3, 0xff,
                                 0xe0, 0x83, 0x01, 0x89, 0x8b, 0x8d, 0xfc, 0xfd, 0x24, 0x3c, 0x25,
                                 0x00, 0x1f, 0x84, 0x44, 0xc4, 0xc5, 0xf6, 0xf7, 0xb8, 0xe8, 0xeb};

// Sequences with rules of their own, right ones and some that are nearly right.
constexpr const char* kSequences[] = {
    // masked jumps and calls, predicted returns
    "83e0e04c01f8ffe0", "83e1e04c01f9ffd1", "4183e3e04d01fb41ffe3", "4183e3e04d01fb41ffd3",
    "83e4e04c01fcffe4", "83e0e04903c7ffe0", "4083e7e04e01ff48ffe7", "83e0e04c01f9ffe0",
    "83e0c04c01f8ffe0", "83e0e04c01f8ff20", "4183e3e04d01fb4153c3", "4183e3e04d01fb41ffd2",
    "4183e3e04d01fb415390", "4183e3e04d01fb4153", "4153c3", "4d01fb4153c3", "c3",
    "4883e0e04c01f8ffe0",
    // stack registers
    "83ec184c01fc", "83c4084a8d243c", "89e04c01f8", "89c44c01fc", "4489dd4c01fd",
    "8d6424f84a8d243c",
    "83ec18", "4c01fc", "4a8d243c", "89c54c01fc", "89c44c01fd", "83ec184c09fc", "89c54c09fd",
    "83ec184903e7", "89c5490bef", "4889e5", "4889ec", "4883e4e0", "4883e410", "83ec18904c01fc",
    "65678b204c01fc", "65678b28", "5c", "5d", "87e0", "87c4", "94", "0fc1c4", "b4048ac5", "40b405",
    "c7c4000000004c01fc", "bd000000004c01fd", "4a8d643c00", "4a8dac3d00000000", "4a8d6c3d00",
    // zero-extended indices
    "89c0418b0407", "8b0a418b140f", "4189c3438b441f08", "448d5c8708430313", "448d5c87084303141f",
    "89c0488b0404", "89c089c08b0404", "4d89db438b041f", "0fb6c0418b0407", "f7d0418b0407",
    "f7d8418b0407", "f7e0418b0407", "ffc0418b0407", "83d000418b0407", "83c000418b0407",
    "81e0ff000000418b0407", "25ff000000418b0407", "05ff000000418b0407", "83f800418b0407",
    "6689c0418b0407", "4889c0418b0407", "c1e002418b0407", "660f7ec0418b0407", "0f7ec0418b0407",
    "6bc003418b0407", "b800000000418b0407", "91418b040f", "92418b0407", "0f44c1418b0407",
    "89c0418b0437", "4189c4438b0427", "89c4418b0427", "8d0404418b0407", "89c04c8d0407",
    // string operations
    "89ff498d3c3ff348ab", "89f6498d343789ff498d3c3ff3a4", "89ff498d3c3faa", "89f6498d3437ac",
    // nops, halts
    "660f1f440000", "660f1f840000000000", "662e0f1f840000000000", "66662e0f1f840000000000",
    "6666662e0f1f840000000000", "666666662e0f1f840000000000", "66666666662e0f1f840000000000",
    "6666666666662e0f1f840000000000", "666666666666662e0f1f840000000000", "0f1f00", "0f1f440000",
    "2e0f1f840000000000", "660f1f440001", "660f1f840000000100", "66660f1f840000000000", "6690",
    "4990", "f390", "f4f4f4f4", "f4f4f4f4f4f4f4f4f4", "f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4",
    "9090909090909090909090", "b8f4f4f4f4", "48b8f4f4f4f4f4f4f4f4", "48b80000000000000000",
    // jumps and the prefixes that they may not have
    "eb00", "7502", "0f8400000000", "e800000000", "e900000000", "2e7500", "66eb00", "48eb00",
    "e300",
    "eb00eb00eb00eb00eb00", "740175017602770178027901", "6667e300", "65eb00", "656790",
};

}  // namespace

BlockMaker::BlockMaker(uint64_t seed, const ScanPolicy& policy, const std::vector<Bytes>& sources)
    : random_(seed), policy_(policy), sources_(sources) {
  pieces_.reserve(kPieceCount);
  while (pieces_.size() < kPieceCount) {
    pieces_.push_back(MakePiece());
  }
}

BlockMaker::Piece BlockMaker::MakePiece() {
  return random_.OneIn(4) ? MakeSequence() : MakeInstruction();
}

BlockMaker::Piece BlockMaker::MakeSequence() {
  const Bytes bytes = FromHex(random_.Pick(kSequences));
  Piece piece;
  piece.size = static_cast<uint8_t>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), piece.bytes);
  if (random_.OneIn(4)) {
    Mutate(piece.bytes, piece.size, 1);
  }
  return piece;
}

// Random bytes in the shape of an instruction, cut to the length that the exact path finds.
BlockMaker::Piece BlockMaker::MakeInstruction() {
  for (;;) {
    uint8_t bundle[kBundleSize];
    for (size_t i = 0; i < kBundleSize; i += 8) {
      const uint64_t value = random_.OneIn(4) ? 0 : random_.Next();
      std::memcpy(bundle + i, &value, sizeof value);
    }
    size_t at = 0;
    const bool gs = policy_.zvm && random_.OneIn(4);
    if (gs) {
      bundle[at++] = 0x65;
      bundle[at++] = 0x67;
    }
    if (random_.OneIn(4)) {
      bundle[at++] = std::array<uint8_t, 3>{0x66, 0xf2, 0xf3}[random_.Below(3)];
    }
    const size_t rex_at = at;
    if (random_.OneIn(2)) {
      bundle[at++] = static_cast<uint8_t>(0x40 | (random_.Next() & 15));
    }
    if (random_.OneIn(3)) {
      bundle[at++] = 0x0f;
    }
    bundle[at++] = random_.Byte();
    // Operands that a checked access may have: rip, rsp, rbp, r15, or registers.
    const uint8_t reg = static_cast<uint8_t>(random_.Below(8) << 3);
    const std::array<uint8_t, 8> modrm = {0x05, 0x04, 0x44, 0x84, 0x45, 0x85, 0x07, 0x47};
    if (!gs && !random_.OneIn(4)) {
      const uint8_t memory = modrm[random_.Below(8)];
      bundle[at] = static_cast<uint8_t>(reg | (random_.OneIn(2) ? memory : 0xc0 | (memory & 7)));
      if (random_.OneIn(2)) {
        bundle[at + 1] = 0x24;
      }
      if ((memory & 7) == 7 && rex_at + 1 < at) {
        bundle[rex_at] |= 1;
      }
    }
    BundleWalk walk{bundle, &policy_};
    const WalkStep step = walk.Step();
    if (step.length != 0 && (step.broken == 0 || random_.OneIn(16))) {
      Piece piece;
      piece.size = step.length;
      std::copy(bundle, bundle + step.length, piece.bytes);
      return piece;
    }
  }
}

// Pieces one after another, the last gap filled with what fits. Some bundles begin with the rest of
// a sequence and some end with the beginning of one: what crosses a bundle's end is no sequence.
void BlockMaker::Compose(uint8_t* bundle) {
  size_t at = 0;
  size_t end = kBundleSize;
  if (random_.OneIn(4)) {
    const Piece piece = MakeSequence();
    const size_t cut = random_.Below(piece.size);
    at = piece.size - cut;
    std::memcpy(bundle, piece.bytes + cut, at);
  }
  if (random_.OneIn(4)) {
    const Piece piece = MakeSequence();
    const size_t size = std::min<size_t>(1 + random_.Below(piece.size), kBundleSize - at);
    end -= size;
    std::memcpy(bundle + end, piece.bytes, size);
  }
  int misses = 0;
  while (at < end && misses < 6) {
    const Piece& piece = pieces_[random_.Below(kPieceCount)];
    if (piece.size <= end - at) {
      std::memcpy(bundle + at, piece.bytes, piece.size);
      at += piece.size;
    } else {
      ++misses;
    }
  }
  std::memset(bundle + at, random_.OneIn(2) ? 0xf4 : 0x90, end - at);
}

void BlockMaker::CopySource(uint8_t* bundle) {
  const Bytes& source = sources_[random_.Below(sources_.size())];
  std::memcpy(bundle, source.data() + random_.Below(source.size() / kBundleSize) * kBundleSize,
              kBundleSize);
}

void BlockMaker::Mutate(uint8_t* bytes, size_t size, int count) {
  for (int i = 0; i < count; ++i) {
    uint8_t& byte = bytes[random_.Below(size)];
    switch (random_.Below(4)) {
      case 0:
        byte = random_.Byte();
        break;
      case 1:
        byte ^= static_cast<uint8_t>(1u << random_.Below(8));
        break;
      default:
        byte = random_.Pick(kHotBytes);
    }
  }
}

void BlockMaker::Make(uint8_t* block) {
  pieces_[random_.Below(kPieceCount)] = MakePiece();
  for (size_t bundle = 0; bundle < kFilterBundles; ++bundle) {
    uint8_t* bytes = block + bundle * kBundleSize;
    if (!sources_.empty() && random_.OneIn(2)) {
      CopySource(bytes);
    } else {
      Compose(bytes);
    }
    const size_t roll = random_.Below(4);
    Mutate(bytes, kBundleSize, roll < 2 ? 0 : static_cast<int>(roll - 1));
  }
}

std::vector<Bytes> TableSources() {
  std::vector<Bytes> sources;
  for (const char* name : {"single", "seq", "windows"}) {
    for (const Row& row : ReadTable("conformance/" + std::string(name) + ".tsv.gz")) {
      sources.push_back(Chunk(row.at(0)));
    }
  }
  return sources;
}

}  // namespace zvm::test
