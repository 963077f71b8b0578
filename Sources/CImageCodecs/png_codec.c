#include "codec_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

typedef struct {
    jmp_buf leave;
    image_status status;
    char *message;
    const uint8_t *data;
    size_t length;
    size_t position;
} png_state;

static void on_error(png_structp png, png_const_charp text) {
    png_state *state = png_get_error_ptr(png);
    if (state->status == IMAGE_OK) {
        // zlib ran out of input although every byte of the chunks was handed over.
        int ended = strstr(text, "Not enough image data") != NULL || strstr(text, "Read Error") != NULL;
        state->status = ended ? IMAGE_TRUNCATED : IMAGE_CORRUPT;
        image_say(state->message, "%s PNG: %s", ended ? "truncated" : "corrupt", text);
    }
    longjmp(state->leave, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
    png_state *state = png_get_io_ptr(png);
    if (count > state->length - state->position) {
        state->status = IMAGE_TRUNCATED;
        image_say(state->message, "truncated PNG: the data ends after %zu bytes", state->length);
        longjmp(state->leave, 1);
    }
    memcpy(out, state->data + state->position, count);
    state->position += count;
}

static void stop(png_state *state, image_status status) {
    state->status = status;
    longjmp(state->leave, 1);
}

// Gamma, profiles, texts and times change nothing here, and profiles and texts may unpack to any size.
static const png_byte ignored_chunks[] =
    "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0sTER\0tEXt\0tIME\0zTXt";

image_status image_decode_png(const uint8_t *data, size_t length, uint64_t most_pixels, image_pixels *image, char *message) {
    png_state state = {.status = IMAGE_OK, .message = message, .data = data, .length = length, .position = 0};
    png_structp volatile png = NULL;
    png_infop volatile info = NULL;
    uint8_t *volatile wide = NULL;

    if (setjmp(state.leave)) {
        png_structp doomed = png;
        png_infop doomed_info = info;
        if (doomed) png_destroy_read_struct(&doomed, doomed_info ? &doomed_info : NULL, NULL);
        free(wide);
        free(image->pixels);
        image->pixels = NULL;
        return state.status == IMAGE_OK ? IMAGE_CORRUPT : state.status;
    }
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    if (!png || !info) {
        image_say(message, "no memory for the PNG decoder");
        stop(&state, IMAGE_OUT_OF_MEMORY);
    }
    png_set_read_fn(png, &state, read_bytes);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_chunk_cache_max(png, 64);
    png_set_chunk_malloc_max(png, 8 << 20);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, ignored_chunks, sizeof ignored_chunks / 5);
    png_read_info(png, info);

    png_uint_32 width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    int depth = png_get_bit_depth(png, info), colour = png_get_color_type(png, info);
    // deflate makes at most 1032 bytes of one.
    uint64_t stored_bits = (uint64_t)width * height * (uint64_t)depth * png_get_channels(png, info);
    if ((uint64_t)width * height <= most_pixels && stored_bits / 8 / 1040 > length) {
        image_say(message, "truncated PNG: %zu bytes cannot hold %u x %u pixels", length, width, height);
        stop(&state, IMAGE_TRUNCATED);
    }
    image_status status = image_allocate(width, height, most_pixels, image, message);
    if (status != IMAGE_OK) stop(&state, status);

    // 16-bit grey without alpha is clipped at 255 and every other 16-bit kind keeps its high byte, as PIL converts to RGB.
    int is_wide_grey = depth == 16 && colour == PNG_COLOR_TYPE_GRAY;
    if (is_wide_grey) {
        wide = calloc((size_t)width * height, 2);
        if (!wide) {
            image_say(message, "no memory for %u x %u pixels", width, height);
            stop(&state, IMAGE_OUT_OF_MEMORY);
        }
    } else {
        if (depth == 16) png_set_strip_16(png);
        if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
        if (colour == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
        if (colour == PNG_COLOR_TYPE_GRAY || colour == PNG_COLOR_TYPE_GRAY_ALPHA) png_set_gray_to_rgb(png);
        // Transparency is dropped, never blended; a palette's comes with its expansion.
        if (colour & PNG_COLOR_MASK_ALPHA || colour == PNG_COLOR_TYPE_PALETTE) png_set_strip_alpha(png);
    }
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = is_wide_grey ? (size_t)width * 2 : (size_t)width * 3;
    if (png_get_rowbytes(png, info) != stride) {
        image_say(message, "corrupt PNG: rows of %zu bytes where %zu belong", (size_t)png_get_rowbytes(png, info), stride);
        stop(&state, IMAGE_CORRUPT);
    }
    uint8_t *out = is_wide_grey ? wide : image->pixels;
    // Early passes of an interlaced image combine with what stands in the row.
    if (passes > 1) memset(out, 0, stride * height);
    for (int pass = 0; pass < passes; pass++) {
        for (png_uint_32 y = 0; y < height; y++) png_read_row(png, out + stride * y, NULL);
    }
    if (is_wide_grey) {
        size_t count = (size_t)width * height;
        for (size_t i = 0; i < count; i++) {
            uint8_t value = wide[2 * i] ? 255 : wide[2 * i + 1];
            image->pixels[3 * i] = image->pixels[3 * i + 1] = image->pixels[3 * i + 2] = value;
        }
    }
    png_structp done = png;
    png_infop done_info = info;
    png_destroy_read_struct(&done, &done_info, NULL);
    free(wide);
    return IMAGE_OK;
}

/// Writes to an open file, which stays open. `state` has its message set.
static image_status write_png(FILE *file, png_state *state, const uint8_t *pixels, int32_t width, int32_t height, int32_t compression) {
    png_structp volatile png = NULL;
    png_infop volatile info = NULL;
    if (setjmp(state->leave)) {
        png_structp doomed = png;
        png_infop doomed_info = info;
        if (doomed) png_destroy_write_struct(&doomed, doomed_info ? &doomed_info : NULL);
        return IMAGE_NOT_WRITTEN;
    }
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, state, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    if (!png || !info) {
        image_say(state->message, "no memory for the PNG encoder");
        stop(state, IMAGE_NOT_WRITTEN);
    }
    png_init_io(png, file);
    png_set_compression_level(png, compression);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
        PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int32_t y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * (size_t)width * 3);
    png_write_end(png, info);
    png_structp done = png;
    png_infop done_info = info;
    png_destroy_write_struct(&done, &done_info);
    return IMAGE_OK;
}

image_status image_write_png(const char *path, const uint8_t *pixels, int32_t width, int32_t height, int32_t compression, char *message) {
    png_state state = {.status = IMAGE_OK, .message = message};
    message[0] = 0;
    FILE *file = fopen(path, "wb");
    if (!file) {
        image_say(message, "%s", strerror(errno));
        return IMAGE_NOT_WRITTEN;
    }
    image_status status = write_png(file, &state, pixels, width, height, compression);
    if (fclose(file) != 0 && status == IMAGE_OK) {
        image_say(message, "%s", strerror(errno));
        status = IMAGE_NOT_WRITTEN;
    }
    if (status != IMAGE_OK) remove(path);
    return status;
}

image_status image_encode_png(
    const uint8_t *pixels, int32_t width, int32_t height, int32_t compression, uint8_t **data, size_t *length, char *message) {
    png_state state = {.status = IMAGE_OK, .message = message};
    message[0] = 0;
    char *bytes = NULL;
    size_t count = 0;
    FILE *file = open_memstream(&bytes, &count);
    if (!file) {
        image_say(message, "%s", strerror(errno));
        return IMAGE_NOT_WRITTEN;
    }
    image_status status = write_png(file, &state, pixels, width, height, compression);
    if (fclose(file) != 0 && status == IMAGE_OK) {
        image_say(message, "%s", strerror(errno));
        status = IMAGE_NOT_WRITTEN;
    }
    if (status != IMAGE_OK) {
        free(bytes);
        return status;
    }
    *data = (uint8_t *)bytes;
    *length = count;
    return IMAGE_OK;
}

const char *image_png_version(void) { return png_libpng_ver; }
