/* SPDX-License-Identifier: MIT
 *
 * A name and its value: a parameter or a header. Both are borrowed from the caller for as long as the field
 * is used. */
#ifndef IOTMSG_FIELD_H
#define IOTMSG_FIELD_H

#include <stdbool.h>
#include <stddef.h>

struct field {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
    bool in_form; /* a parameter that travels in the form rather than in the query */
};

#endif
