#include "codec_internal.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

// A progressive file may repeat scans without end over a large image: real encoders write about ten.
enum { MOST_SCANS = 300 };

typedef struct {
    struct jpeg_error_mgr library;
    jmp_buf leave;
    image_status status;
    char *message;
} jpeg_errors;

typedef struct {
    struct jpeg_progress_mgr library;
    jpeg_errors *errors;
} jpeg_progress;

static void leave_with_library_text(j_common_ptr info, image_status status, const char *prefix) {
    jpeg_errors *errors = (jpeg_errors *)info->err;
    char text[JMSG_LENGTH_MAX];
    errors->library.format_message(info, text);
    image_say(errors->message, "%s%s", prefix, text);
    errors->status = status;
    longjmp(errors->leave, 1);
}

static void on_error(j_common_ptr info) {
    switch (info->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE: leave_with_library_text(info, IMAGE_OUT_OF_MEMORY, ""); break;
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY: leave_with_library_text(info, IMAGE_TRUNCATED, "truncated JPEG: "); break;
    default: leave_with_library_text(info, IMAGE_CORRUPT, "corrupt JPEG: "); break;
    }
}

/// Lost picture data is an error; a stray byte between segments or an odd header field is not.
static void on_message(j_common_ptr info, int level) {
    if (level >= 0) return;
    info->err->num_warnings++;
    switch (info->err->msg_code) {
    case JWRN_JPEG_EOF: leave_with_library_text(info, IMAGE_TRUNCATED, "truncated JPEG: "); break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION: leave_with_library_text(info, IMAGE_CORRUPT, "corrupt JPEG: "); break;
    default: break;
    }
}

static void print_nothing(j_common_ptr info) { (void)info; }

static void on_progress(j_common_ptr info) {
    if (!info->is_decompressor) return;
    j_decompress_ptr decoder = (j_decompress_ptr)info;
    if (decoder->input_scan_number <= MOST_SCANS) return;
    jpeg_errors *errors = ((jpeg_progress *)info->progress)->errors;
    image_say(errors->message, "corrupt JPEG: more than %d scans", MOST_SCANS);
    errors->status = IMAGE_CORRUPT;
    longjmp(errors->leave, 1);
}

/// a * b / 255, rounded; exact for bytes.
static inline uint8_t scaled(uint32_t a, uint32_t b) {
    uint32_t product = a * b + 128;
    return (uint8_t)(((product >> 8) + product) >> 8);
}

/// Adobe writes CMYK inverted (0 is full ink), so the stored bytes are already 255-c and 255-k.
static void cmyk_row_to_rgb(const uint8_t *cmyk, uint8_t *rgb, int32_t width) {
    for (int32_t x = 0; x < width; x++) {
        uint32_t k = cmyk[4 * x + 3];
        rgb[3 * x + 0] = scaled(cmyk[4 * x + 0], k);
        rgb[3 * x + 1] = scaled(cmyk[4 * x + 1], k);
        rgb[3 * x + 2] = scaled(cmyk[4 * x + 2], k);
    }
}

image_status image_decode_jpeg(const uint8_t *data, size_t length, uint64_t most_pixels, image_pixels *image, char *message) {
    struct jpeg_decompress_struct decoder;
    jpeg_errors errors;
    jpeg_progress progress;
    // Written after setjmp and read after longjmp.
    uint8_t *volatile row = NULL;

    memset(&decoder, 0, sizeof decoder);
    memset(&progress, 0, sizeof progress);
    decoder.err = jpeg_std_error(&errors.library);
    errors.library.error_exit = on_error;
    errors.library.emit_message = on_message;
    errors.library.output_message = print_nothing;
    errors.status = IMAGE_CORRUPT;
    errors.message = message;
    if (setjmp(errors.leave)) {
        jpeg_destroy_decompress(&decoder);
        free(row);
        free(image->pixels);
        image->pixels = NULL;
        return errors.status;
    }

    jpeg_create_decompress(&decoder);
    progress.library.progress_monitor = on_progress;
    progress.errors = &errors;
    decoder.progress = &progress.library;
    jpeg_mem_src(&decoder, (unsigned char *)data, (unsigned long)length);
    jpeg_read_header(&decoder, TRUE);

    // Huffman coding spends at least a bit on each block of 64 values: far fewer bytes than that cannot hold the
    // picture, and nothing of its size is allocated.
    uint64_t pixels = (uint64_t)decoder.image_width * decoder.image_height;
    if (pixels <= most_pixels && !decoder.arith_code && pixels / 2048 > length) {
        image_say(message, "truncated JPEG: %zu bytes cannot hold %u x %u pixels", length, decoder.image_width, decoder.image_height);
        errors.status = IMAGE_TRUNCATED;
        longjmp(errors.leave, 1);
    }
    image_status status = image_allocate(decoder.image_width, decoder.image_height, most_pixels, image, message);
    if (status != IMAGE_OK) {
        errors.status = status;
        longjmp(errors.leave, 1);
    }

    int is_cmyk = decoder.jpeg_color_space == JCS_CMYK || decoder.jpeg_color_space == JCS_YCCK;
    decoder.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    decoder.dct_method = JDCT_ISLOW;
    decoder.do_fancy_upsampling = TRUE;
    jpeg_start_decompress(&decoder);
    if (decoder.output_width != (JDIMENSION)image->width || decoder.output_height != (JDIMENSION)image->height
        || decoder.output_components != (is_cmyk ? 4 : 3)) {
        image_say(message, "corrupt JPEG: its size changes while it is read");
        longjmp(errors.leave, 1);
    }
    if (is_cmyk) {
        row = malloc((size_t)image->width * 4);
        if (!row) {
            image_say(message, "no memory for a row of %d pixels", image->width);
            errors.status = IMAGE_OUT_OF_MEMORY;
            longjmp(errors.leave, 1);
        }
    }
    size_t stride = (size_t)image->width * 3;
    while (decoder.output_scanline < decoder.output_height) {
        uint8_t *out = image->pixels + stride * decoder.output_scanline;
        JSAMPROW target = is_cmyk ? row : out;
        if (jpeg_read_scanlines(&decoder, &target, 1) != 1) {
            image_say(message, "truncated JPEG: no more rows after %u of %u", decoder.output_scanline, decoder.output_height);
            errors.status = IMAGE_TRUNCATED;
            longjmp(errors.leave, 1);
        }
        if (is_cmyk) cmyk_row_to_rgb(row, out, image->width);
    }
    // The rows are whole: what follows them (or the lack of an end marker) does not matter.
    jpeg_destroy_decompress(&decoder);
    free(row);
    return IMAGE_OK;
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *image_jpeg_version(void) {
#ifdef LIBJPEG_TURBO_VERSION
    return "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION) " (API " TEXT(JPEG_LIB_VERSION) ")";
#else
    return "libjpeg (API " TEXT(JPEG_LIB_VERSION) ")";
#endif
}
