/* SPDX-License-Identifier: Apache-2.0 */
/* xml_scan.h - what xml.c looks up in the bytes beside the parser: the character set, lines and
 * columns, the places of tags and attributes. Private to xml.c. Pure; offsets count bytes. */
#ifndef FORMAT_XML_SCAN_H
#define FORMAT_XML_SCAN_H

#include "base/scope.h"

/* To UTF-8 without mark, by byte order mark, by the look of "<?" and by the declaration; a view
 * into `in` where nothing is to do. ERR_UNSUPPORTED: another set; ERR_INVALID: bytes that mean
 * nothing in it. */
enum err xml_scan_decode(struct text in, struct scope *scope, struct text *out,
                         struct fault *fault);

struct xml_place {
    uint32_t line, column;
};

struct xml_cursor { /* remembers the last place: cheap when asked in order */
    struct text in;
    size_t offset;
    struct xml_place place;
};

struct xml_cursor xml_cursor(struct text in);
struct xml_place xml_place_of(struct xml_cursor *cursor, size_t offset);

/* Of the start tag that holds or ends at `offset`: its "<". No "<" stands within a tag. */
size_t xml_scan_tag(struct text in, size_t offset);
/* The first character of text from `offset` on: behind comments, instructions, "<![CDATA[". */
size_t xml_scan_text(struct text in, size_t offset);

struct xml_scan { /* begin with `at` on the tag's "<" */
    struct text in;
    size_t at;
};
/* Where the next attribute of this name stands; the tag is known to be well-formed. */
size_t xml_scan_attribute(struct xml_scan *scan, struct text prefix, struct text name);

/* Whether some tag, well-formed or not, has more than `max` attributes; `*tag`: its "<". */
bool xml_scan_is_crowded(struct text in, uint32_t max, size_t *tag);

#endif
