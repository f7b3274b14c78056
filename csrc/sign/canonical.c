/* SPDX-License-Identifier: MIT
 *
 * Sorting and joining. The lists are a dozen fields long and often arrive nearly sorted, so an insertion sort
 * does; qsort would pay a call per comparison. */
#include "sign/canonical.h"

#include "base/percent.h"

#include <string.h>

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t common = a_len < b_len ? a_len : b_len;
    int order = memcmp(a, b, common);
    if (order != 0)
        return order;
    return a_len < b_len ? -1 : a_len > b_len;
}

static int compare_params(const struct field *a, const struct field *b)
{
    int order = compare_bytes(a->name, a->name_len, b->name, b->name_len);
    return order ? order : compare_bytes(a->value, a->value_len, b->value, b->value_len);
}

/* ASCII only: header names hold nothing else, and the locale must not decide. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static int compare_header_names(const struct field *a, const struct field *b)
{
    for (size_t i = 0; i < a->name_len && i < b->name_len; i++) {
        int order = (unsigned char)lower(a->name[i]) - (unsigned char)lower(b->name[i]);
        if (order != 0)
            return order;
    }
    return a->name_len < b->name_len ? -1 : a->name_len > b->name_len;
}

static int compare_headers(const struct field *a, const struct field *b)
{
    int order = compare_header_names(a, b);
    return order ? order : compare_bytes(a->value, a->value_len, b->value, b->value_len);
}

static void sort(struct field *fields, size_t count,
                 int (*compare)(const struct field *, const struct field *))
{
    for (size_t i = 1; i < count; i++) {
        struct field moving = fields[i];
        size_t to = i;
        for (; to > 0 && compare(&fields[to - 1], &moving) > 0; to--)
            fields[to] = fields[to - 1];
        fields[to] = moving;
    }
}

void canonical_sort(struct field *fields, size_t count)
{
    sort(fields, count, compare_params);
}

bool canonical_pair(struct buf *out, const struct field *field)
{
    percent_encode(out, field->name, field->name_len);
    buf_add_char(out, '=');
    return percent_encode(out, field->value, field->value_len);
}

bool canonical_query(struct buf *out, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, '&');
        canonical_pair(out, &fields[i]);
    }
    return !out->failed;
}

bool canonical_named(const struct field *header, const char *name, bool prefix)
{
    size_t len = strlen(name);
    if (prefix ? header->name_len < len : header->name_len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (lower(header->name[i]) != name[i])
            return false;
    return true;
}

static void add_lower(struct buf *out, const struct field *header)
{
    for (size_t i = 0; i < header->name_len; i++)
        buf_add_char(out, lower(header->name[i]));
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

static void add_trimmed(struct buf *out, const char *value, size_t len)
{
    while (len > 0 && is_space(value[0])) {
        value++;
        len--;
    }
    while (len > 0 && is_space(value[len - 1]))
        len--;
    buf_add(out, value, len);
}

static void add_headers(struct buf *out, struct buf *names, const struct canonical_request *request)
{
    const struct field *last = NULL;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct field *header = &request->headers[i];
        if (!request->is_signed(header))
            continue;
        if (last && compare_header_names(last, header) == 0) {
            if (!out->failed)
                out->len--; /* the line goes on: its LF makes room for a comma */
            buf_add_char(out, ',');
        } else {
            if (last)
                buf_add_char(names, ';');
            add_lower(names, header);
            add_lower(out, header);
            buf_add_char(out, ':');
        }
        add_trimmed(out, header->value, header->value_len);
        buf_add_char(out, '\n');
        last = header;
    }
}

bool canonical_request(struct buf *out, struct buf *signed_names, const struct canonical_request *request)
{
    canonical_sort(request->query, request->query_count);
    sort(request->headers, request->header_count, compare_headers);
    buf_add_str(out, request->method);
    buf_add_char(out, '\n');
    buf_add(out, request->path, request->path_len);
    buf_add_char(out, '\n');
    canonical_query(out, request->query, request->query_count);
    buf_add_char(out, '\n');
    if (out->failed)
        return false;
    add_headers(out, signed_names, request);
    buf_add_char(out, '\n');
    buf_add(out, signed_names->at, signed_names->len);
    buf_add_char(out, '\n');
    return buf_add_str(out, request->payload_hash) && !signed_names->failed;
}
