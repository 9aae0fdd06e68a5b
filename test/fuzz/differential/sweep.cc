// See sweep.h. Behind the opcode comes a fixed tail: a SIB byte that means rsp without index where
// one is needed, then hlt, so that displacements and immediates of any size are followed by code,
// then long nops and three more bundles: the accept filter takes four at once and few instructions.
#include "sweep.h"

namespace zvm::differential {
namespace {

constexpr size_t kNopsAt = 16;  // no instruction is longer
constexpr size_t kBundles = 4;
constexpr uint8_t kHlt = 0xF4;
constexpr uint8_t kSibRsp = 0x24;

// From kNopsAt to the end of the fourth bundle.
const Bytes& Tail() {
  static const Bytes tail = [] {
    const Bytes long_nop = {0x66, 0x2E, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0};
    Bytes out(long_nop);
    Append(out, Bytes{0x66, 0x0F, 0x1F, 0x44, 0, 0});
    for (size_t bundle = 1; bundle < kBundles; ++bundle) {
      for (int i = 0; i < 3; ++i) Append(out, long_nop);
      Append(out, Bytes{0x66, 0x90});
    }
    return out;
  }();
  return tail;
}

// All ModRM bytes behind `head`. Memory forms twice: plain and with 65 67 in front.
bool SweepModrm(const Bytes& head, const Visit& visit) {
  for (int modrm = 0; modrm < 256; ++modrm) {
    bool is_memory = modrm < 0xC0;
    // Of the memory forms: [rsp], [rbp+disp], rip, rm 7 (r15 with extension); rm 0 is a bad base.
    int rm = modrm & 7;
    if (is_memory && rm != 4 && rm != 5 && rm != 7 && rm != 0) continue;
    if (is_memory && rm == 0 && (modrm >> 6) != 0) continue;
    for (bool gs_relative : {false, true}) {
      if (gs_relative && (!is_memory || (modrm >> 6) == 2)) continue;
      Bytes chunk;
      if (gs_relative) chunk = {0x65, 0x67};
      Append(chunk, head);
      chunk.push_back(static_cast<uint8_t>(modrm));
      if (is_memory && rm == 4) chunk.push_back(kSibRsp);
      chunk.resize(kNopsAt, kHlt);
      Append(chunk, Tail());
      if (!visit(chunk)) return false;
    }
  }
  return true;
}

}  // namespace

bool SweepLegacy(const Visit& visit) {
  const Bytes kPrefixes[] = {{},     {0x66},       {0xF2},       {0xF3},       {0xF0}, {0x66, 0xF0},
                             {0x2E}, {0x66, 0xF2}, {0xF3, 0x66}, {0xF2, 0xF3}, {0x3E}};
  const Bytes kRex[] = {{}, {0x40}, {0x41}, {0x42}, {0x44}, {0x48}, {0x4F}};
  const Bytes kMaps[] = {{}, {0x0F}, {0x0F, 0x38}, {0x0F, 0x3A}};
  for (const Bytes& prefixes : kPrefixes) {
    for (const Bytes& rex : kRex) {
      for (const Bytes& map : kMaps) {
        for (int opcode = 0; opcode < 256; ++opcode) {
          Bytes head = prefixes;
          Append(head, rex);
          Append(head, map);
          head.push_back(static_cast<uint8_t>(opcode));
          if (!SweepModrm(head, visit)) return false;
        }
      }
    }
  }
  return true;
}

bool SweepVex(const Visit& visit) {
  constexpr int kRxb[] = {7, 3, 5, 6, 0};  // inverted: none, R, X, B, all
  constexpr int kVvvv[] = {15, 13, 0};
  for (int map = 0; map < 5; ++map) {  // 4 stands for C5, 0 for a map that does not exist
    for (int last = 0; last < 256; ++last) {  // W, vvvv, L, pp
      int vvvv = last >> 3 & 15;
      if (vvvv != kVvvv[0] && vvvv != kVvvv[1] && vvvv != kVvvv[2]) continue;
      for (int rxb : kRxb) {
        if (map == 4 && rxb != 7) continue;
        for (int opcode = 0; opcode < 256; ++opcode) {
          Bytes head = {0xC4, static_cast<uint8_t>(rxb << 5 | map), static_cast<uint8_t>(last)};
          if (map == 4) head = {0xC5, static_cast<uint8_t>(last)};
          head.push_back(static_cast<uint8_t>(opcode));
          if (!SweepModrm(head, visit)) return false;
        }
      }
    }
  }
  return true;
}

}  // namespace zvm::differential
