#pragma once

#include "image_codecs.h"

/// Formats `text` into a message buffer of IMAGE_MESSAGE_LENGTH bytes.
void image_say(char *message, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// Allocates (height, width, 3) bytes plus padding after checking the limit; both sides are above 0.
image_status image_allocate(uint64_t width, uint64_t height, uint64_t most_pixels, image_pixels *image, char *message);

image_status image_decode_jpeg(const uint8_t *data, size_t length, uint64_t most_pixels, image_pixels *image, char *message);
image_status image_decode_png(const uint8_t *data, size_t length, uint64_t most_pixels, image_pixels *image, char *message);
