// The allow-list as text: one list of words for each trait. Neighbour: listing.cc, which looks
// every row of the disassembler up once. Must never name an opcode or a bit pattern.
#include "mnemonics.h"

namespace zvm::oracle {
namespace {

struct WordList {
  uint32_t traits;
  std::string_view words;  // separated by blanks, ends with a blank
};

constexpr std::string_view kInteger =
    "adc add and bsf bsr bswap bt btc btr bts call cbw cdq cdqe clc cld cmc cmov cmp cmpxchg "
    "cmpxchg16b cmpxchg8b cpuid cqo crc32 cwd cwde dec div hlt idiv imul inc j jmp jrcxz lahf lea "
    "loop loope loopne lzcnt mov movabs movbe movsx movsxd movzx mul neg nop not or pause pop "
    "popcnt push rcl rcr rdtsc rol ror sahf sar sbb set shl shld shr shrd stc std sub test tzcnt "
    "ud2 wait xadd xchg xor lfence mfence sfence "
    "prefetch prefetchw prefetchnta prefetcht0 prefetcht1 prefetcht2 ";

constexpr std::string_view kX87 =
    "f2xm1 fabs fadd faddp fbld fbstp fchs fcmovb fcmovbe fcmove fcmovnb fcmovnbe fcmovne fcmovnu "
    "fcmovu fcom fcomi fcomp fcompi fcompp fcos fdecstp fdiv fdivp fdivr fdivrp ffree fiadd "
    "ficom ficomp fidiv fidivr fild fimul fincstp fist fistp fisttp fisub fisubr fld fld1 fldcw "
    "fldenv fldl2e fldl2t fldlg2 fldln2 fldpi fldz fmul fmulp fnclex fninit fnop fnsave fnstcw "
    "fnstenv fnstsw fpatan fprem fprem1 fptan frndint frstor fscale fsin fsincos fsqrt fst fstp "
    "fsub fsubp fsubr fsubrp ftst fucom fucomi fucomp fucompi fucompp fxam fxch fxtract fyl2x "
    "fyl2xp1 ";

constexpr std::string_view kMmxAnd3dnow =
    "emms femms movd movq packssdw packsswb packuswb paddb paddd paddq paddsb paddsw paddusb "
    "paddusw paddw pand pandn pavgb pavgw pcmpeqb pcmpeqd pcmpeqw pcmpgtb pcmpgtd pcmpgtw pextrw "
    "pinsrw pmaddwd pmaxsw pmaxub pminsw pminub pmovmskb pmulhuw pmulhw pmullw pmuludq por psadbw "
    "pshufw pslld psllq psllw psrad psraw psrld psrlq psrlw psubb psubd psubq psubsb psubsw "
    "psubusb psubusw psubw punpckhbw punpckhdq punpckhwd punpcklbw punpckldq punpcklwd pxor "
    "movntq pavgusb pf2id pf2iw pfacc pfadd pfcmpeq pfcmpge pfcmpgt pfmax pfmin pfmul pfnacc "
    "pfpnacc pfrcp pfrcpit1 pfrcpit2 pfrsqit1 pfrsqrt pfsub pfsubr pi2fd pi2fw pmulhrw pswapd ";

constexpr std::string_view kSse =
    "addpd addps addsd addss andnpd andnps andpd andps cmppd cmpps cmpsd cmpss comisd comiss "
    "cvtdq2pd cvtdq2ps cvtpd2dq cvtpd2pi cvtpd2ps cvtpi2pd cvtpi2ps cvtps2dq cvtps2pd cvtps2pi "
    "cvtsd2si cvtsd2ss cvtsi2sd cvtsi2ss cvtss2sd cvtss2si cvttpd2dq cvttpd2pi cvttps2dq cvttps2pi "
    "cvttsd2si cvttss2si divpd divps divsd divss ldmxcsr maxpd maxps maxsd maxss minpd minps minsd "
    "minss movapd movaps movdq2q movdqa movdqu movhlps movhpd movhps movlhps movlpd movlps "
    "movmskpd movmskps movntdq movnti movntpd movntps movq2dq movsd movss movupd movups mulpd "
    "mulps mulsd mulss orpd orps pshufd pshufhw pshuflw pslldq psrldq punpckhqdq punpcklqdq rcpps "
    "rcpss rsqrtps rsqrtss shufpd shufps sqrtpd sqrtps sqrtsd sqrtss stmxcsr subpd subps subsd "
    "subss ucomisd ucomiss unpckhpd unpckhps unpcklpd unpcklps xorpd xorps ";

// SSE3, SSSE3, SSE4.1, SSE4.2, SSE4a.
constexpr std::string_view kSseLater =
    "addsubpd addsubps haddpd haddps hsubpd hsubps lddqu movddup movshdup movsldup "
    "pabsb pabsd pabsw palignr phaddd phaddsw phaddw phsubd phsubsw phsubw pmaddubsw pmulhrsw "
    "pshufb psignb psignd psignw "
    "blendpd blendps blendvpd blendvps dppd dpps extractps insertps movntdqa mpsadbw packusdw "
    "pblendvb pblendw pcmpeqq pextrb pextrd pextrq phminposuw pinsrb pinsrd pinsrq pmaxsb pmaxsd "
    "pmaxud pmaxuw pminsb pminsd pminud pminuw pmovsxbd pmovsxbq pmovsxbw pmovsxdq pmovsxwd "
    "pmovsxwq pmovzxbd pmovzxbq pmovzxbw pmovzxdq pmovzxwd pmovzxwq pmuldq pmulld ptest roundpd "
    "roundps roundsd roundss pcmpestri pcmpestrm pcmpgtq pcmpistri pcmpistrm "
    "extrq insertq movntsd movntss ";

// AVX and AVX2 instructions that are an SSE instruction with a "v" before it: their SSE names. The
// published rules lack vcmpsd.
constexpr std::string_view kAvxFromSse =
    "addpd addps addsd addss addsubpd addsubps andnpd andnps andpd andps blendpd blendps blendvpd "
    "blendvps cmppd cmpps cmpss comisd comiss cvtdq2pd cvtdq2ps cvtpd2dq cvtpd2ps cvtps2dq "
    "cvtps2pd cvtsd2si cvtsd2ss cvtsi2sd cvtsi2ss cvtss2sd cvtss2si cvttpd2dq cvttps2dq cvttsd2si "
    "cvttss2si divpd divps divsd divss dppd dpps extractps haddpd haddps hsubpd hsubps insertps "
    "lddqu ldmxcsr maxpd maxps maxsd maxss minpd minps minsd minss movapd movaps movd movddup "
    "movdqa movdqu movhlps movhpd movhps movlhps movlpd movlps movmskpd movmskps movntdq movntdqa "
    "movntpd movntps movq movsd movshdup movsldup movss movupd movups mpsadbw mulpd mulps mulsd "
    "mulss orpd orps pabsb pabsd pabsw packssdw packsswb packusdw packuswb paddb paddd paddq "
    "paddsb paddsw paddusb paddusw paddw palignr pand pandn pavgb pavgw pblendvb pblendw pcmpeqb "
    "pcmpeqd pcmpeqq pcmpeqw pcmpestri pcmpestrm pcmpgtb pcmpgtd pcmpgtq pcmpgtw pcmpistri "
    "pcmpistrm pextrb pextrd pextrq pextrw phaddd phaddsw phaddw phminposuw phsubd phsubsw phsubw "
    "pinsrb pinsrd pinsrq pinsrw pmaddubsw pmaddwd pmaxsb pmaxsd pmaxsw pmaxub pmaxud pmaxuw "
    "pminsb pminsd pminsw pminub pminud pminuw pmovmskb pmovsxbd pmovsxbq pmovsxbw pmovsxdq "
    "pmovsxwd pmovsxwq pmovzxbd pmovzxbq pmovzxbw pmovzxdq pmovzxwd pmovzxwq pmuldq pmulhrsw "
    "pmulhuw pmulhw pmulld pmullw pmuludq por psadbw pshufb pshufd pshufhw pshuflw psignb psignd "
    "psignw pslld pslldq psllq psllw psrad psraw psrld psrldq psrlq psrlw psubb psubd psubq psubsb "
    "psubsw psubusb psubusw psubw ptest punpckhbw punpckhdq punpckhqdq punpckhwd punpcklbw "
    "punpckldq punpcklqdq punpcklwd pxor rcpps rcpss roundpd roundps roundsd roundss rsqrtps "
    "rsqrtss shufpd shufps sqrtpd sqrtps sqrtsd sqrtss stmxcsr subpd subps subsd subss ucomisd "
    "ucomiss unpckhpd unpckhps unpcklpd unpcklps xorpd xorps ";

// AVX and AVX2 instructions of their own. Gathers are missing on purpose.
constexpr std::string_view kAvx =
    "vbroadcastf128 vbroadcasti128 vbroadcastsd vbroadcastss vextractf128 vextracti128 "
    "vinsertf128 vinserti128 vmaskmovpd vmaskmovps vpblendd vpbroadcastb vpbroadcastd vpbroadcastq "
    "vpbroadcastw vperm2f128 vperm2i128 vpermd vpermilpd vpermilps vpermpd vpermps vpermq "
    "vpmaskmovd vpmaskmovq vpsllvd vpsllvq vpsravd vpsrlvd vpsrlvq vtestpd vtestps vzeroall "
    "vzeroupper ";

// FMA3: these stems, then the operand order, then the element.
constexpr std::string_view kFmaScalarAndPacked = "vfmadd vfmsub vfnmadd vfnmsub ";
constexpr std::string_view kFmaPacked = "vfmaddsub vfmsubadd ";
constexpr std::string_view kFmaOrders = "132 213 231 ";
constexpr std::string_view kFmaElements = "pd ps sd ss ";
constexpr std::string_view kFmaPackedElements = "pd ps ";

constexpr WordList kTraitLists[] = {
    {kZeroExtends,
     "add or and sub xor mov lea movsxd xchg inc dec not neg imul movzx movsx movd vmovd xadd "},
    {kLockable,
     "add adc and or sbb sub xor inc dec neg not btc btr bts cmpxchg cmpxchg8b cmpxchg16b xadd "
     "xchg "},
    {kNoAccess,
     "lea nop prefetch prefetchw prefetchnta prefetcht0 prefetcht1 prefetcht2 "},
    {kNonTemporal,
     "movnti movntq movntps movntpd movntss movntsd movntdq movntdqa vmovntps vmovntpd vmovntdq "
     "vmovntdqa prefetchnta "},
    {kWritesAll, "cmpxchg "},
    {kExchanges, "xadd xchg "},
    {kRestrictsLast, "xchg "},
    {kBitString, "bt btc btr bts "},
    {kNoImmediate, "extrq "},
    {kNoRepeat, "movd "},
    {kHinted, "j jrcxz "},
    {kBranches, "call j jmp jrcxz loop loope loopne "},
    {kNeedsOperand, "push pop "},
    {kRexForbidden, "ud2 pause "},
    {kNo16Bit, "popcnt lzcnt tzcnt bswap "},
    {kIgnoresVvvv,
     "vmovhps vmovhpd vucomiss vucomisd vcomiss vcomisd vsqrtps vsqrtpd vroundps vroundpd "},
    {kOnly128, "vpslldq vpsrldq "},
    {kRegisterOnly256, "vmovss vmovsd "},
    {kOnlyMemory, "vextractps "},
};

bool Contains(std::string_view words, std::string_view word) {
  if (word.empty()) return false;
  for (size_t at = 0; at < words.size();) {
    size_t end = words.find(' ', at);
    if (words.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

// "vfmadd" + "213" + "ps".
bool IsFma(std::string_view word, std::string_view stems, std::string_view elements) {
  constexpr size_t kOrderAndElement = 5;
  if (word.size() <= kOrderAndElement) return false;
  size_t stem_size = word.size() - kOrderAndElement;
  return Contains(stems, word.substr(0, stem_size)) &&
         Contains(kFmaOrders, word.substr(stem_size, 3)) &&
         Contains(elements, word.substr(stem_size + 3));
}

bool IsAllowed(std::string_view word) {
  for (std::string_view words : {kInteger, kX87, kMmxAnd3dnow, kSse, kSseLater, kAvx}) {
    if (Contains(words, word)) return true;
  }
  if (word.starts_with('v') && Contains(kAvxFromSse, word.substr(1))) return true;
  return IsFma(word, kFmaScalarAndPacked, kFmaElements) ||
         IsFma(word, kFmaPacked, kFmaPackedElements);
}

}  // namespace

uint32_t TraitsOf(std::string_view mnemonic) {
  if (!IsAllowed(mnemonic)) return 0;
  uint32_t traits = kAllowed;
  if (mnemonic.starts_with('v')) traits |= kVexOnly;
  for (const WordList& list : kTraitLists) {
    if (Contains(list.words, mnemonic)) traits |= list.traits;
  }
  return traits;
}

}  // namespace zvm::oracle
