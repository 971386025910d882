/* payload.c - returns, loads and events as they are stored: an LZ4 frame that
 * says its content's size and carries a checksum of it. */
#include "apv_payload.h"

#include <stdlib.h>

#include <lz4frame.h>

bool
apv_payload_compress(apv_span data, char **frame, size_t *size_bytes, apv_err *err)
{
    LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
    preferences.frameInfo.contentSize = data.size;
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;

    size_t bound = LZ4F_compressFrameBound(data.size, &preferences);
    char *made = malloc(bound);
    if (made == NULL)
        return apv_fail_memory(err);
    size_t size = LZ4F_compressFrame(made, bound, data.data, data.size, &preferences);
    if (LZ4F_isError(size)) {
        free(made);
        return apv_fail_memory(err);
    }
    *frame = made;
    *size_bytes = size;
    return true;
}

bool
apv_payload_decompress(apv_span frame, size_t max_bytes, char **data, size_t *size_bytes,
                       apv_err *err)
{
    LZ4F_dctx *context = NULL;
    LZ4F_frameInfo_t info;
    size_t read = frame.size, filled = 0, left;
    char *made = NULL;
    bool ok = false;

    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) {
        apv_fail_memory(err);
        goto done;
    }
    left = LZ4F_getFrameInfo(context, &info, frame.data, &read);
    if (LZ4F_isError(left))
        goto malformed;
    if (info.contentSize > max_bytes) {
        apv_fail(err, APV_ERR_LIMIT, "the payload is larger than %zu bytes", max_bytes);
        goto done;
    }
    made = malloc((size_t)info.contentSize + 1);
    if (made == NULL) {
        apv_fail_memory(err);
        goto done;
    }
    while (left != 0) {
        size_t taken = frame.size - read, given = (size_t)info.contentSize - filled;
        left = LZ4F_decompress(context, made + filled, &given, frame.data + read, &taken, NULL);
        if (LZ4F_isError(left) || (taken == 0 && given == 0))
            goto malformed;
        read += taken;
        filled += given;
    }
    if (filled != info.contentSize || read != frame.size)
        goto malformed;
    *data = made;
    *size_bytes = filled;
    made = NULL;
    ok = true;
    goto done;

malformed:
    apv_fail(err, APV_ERR_INVALID, "the payload is not a whole LZ4 frame");
done:
    free(made);
    LZ4F_freeDecompressionContext(context);
    return ok;
}
