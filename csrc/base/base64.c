/* SPDX-License-Identifier: MIT
 *
 * Base64 by table. Encoding turns three bytes into two 12-bit look-ups of two characters each; the table is
 * spelt by the preprocessor, so there is nothing to initialise and nothing to race for. */
#include "base/base64.h"

#include <string.h>

/* clang-format off */
#define ROW(a) \
    {a, 'A'}, {a, 'B'}, {a, 'C'}, {a, 'D'}, {a, 'E'}, {a, 'F'}, {a, 'G'}, {a, 'H'}, {a, 'I'}, {a, 'J'}, \
    {a, 'K'}, {a, 'L'}, {a, 'M'}, {a, 'N'}, {a, 'O'}, {a, 'P'}, {a, 'Q'}, {a, 'R'}, {a, 'S'}, {a, 'T'}, \
    {a, 'U'}, {a, 'V'}, {a, 'W'}, {a, 'X'}, {a, 'Y'}, {a, 'Z'}, {a, 'a'}, {a, 'b'}, {a, 'c'}, {a, 'd'}, \
    {a, 'e'}, {a, 'f'}, {a, 'g'}, {a, 'h'}, {a, 'i'}, {a, 'j'}, {a, 'k'}, {a, 'l'}, {a, 'm'}, {a, 'n'}, \
    {a, 'o'}, {a, 'p'}, {a, 'q'}, {a, 'r'}, {a, 's'}, {a, 't'}, {a, 'u'}, {a, 'v'}, {a, 'w'}, {a, 'x'}, \
    {a, 'y'}, {a, 'z'}, {a, '0'}, {a, '1'}, {a, '2'}, {a, '3'}, {a, '4'}, {a, '5'}, {a, '6'}, {a, '7'}, \
    {a, '8'}, {a, '9'}, {a, '+'}, {a, '/'},

/* PAIRS[x] is the two characters of the 12 bits x. */
static const char PAIRS[4096][2] = {
    ROW('A') ROW('B') ROW('C') ROW('D') ROW('E') ROW('F') ROW('G') ROW('H') ROW('I') ROW('J') ROW('K')
    ROW('L') ROW('M') ROW('N') ROW('O') ROW('P') ROW('Q') ROW('R') ROW('S') ROW('T') ROW('U') ROW('V')
    ROW('W') ROW('X') ROW('Y') ROW('Z') ROW('a') ROW('b') ROW('c') ROW('d') ROW('e') ROW('f') ROW('g')
    ROW('h') ROW('i') ROW('j') ROW('k') ROW('l') ROW('m') ROW('n') ROW('o') ROW('p') ROW('q') ROW('r')
    ROW('s') ROW('t') ROW('u') ROW('v') ROW('w') ROW('x') ROW('y') ROW('z') ROW('0') ROW('1') ROW('2')
    ROW('3') ROW('4') ROW('5') ROW('6') ROW('7') ROW('8') ROW('9') ROW('+') ROW('/')
};
#undef ROW

/* SEXTET[c] is one more than the six bits of character c; 0 is no character of the alphabet. */
static const unsigned char SEXTET[256] = {
    ['A'] = 0 + 1, ['B'] = 1 + 1, ['C'] = 2 + 1, ['D'] = 3 + 1, ['E'] = 4 + 1, ['F'] = 5 + 1,
    ['G'] = 6 + 1, ['H'] = 7 + 1, ['I'] = 8 + 1, ['J'] = 9 + 1, ['K'] = 10 + 1, ['L'] = 11 + 1,
    ['M'] = 12 + 1, ['N'] = 13 + 1, ['O'] = 14 + 1, ['P'] = 15 + 1, ['Q'] = 16 + 1, ['R'] = 17 + 1,
    ['S'] = 18 + 1, ['T'] = 19 + 1, ['U'] = 20 + 1, ['V'] = 21 + 1, ['W'] = 22 + 1, ['X'] = 23 + 1,
    ['Y'] = 24 + 1, ['Z'] = 25 + 1, ['a'] = 26 + 1, ['b'] = 27 + 1, ['c'] = 28 + 1, ['d'] = 29 + 1,
    ['e'] = 30 + 1, ['f'] = 31 + 1, ['g'] = 32 + 1, ['h'] = 33 + 1, ['i'] = 34 + 1, ['j'] = 35 + 1,
    ['k'] = 36 + 1, ['l'] = 37 + 1, ['m'] = 38 + 1, ['n'] = 39 + 1, ['o'] = 40 + 1, ['p'] = 41 + 1,
    ['q'] = 42 + 1, ['r'] = 43 + 1, ['s'] = 44 + 1, ['t'] = 45 + 1, ['u'] = 46 + 1, ['v'] = 47 + 1,
    ['w'] = 48 + 1, ['x'] = 49 + 1, ['y'] = 50 + 1, ['z'] = 51 + 1, ['0'] = 52 + 1, ['1'] = 53 + 1,
    ['2'] = 54 + 1, ['3'] = 55 + 1, ['4'] = 56 + 1, ['5'] = 57 + 1, ['6'] = 58 + 1, ['7'] = 59 + 1,
    ['8'] = 60 + 1, ['9'] = 61 + 1, ['+'] = 62 + 1, ['/'] = 63 + 1,
};
/* clang-format on */

size_t base64_encoded_len(size_t len)
{
    return (len + 2) / 3 * 4;
}

void base64_encode(char *text, const void *bytes, size_t len)
{
    const unsigned char *in = bytes;
    for (; len >= 3; len -= 3, in += 3, text += 4) {
        unsigned triple = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];
        memcpy(text, PAIRS[triple >> 12], 2);
        memcpy(text + 2, PAIRS[triple & 0xfff], 2);
    }
    if (len > 0) {
        unsigned triple = (unsigned)in[0] << 16 | (len == 2 ? (unsigned)in[1] << 8 : 0);
        memcpy(text, PAIRS[triple >> 12], 2);
        memcpy(text + 2, PAIRS[triple & 0xfff], 2);
        text[3] = '=';
        if (len == 1)
            text[2] = '=';
    }
}

size_t base64_decoded_max(size_t len)
{
    return len / 4 * 3;
}

const char *base64_decode(void *bytes, size_t *decoded_len, const char *text, size_t len)
{
    const unsigned char *in = (const unsigned char *)text;
    unsigned char *out = bytes;
    *decoded_len = 0;
    if (len % 4 != 0)
        return "the length is not a multiple of 4";
    if (len == 0)
        return NULL;
    size_t pad = in[len - 1] != '=' ? 0 : in[len - 2] != '=' ? 1 : 2;
    size_t chars = len - pad;
    size_t full = chars / 4 * 4;
    for (size_t i = 0; i < full; i += 4, out += 3) {
        unsigned a = SEXTET[in[i]], b = SEXTET[in[i + 1]], c = SEXTET[in[i + 2]], d = SEXTET[in[i + 3]];
        if (!a || !b || !c || !d)
            return "a character is not in the Base64 alphabet";
        unsigned triple = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
        out[0] = (unsigned char)(triple >> 16);
        out[1] = (unsigned char)(triple >> 8);
        out[2] = (unsigned char)triple;
    }
    if (pad > 0) {
        unsigned a = SEXTET[in[full]], b = SEXTET[in[full + 1]], c = pad == 1 ? SEXTET[in[full + 2]] : 1;
        if (!a || !b || !c)
            return "a character is not in the Base64 alphabet";
        unsigned triple = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6;
        if (pad == 1 ? (triple & 0xff) : (triple & 0xffff))
            return "the bits under the padding are not zero";
        *out++ = (unsigned char)(triple >> 16);
        if (pad == 1)
            *out++ = (unsigned char)(triple >> 8);
    }
    *decoded_len = (size_t)(out - (unsigned char *)bytes);
    return NULL;
}
