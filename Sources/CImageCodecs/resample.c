#include "image_codecs.h"

#include <string.h>

// One copy for each generation of vector instructions, chosen when the program starts (before a sanitizer is ready for it).
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FOR_EACH_MACHINE
#elif defined(__x86_64__) && defined(__linux__) && __has_attribute(target_clones)
#define FOR_EACH_MACHINE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_MACHINE
#endif

enum { PRECISION = 22, BLOCK = 64 };

typedef uint8_t bytes4 __attribute__((ext_vector_type(4)));
typedef int32_t lanes4 __attribute__((ext_vector_type(4)));

static inline uint8_t clipped(int32_t sum) {
    int32_t value = sum >> PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// A pixel is loaded as four bytes, the fourth belonging to its neighbour (or to the padding): one multiplication
// serves the three channels.
FOR_EACH_MACHINE
void image_resample_horizontal(
    const uint8_t *source, size_t source_stride, int32_t rows, int32_t columns, int32_t taps, const int32_t *first, const int32_t *count,
    const int32_t *weights, uint8_t *out) {
    for (int32_t y = 0; y < rows; y++) {
        const uint8_t *line = source + source_stride * (size_t)y;
        for (int32_t x = 0; x < columns; x++) {
            const uint8_t *pixel = line + 3 * (size_t)first[x];
            const int32_t *weight = weights + (size_t)taps * (size_t)x;
            lanes4 sum = 1 << (PRECISION - 1), other = 0;
            int32_t k = 0, n = count[x];
            for (; k + 1 < n; k += 2) {
                bytes4 a, b;
                memcpy(&a, pixel + 3 * k, 4);
                memcpy(&b, pixel + 3 * k + 3, 4);
                sum += __builtin_convertvector(a, lanes4) * weight[k];
                other += __builtin_convertvector(b, lanes4) * weight[k + 1];
            }
            if (k < n) {
                bytes4 a;
                memcpy(&a, pixel + 3 * k, 4);
                sum += __builtin_convertvector(a, lanes4) * weight[k];
            }
            sum += other;
            out[0] = clipped(sum.x);
            out[1] = clipped(sum.y);
            out[2] = clipped(sum.z);
            out += 3;
        }
    }
}

FOR_EACH_MACHINE
void image_resample_vertical(
    const uint8_t *source, size_t source_stride, int32_t row_bytes, int32_t rows, int32_t taps, const int32_t *first, const int32_t *count,
    const int32_t *weights, uint8_t *out) {
    for (int32_t y = 0; y < rows; y++) {
        const uint8_t *top = source + source_stride * (size_t)first[y];
        const int32_t *weight = weights + (size_t)taps * (size_t)y;
        int32_t n = count[y], x = 0;
        for (; x + BLOCK <= row_bytes; x += BLOCK) {
            int32_t sum[BLOCK];
            for (int i = 0; i < BLOCK; i++) sum[i] = 1 << (PRECISION - 1);
            for (int32_t k = 0; k < n; k++) {
                const uint8_t *line = top + source_stride * (size_t)k + x;
                int32_t w = weight[k];
                for (int i = 0; i < BLOCK; i++) sum[i] += w * line[i];
            }
            for (int i = 0; i < BLOCK; i++) out[x + i] = clipped(sum[i]);
        }
        for (; x < row_bytes; x++) {
            int32_t sum = 1 << (PRECISION - 1);
            for (int32_t k = 0; k < n; k++) sum += weight[k] * top[source_stride * (size_t)k + x];
            out[x] = clipped(sum);
        }
        out += row_bytes;
    }
}

void image_normalise(const uint8_t *pixels, int32_t width, int32_t height, int32_t flip, const float *table, float *planes) {
    size_t plane = (size_t)width * (size_t)height;
    for (int32_t y = 0; y < height; y++) {
        const uint8_t *line = pixels + 3 * (size_t)width * (size_t)y;
        float *red = planes + (size_t)width * (size_t)y, *green = red + plane, *blue = green + plane;
        for (int32_t x = 0; x < width; x++) {
            const uint8_t *pixel = line + 3 * (size_t)(flip ? width - 1 - x : x);
            red[x] = table[pixel[0]];
            green[x] = table[256 + pixel[1]];
            blue[x] = table[512 + pixel[2]];
        }
    }
}
