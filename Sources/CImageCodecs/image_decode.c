#include "codec_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void image_say(char *message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, IMAGE_MESSAGE_LENGTH, format, arguments);
    va_end(arguments);
    // A library's text may quote bytes of the file: keep the line printable.
    for (char *c = message; *c; c++) {
        if ((unsigned char)*c < 32 || (unsigned char)*c > 126) *c = '?';
    }
}

image_status image_allocate(uint64_t width, uint64_t height, uint64_t most_pixels, image_pixels *image, char *message) {
    if (width == 0 || height == 0 || width > INT32_MAX / 4 || height > INT32_MAX / 4) {
        image_say(message, "impossible size %llu x %llu", (unsigned long long)width, (unsigned long long)height);
        return IMAGE_CORRUPT;
    }
    if (width * height > most_pixels) {
        image_say(message, "%llu x %llu pixels, more than the limit of %llu million", (unsigned long long)width,
            (unsigned long long)height, (unsigned long long)(most_pixels / 1000000));
        return IMAGE_TOO_LARGE;
    }
    uint64_t bytes = width * height * 3;
    image->pixels = bytes < SIZE_MAX - IMAGE_PADDING ? malloc((size_t)bytes + IMAGE_PADDING) : NULL;
    if (!image->pixels) {
        image_say(message, "no memory for %llu x %llu pixels", (unsigned long long)width, (unsigned long long)height);
        return IMAGE_OUT_OF_MEMORY;
    }
    memset(image->pixels + bytes, 0, IMAGE_PADDING);
    image->width = (int32_t)width;
    image->height = (int32_t)height;
    return IMAGE_OK;
}

static int begins(const uint8_t *data, size_t length, size_t at, const char *mark, size_t mark_length) {
    return length >= at + mark_length && memcmp(data + at, mark, mark_length) == 0;
}

image_status image_decode(const uint8_t *data, size_t length, uint64_t most_pixels, image_pixels *image, char *message) {
    image->pixels = NULL;
    image->width = 0;
    image->height = 0;
    message[0] = 0;
    if (length == 0) {
        image_say(message, "the file is empty");
        return IMAGE_EMPTY;
    }
    if (begins(data, length, 0, "\xff\xd8\xff", 3)) return image_decode_jpeg(data, length, most_pixels, image, message);
    if (begins(data, length, 0, "\x89PNG\r\n\x1a\n", 8)) return image_decode_png(data, length, most_pixels, image, message);

    const char *format = NULL;
    if (begins(data, length, 0, "RIFF", 4) && begins(data, length, 8, "WEBP", 4)) format = "WebP";
    else if (begins(data, length, 0, "GIF8", 4)) format = "GIF";
    else if (begins(data, length, 0, "BM", 2)) format = "BMP";
    else if (begins(data, length, 0, "II*\0", 4) || begins(data, length, 0, "MM\0*", 4)) format = "TIFF";
    else if (begins(data, length, 4, "ftypavif", 8)) format = "AVIF";
    else if (begins(data, length, 4, "ftyphei", 7) || begins(data, length, 4, "ftypmif1", 8)) format = "HEIF";
    else if (begins(data, length, 0, "\0\0\0\x0cjP  ", 8)) format = "JPEG 2000";
    else if (begins(data, length, 0, "\xff\x0a", 2)) format = "JPEG XL";
    else if (begins(data, length, 0, "%PDF", 4)) format = "PDF";
    if (format) {
        image_say(message, "unsupported format %s", format);
        return IMAGE_UNSUPPORTED;
    }
    // A file cut within its own signature.
    if (length < 8 && (memcmp(data, "\x89PNG\r\n\x1a\n", length) == 0 || memcmp(data, "\xff\xd8\xff", length < 3 ? length : 3) == 0)) {
        image_say(message, "the file ends after %zu bytes", length);
        return IMAGE_TRUNCATED;
    }
    image_say(message, "neither JPEG nor PNG");
    return IMAGE_UNSUPPORTED;
}
