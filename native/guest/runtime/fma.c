/* fma and fmaf: x * y + z rounded once, in every rounding direction. In integers: newlib's own
 * round the product too. With -mfma the compiler uses the instruction instead. */
#include <fenv.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 wide;

enum {
  kFractionBits = 52,
  kExponentMask = 0x7ff,
  kExponentBias = 1023,
  kTop = 125,      /* where the leading bit stands before the sum: one bit is left for its carry */
  kWideBits = 128
};

/* (-1)^negative * digits * 2^exponent */
struct number {
  wide digits;
  int exponent;
  bool negative;
};

/* What is rounded to: so many bits, the least of them worth at least 2^least. */
struct format {
  int precision;
  int least;
};

static uint64_t BitsOf(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static struct number Unpack(double value) {
  const uint64_t bits = BitsOf(value);
  const int exponent = (int)(bits >> kFractionBits) & kExponentMask;
  const uint64_t one = (uint64_t)1 << kFractionBits;
  const uint64_t fraction = bits & (one - 1);
  return (struct number){.digits = exponent == 0 ? fraction : fraction | one,
                         .exponent = (exponent == 0 ? 1 : exponent) - kExponentBias - kFractionBits,
                         .negative = bits >> 63 != 0};
}

/* The index of the leading bit; digits is not 0. */
static int LeadingBit(wide digits) {
  const uint64_t high = (uint64_t)(digits >> 64);
  return high != 0 ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll((uint64_t)digits);
}

/* Shifts right; the last bit tells whether anything was lost. */
static wide ShiftSticky(wide digits, int by) {
  if (by == 0) return digits;
  if (by >= kWideBits) return digits != 0;
  return digits >> by | ((digits & (((wide)1 << by) - 1)) != 0);
}

static void Normalise(struct number *number) {
  if (number->digits == 0) return;
  const int by = kTop - LeadingBit(number->digits);
  number->digits <<= by;
  number->exponent -= by;
}

/* a + b for normalised numbers, a not 0. Where bits are lost, at most one leading bit cancels, and
 * the lost ones are far below what any format keeps. */
static struct number Add(struct number a, struct number b) {
  if (b.digits == 0) return a;
  if (a.exponent < b.exponent || (a.exponent == b.exponent && a.digits < b.digits)) {
    const struct number other = a;
    a = b;
    b = other;
  }
  b.digits = ShiftSticky(b.digits, a.exponent - b.exponent);
  a.digits = a.negative == b.negative ? a.digits + b.digits : a.digits - b.digits;
  return a;
}

/* 2^exponent for a normal result. */
static double PowerOfTwo(int exponent) {
  const uint64_t bits = (uint64_t)(exponent + kExponentBias) << kFractionBits;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static bool RoundsAway(bool negative, bool odd, wide rest, wide half) {
  switch (fegetround()) {
    case FE_UPWARD: return !negative && rest != 0;
    case FE_DOWNWARD: return negative && rest != 0;
    case FE_TOWARDZERO: return false;
    default: return rest > half || (rest == half && odd);
  }
}

static double Round(struct number number, struct format format) {
  const int top = number.exponent + LeadingBit(number.digits);
  int unit = top - (format.precision - 1);
  if (unit < format.least) unit = format.least;
  int by = unit - number.exponent;
  if (by <= 0) {
    unit = number.exponent;
  } else {
    if (by > kWideBits - 2) { /* less than a quarter of the unit */
      number.digits = 1;
      by = kWideBits - 2;
    }
    const wide rest = number.digits & (((wide)1 << by) - 1);
    number.digits >>= by;
    if (rest != 0) feraiseexcept(FE_INEXACT | (unit == format.least ? FE_UNDERFLOW : 0));
    number.digits += RoundsAway(number.negative, number.digits & 1, rest, (wide)1 << (by - 1));
  }
  /* In two steps: neither power leaves the range, and only an overflow is inexact. */
  const double digits = (double)(uint64_t)number.digits;
  return (number.negative ? -digits : digits) * PowerOfTwo(unit / 2) *
         PowerOfTwo(unit - unit / 2);
}

static double Fuse(double x, double y, double z, struct format format) {
  if (!isfinite(x) || !isfinite(y) || x == 0 || y == 0) return x * y + z;
  if (!isfinite(z)) return z; /* the product may overflow, but has no weight */
  const struct number a = Unpack(x), b = Unpack(y);
  struct number product = {a.digits * b.digits, a.exponent + b.exponent, a.negative != b.negative};
  struct number addend = Unpack(z);
  Normalise(&product);
  Normalise(&addend);
  const struct number sum = Add(product, addend);
  /* The sign of an exact zero is a matter of the rounding direction. */
  if (sum.digits == 0) return z - z;
  return Round(sum, format);
}

double fma(double x, double y, double z) {
  return Fuse(x, y, z, (struct format){.precision = 53, .least = -1074});
}

float fmaf(float x, float y, float z) {
  return (float)Fuse(x, y, z, (struct format){.precision = 24, .least = -149});
}

long double fmal(long double x, long double y, long double z) {
  return fma((double)x, (double)y, (double)z);
}
