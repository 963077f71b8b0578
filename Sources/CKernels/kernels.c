#include "kernels.h"
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__) && defined(__ELF__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif
#define REASSOCIATE _Pragma("clang fp reassociate(on) contract(fast)")

// exp for single precision: 2^n * e^r with |r| <= ln 2 / 2, e^r by its Taylor series up to r^7 (truncation 7e-9).
// Relative error below 1.5e-7 over [-87, 88]; beyond that it is clamped; NaN stays NaN.
static inline __attribute__((always_inline)) float exp_single(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float shifted = x * 1.44269504088896341f + 12582912.0f;
    float n = shifted - 12582912.0f;
    float r = x - n * 0.693145751953125f;
    r = r - n * 1.42860682030941723e-6f;
    float p = 1.0f / 5040.0f;
    p = p * r + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    int32_t bits;
    memcpy(&bits, &shifted, 4);
    // The low bits of `shifted` hold n as an integer: shift them into the exponent.
    int32_t scaled = (int32_t)((uint32_t)bits << 23) + 0x3f800000;
    float scale;
    memcpy(&scale, &scaled, 4);
    return p * scale;
}

// erf for single precision: a polynomial in x^2 for |x| < 1, one in 1 / (1 + 0.4 x) times exp(-x^2) beyond.

#include "erf.inc"

#define R float
#define N(name) name##_f32
#define EXP exp_single
#define ERF erf_single
#define SQRT sqrtf
#define LOG logf
#include "body.inc"
#undef R
#undef N
#undef EXP
#undef ERF
#undef SQRT
#undef LOG

#define R double
#define N(name) name##_f64
#define EXP exp
#define ERF erf
#define SQRT sqrt
#define LOG log
#include "body.inc"

CLONES void mk_from_half(const uint16_t *x, long count, float *y) {
    for (long i = 0; i < count; i++) {
        // Shift the half's exponent and fraction into a float and multiply by 2^112 to correct the exponent's offset;
        // subnormals come out right, infinity and NaN get the float's own exponent.
        uint32_t h = x[i], magnitude = (h & 0x7fffu) << 13, sign = (h & 0x8000u) << 16;
        float f, scale;
        uint32_t scale_bits = 0x77800000u;
        memcpy(&f, &magnitude, 4);
        memcpy(&scale, &scale_bits, 4);
        f *= scale;
        uint32_t bits;
        memcpy(&bits, &f, 4);
        bits |= (h & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u;
        bits |= sign;
        memcpy(&y[i], &bits, 4);
    }
}

CLONES void mk_from_bfloat(const uint16_t *x, long count, float *y) {
    for (long i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)x[i] << 16;
        memcpy(&y[i], &bits, 4);
    }
}

static _Atomic int64_t arithmetic;

void mk_count_arithmetic(int64_t operations) {
    atomic_fetch_add_explicit(&arithmetic, operations, memory_order_relaxed);
}
int64_t mk_arithmetic(void) { return atomic_load_explicit(&arithmetic, memory_order_relaxed); }
void mk_reset_arithmetic(void) { atomic_store_explicit(&arithmetic, 0, memory_order_relaxed); }
