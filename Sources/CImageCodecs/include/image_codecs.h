#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a decoder found. Anything but `IMAGE_OK` leaves no memory behind.
typedef enum {
    IMAGE_OK = 0,
    /// No bytes at all.
    IMAGE_EMPTY = 1,
    /// The data ends before the image does.
    IMAGE_TRUNCATED = 2,
    /// The data breaks its format's rules.
    IMAGE_CORRUPT = 3,
    /// Width x height is above the caller's limit.
    IMAGE_TOO_LARGE = 4,
    /// A known image format that is not read here, or none at all; the message names it.
    IMAGE_UNSUPPORTED = 5,
    IMAGE_OUT_OF_MEMORY = 6,
    /// Writing failed; the message says why.
    IMAGE_NOT_WRITTEN = 7,
} image_status;

/// Bytes that follow the last pixel, so that four bytes may be loaded at any pixel.
#define IMAGE_PADDING 16
#define IMAGE_MESSAGE_LENGTH 200

/// RGB8 pixels, row by row without gaps: (height, width, 3), in malloc'd memory with IMAGE_PADDING bytes behind it.
typedef struct {
    uint8_t *pixels;
    int32_t width;
    int32_t height;
} image_pixels;

/// Decodes a JPEG or PNG, told apart by content. `message` (IMAGE_MESSAGE_LENGTH bytes) gets one line on failure.
image_status image_decode(const uint8_t *data, size_t length, uint64_t most_pixels, image_pixels *image, char *message);

/// Writes RGB8 pixels as a PNG file at `path`. `compression` is zlib's level, 0 to 9.
image_status image_write_png(const char *path, const uint8_t *pixels, int32_t width, int32_t height, int32_t compression, char *message);

/// The same into memory: on success `data` holds `length` malloc'd bytes.
image_status image_encode_png(
    const uint8_t *pixels, int32_t width, int32_t height, int32_t compression, uint8_t **data, size_t *length, char *message);

/// Names of the libraries in use, as "1.6.39".
const char *image_png_version(void);
/// The JPEG library's API level and, where it is libjpeg-turbo, its version: "libjpeg-turbo 2.1.5 (API 62)".
const char *image_jpeg_version(void);

/// Horizontal pass of a separable 8-bit resampling: for each of `rows` rows and `columns` outputs,
/// out = clip((half + sum_k weight[column][k] * pixel[first[column] + k]) >> 22), for each of the three channels.
/// `source` rows are `source_stride` bytes apart and have IMAGE_PADDING readable bytes behind the last one.
/// `weights` is (columns, taps); `count[column]` of them are used. `out` is (rows, columns, 3) plus IMAGE_PADDING bytes.
void image_resample_horizontal(
    const uint8_t *source, size_t source_stride, int32_t rows, int32_t columns, int32_t taps, const int32_t *first, const int32_t *count,
    const int32_t *weights, uint8_t *out);

/// Vertical pass: each of `rows` output rows is a weighted sum of `count[row]` source rows from `first[row]` on.
/// Source rows are `source_stride` bytes apart, output rows are `row_bytes` long without gaps.
void image_resample_vertical(
    const uint8_t *source, size_t source_stride, int32_t row_bytes, int32_t rows, int32_t taps, const int32_t *first, const int32_t *count,
    const int32_t *weights, uint8_t *out);

/// RGB8 (height, width, 3) to planes (3, height, width) through `table` (3, 256); `flip` mirrors left to right.
void image_normalise(const uint8_t *pixels, int32_t width, int32_t height, int32_t flip, const float *table, float *planes);

#ifdef __cplusplus
}
#endif
