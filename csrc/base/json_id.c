/* SPDX-License-Identifier: MIT
 *
 * One pass over the text, whole tokens at a time: strings are stepped over with their escapes, a run of
 * characters that can be part of a number or a word is taken whole and looked at once it has ended, so
 * "1e15",
 * "-0.123456789012345" and "x123456789012345" are left as they are. */
#include "base/json_id.h"

static bool in_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.' || c == '_';
}

/* A token of JSON's integer form with enough digits: -?(0|[1-9][0-9]*) */
static bool is_long_integer(const char *word, size_t len)
{
    size_t sign = word[0] == '-';
    if (len < sign + JSON_ID_DIGITS || word[sign] == '0')
        return false;
    for (size_t i = sign; i < len; i++)
        if (word[i] < '0' || word[i] > '9')
            return false;
    return true;
}

static size_t string_end(const char *json, size_t i, size_t len)
{
    for (i++; i < len && json[i] != '"'; i++)
        if (json[i] == '\\' && i + 1 < len)
            i++;
    return i < len ? i + 1 : len;
}

bool json_id_quote(struct buf *out, const char *json, size_t len)
{
    size_t copied = 0;
    size_t i = 0;
    while (i < len) {
        if (json[i] == '"') {
            i = string_end(json, i, len);
        } else if (!in_word(json[i])) {
            i++;
        } else {
            size_t start = i;
            while (i < len && in_word(json[i]))
                i++;
            if (is_long_integer(json + start, i - start)) {
                buf_add(out, json + copied, start - copied);
                buf_add_char(out, '"');
                buf_add(out, json + start, i - start);
                buf_add_char(out, '"');
                copied = i;
            }
        }
    }
    return buf_add(out, json + copied, len - copied);
}
