/* SPDX-License-Identifier: MIT
 *
 * csrc/base without Lua. Inputs end at an unreadable page, so reading past them faults. malloc and free are
 * wrapped by the linker: memory can run out on demand, and a block can be looked at as it goes back. */
#define _GNU_SOURCE
#include "test.h"

#include "base/base64.h"
#include "base/json_id.h"
#include "base/nonce.h"
#include "base/percent.h"

#include <openssl/evp.h>

void *__real_malloc(size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void __wrap_free(void *block);

static bool out_of_memory;
static const void *watched; /* the block whose return is looked at */
static size_t watched_len;
static bool watched_freed, watched_clean;

void *__wrap_malloc(size_t size)
{
    return out_of_memory ? NULL : __real_malloc(size);
}

void __wrap_free(void *block)
{
    if (block && block == watched) {
        const unsigned char *bytes = block;
        watched_freed = watched_clean = true;
        for (size_t i = 0; i < watched_len; i++)
            watched_clean = watched_clean && bytes[i] == 0;
        watched = NULL;
    }
    __real_free(block);
}

static void watch(const struct buf *b, size_t len)
{
    watched = b->at;
    watched_len = len;
    watched_freed = watched_clean = false;
}

static bool holds(const struct buf *b, const char *text)
{
    return b->len == strlen(text) && (b->len == 0 || memcmp(b->at, text, b->len) == 0);
}

static void test_buf_ceiling(void)
{
    struct buf b;
    buf_init(&b, 10);
    CHECK(b.at == NULL && b.len == 0 && !b.failed);
    CHECK(buf_add_str(&b, "0123456"));
    CHECK(buf_add(&b, "789", 3));
    CHECK(buf_add(&b, "", 0));
    CHECK(!buf_add_char(&b, 'x'));
    CHECK(b.failed && holds(&b, "0123456789"));
    buf_reset(&b);
    CHECK(!b.failed && b.len == 0 && buf_add_char(&b, 'y') && holds(&b, "y"));
    CHECK(!buf_add(&b, "0123456789", 10) && holds(&b, "y"));
    CHECK(!buf_add_char(&b, 'z') && !buf_add_str(&b, "") && !buf_add(&b, "", 0) && !buf_reserve(&b, 0));
    CHECK(holds(&b, "y"));
    buf_free(&b);
    CHECK(b.at == NULL && b.len == 0 && b.cap == 0 && b.max == 10 && !b.failed);

    buf_init(&b, 0);
    CHECK(buf_add(&b, "", 0) && buf_add_str(&b, "") && !b.failed);
    CHECK(!buf_add_char(&b, 'x') && b.failed);
    buf_free(&b);

    buf_init(&b, 100);
    CHECK(buf_add_str(&b, "abc") && !buf_reserve(&b, SIZE_MAX) && b.failed && holds(&b, "abc"));
    buf_free(&b);
}

static void test_buf_growth(void)
{
    struct edge edge = edge_new();
    struct buf b;
    uint64_t seed = 1;
    char *copy = malloc(EDGE_ROOM);
    size_t len = 0;
    bool same = true;
    buf_init(&b, EDGE_ROOM);
    while (len < EDGE_ROOM) {
        char piece[700];
        size_t piece_len = test_random(&seed) % sizeof(piece);
        if (piece_len > EDGE_ROOM - len)
            piece_len = EDGE_ROOM - len;
        for (size_t i = 0; i < piece_len; i++)
            piece[i] = (char)test_random(&seed);
        same = same && buf_add(&b, edge_put(&edge, piece, piece_len), piece_len);
        memcpy(copy + len, piece, piece_len);
        len += piece_len;
        same = same && b.len == len && b.cap >= b.len;
    }
    CHECK(same && b.len == EDGE_ROOM && memcmp(b.at, copy, len) == 0);
    CHECK(b.cap <= b.max && !buf_add_char(&b, 'x') && b.len == EDGE_ROOM);
    buf_free(&b);
    free(copy);

    buf_init(&b, 1000);
    char *room = buf_reserve(&b, 500);
    CHECK(room && b.len == 0 && b.cap >= 500);
    memset(room, 'r', 500);
    b.len += 500;
    CHECK(buf_reserve(&b, 500) == b.at + 500 && !b.failed);
    buf_free(&b);
}

static void test_buf_out_of_memory(void)
{
    struct buf b;
    buf_init(&b, 100000);
    out_of_memory = true;
    bool added = buf_add_char(&b, 'x');
    out_of_memory = false;
    CHECK(!added && b.failed && b.len == 0);
    CHECK(!buf_add_char(&b, 'x'));
    buf_reset(&b);
    CHECK(buf_add_str(&b, "kept"));
    char more[1000] = {0};
    out_of_memory = true;
    added = buf_add(&b, more, sizeof(more));
    out_of_memory = false;
    CHECK(!added && b.failed && holds(&b, "kept"));
    buf_free(&b);
}

static void test_buf_wipe(void)
{
    static const char ZEROS[300];
    struct buf b;
    char long_secret[200];
    memset(long_secret, 's', sizeof(long_secret));

    buf_init(&b, 10000);
    buf_add(&b, long_secret, sizeof(long_secret));
    char *at = b.at;
    buf_wipe(&b);
    CHECK(b.at == at && b.len == 0 && memcmp(at, ZEROS, sizeof(long_secret)) == 0);

    buf_add(&b, long_secret, sizeof(long_secret));
    watch(&b, sizeof(long_secret));
    buf_free(&b);
    CHECK(watched_freed && watched_clean);

    buf_add(&b, long_secret, sizeof(long_secret));
    watch(&b, sizeof(long_secret));
    buf_add(&b, long_secret, sizeof(long_secret));
    CHECK(watched_freed && watched_clean); /* the block it grew out of */
    buf_free(&b);

    /* A reset forgets the length, not the bytes: they too must be gone when the block is. */
    buf_add(&b, long_secret, sizeof(long_secret));
    buf_reset(&b);
    buf_add_str(&b, "short");
    watch(&b, sizeof(long_secret));
    buf_free(&b);
    CHECK(watched_freed && watched_clean);

    buf_cleanse(long_secret, sizeof(long_secret));
    CHECK(memcmp(long_secret, ZEROS, sizeof(long_secret)) == 0);
    buf_cleanse(NULL, 0);
    buf_init(&b, 10);
    buf_wipe(&b);
    buf_free(&b);
    CHECK(b.at == NULL);
}

static void test_base64_vectors(void)
{
    /* RFC 4648 section 10. */
    static const char *const VECTORS[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    struct edge in = edge_new(), out = edge_new();
    for (size_t i = 0; i < sizeof(VECTORS) / sizeof(VECTORS[0]); i++) {
        const char *bytes = VECTORS[i][0], *text = VECTORS[i][1];
        size_t len = strlen(bytes), text_len = strlen(text), decoded_len = 77;
        CHECK(base64_encoded_len(len) == text_len);
        char *to = out.end - text_len;
        base64_encode(to, edge_put(&in, bytes, len), len);
        CHECK(memcmp(to, text, text_len) == 0);
        to = out.end - base64_decoded_max(text_len);
        CHECK(base64_decode(to, &decoded_len, edge_put(&in, text, text_len), text_len) == NULL);
        CHECK(decoded_len == len && memcmp(to, bytes, len) == 0);
    }
}

static void test_base64_strictness(void)
{
    static const char *const REFUSED[] = {
        "Z",          "Zg",         "Zg=",      "Zm9vY",   "Zm9vYg", "=",        "==",          "===",
        "====",       "Z===",       "=Zg=",     "Z=g=",    "Zg=v",   "Zg==Zg==", "Zm9v====",    "Zm9vZ===",
        "Zh==",       "Zi==",       "Zv==",     "Zm9=",    "Zm/=",   "Zm9vYn==", "Zm9vYmF=",    "Zm9\n",
        "Zm9vYmFy\n", "Zm9v\nYmFy", "Zm9v YmF", " Zm9",    "Zm9-",   "Zm9_",     "Zm9.",        "Z,==",
        "Zm\xc3\xa4", "Zm9v,mFy",   "Zg\xff=",  "\x80m9v", "Zg=\n",  "Zg==\n",   "Zg==\r\n\r\n"};
    struct edge in = edge_new(), out = edge_new();
    for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
        size_t len = strlen(REFUSED[i]), decoded_len = 77;
        char *to = out.end - base64_decoded_max(len);
        const char *why = base64_decode(to, &decoded_len, edge_put(&in, REFUSED[i], len), len);
        if (!CHECK(why && *why && decoded_len == 0))
            printf("    accepted: %s\n", REFUSED[i]);
    }
    char nul[4] = {'Z', 'm', '9', '\0'};
    size_t decoded_len;
    char bytes[3];
    CHECK(base64_decode(bytes, &decoded_len, nul, 4) != NULL);
}

/* Every byte value in every place of a quantum: accepted exactly when OpenSSL, which is lenient, decodes it
 * to something that it encodes to the same text again. */
static bool agrees_with_openssl(const struct edge *in, const struct edge *out, const char *text, size_t len)
{
    unsigned char theirs[3 * 512];
    unsigned char again[4 * 512 + 1];
    size_t decoded_len;
    char *to = out->end - base64_decoded_max(len);
    bool ours = base64_decode(to, &decoded_len, edge_put(in, text, len), len) == NULL;
    int their_len = EVP_DecodeBlock(theirs, (const unsigned char *)text, (int)len);
    if (their_len < 0)
        return !ours;
    size_t pad = len == 0 || text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
    size_t expect = (size_t)their_len - (pad < (size_t)their_len ? pad : 0);
    EVP_EncodeBlock(again, theirs, (int)expect);
    bool canonical = memcmp(again, text, len) == 0;
    return ours == canonical && (!ours || (decoded_len == expect && memcmp(to, theirs, expect) == 0));
}

static void test_base64_differential(void)
{
    struct edge in = edge_new(), out = edge_new();
    uint64_t seed = 2;
    bool encodes = true, decodes = true, judges = true;
    for (int round = 0; round < 4000; round++) {
        unsigned char bytes[1024], theirs[1400];
        char text[1400];
        size_t len = round < 1024 ? (size_t)round : test_random(&seed) % sizeof(bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)test_random(&seed);
        size_t text_len = base64_encoded_len(len);
        char *to = out.end - text_len;
        base64_encode(to, edge_put(&in, bytes, len), len);
        int their_len = EVP_EncodeBlock(theirs, bytes, (int)len);
        encodes = encodes && (size_t)their_len == text_len && memcmp(to, theirs, text_len) == 0;
        memcpy(text, theirs, text_len);
        size_t decoded_len;
        to = out.end - base64_decoded_max(text_len);
        decodes = decodes && !base64_decode(to, &decoded_len, edge_put(&in, text, text_len), text_len) &&
                  decoded_len == len && memcmp(to, bytes, len) == 0;
        /* OpenSSL trims white space around the text: it is no judge of those characters. */
        char wrong = (char)test_random(&seed);
        if (text_len > 0 && !strchr(" \t\r\n-\v\f", wrong)) {
            text[test_random(&seed) % text_len] = wrong;
            judges = judges && agrees_with_openssl(&in, &out, text, text_len);
        }
    }
    CHECK(encodes);
    CHECK(decodes);
    CHECK(judges);
    bool every = true;
    for (int c = 1; c < 256; c++) {
        for (size_t place = 0; place < 8 && !strchr(" \t\r\n-\v\f", c); place++) {
            char text[9] = "QUJDQQ==";
            text[place] = (char)c;
            every = every && agrees_with_openssl(&in, &out, text, 8);
        }
    }
    CHECK(every);
}

static void test_percent(void)
{
    static const char STANDS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    struct edge in = edge_new();
    struct buf b;
    char all[256], expected[3 * 256 + 1];
    size_t expected_len = 0;
    bool each = true;
    buf_init(&b, 10000);
    for (int c = 0; c < 256; c++) {
        char one[4];
        all[c] = (char)c;
        if (c != 0 && strchr(STANDS, c))
            snprintf(one, sizeof(one), "%c", c);
        else
            snprintf(one, sizeof(one), "%%%02X", (unsigned)c);
        memcpy(expected + expected_len, one, strlen(one));
        expected_len += strlen(one);
        buf_reset(&b);
        each = each && percent_encode(&b, edge_put(&in, &all[c], 1), 1) && holds(&b, one);
    }
    CHECK(each);
    expected[expected_len] = '\0';
    buf_reset(&b);
    CHECK(percent_encode(&b, edge_put(&in, all, sizeof(all)), sizeof(all)) && holds(&b, expected));
    buf_reset(&b);
    CHECK(percent_encode(&b, "a b", 3) && percent_encode(&b, "", 0) &&
          percent_encode(&b, "/\xe4\xbd\xa0", 4));
    CHECK(holds(&b, "a%20b%2F%E4%BD%A0"));
    buf_free(&b);

    CHECK(percent_encode(&b, "", 0)); /* nothing to do is no failure, on a buffer without memory either */
    CHECK(!b.failed && b.len == 0);
    buf_free(&b);
    buf_init(&b, 8);
    CHECK(percent_encode(&b, "  ", 2) && !percent_encode(&b, " ", 1) && b.failed && holds(&b, "%20%20"));
    CHECK(!percent_encode(&b, "", 0) && !percent_encode(&b, "a", 1));
    buf_reset(&b);
    CHECK(!percent_encode(&b, "a", SIZE_MAX / 2) && b.failed);
    buf_free(&b);
}

static bool quotes_to(const struct edge *in, const char *json, size_t len, const char *expected)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    bool same = json_id_quote(&b, edge_put(in, json, len), len) && holds(&b, expected);
    if (!same)
        printf("    %.*s became %.*s\n", (int)len, json, (int)b.len, b.at ? b.at : "");
    buf_free(&b);
    return same;
}

static void test_json_id(void)
{
    static const char *const CASES[][2] = {
        {"", ""},
        {"{}", "{}"},
        {"{\"MessageId\":889455942124347329}", "{\"MessageId\":\"889455942124347329\"}"},
        {"123456789012345", "\"123456789012345\""},
        {"12345678901234", "12345678901234"},
        {"-123456789012345", "\"-123456789012345\""},
        {"-12345678901234", "-12345678901234"},
        {"[123456789012345,123456789012346]", "[\"123456789012345\",\"123456789012346\"]"},
        {"[ 123456789012345 ,\n123456789012346\t]", "[ \"123456789012345\" ,\n\"123456789012346\"\t]"},
        {"{\"a\":\"123456789012345\"}", "{\"a\":\"123456789012345\"}"},
        {"{\"123456789012345\":1}", "{\"123456789012345\":1}"},
        {"\"x\\\"123456789012345\\\"\"", "\"x\\\"123456789012345\\\"\""},
        {"[\"\\\\\",123456789012345]", "[\"\\\\\",\"123456789012345\"]"},
        {"[\"\\\\\\\"\",123456789012345]", "[\"\\\\\\\"\",\"123456789012345\"]"},
        {"[\"\\u0022\",123456789012345]", "[\"\\u0022\",\"123456789012345\"]"},
        {"1e15", "1e15"},
        {"123456789012345e1", "123456789012345e1"},
        {"123456789012345E+10", "123456789012345E+10"},
        {"1e123456789012345", "1e123456789012345"},
        {"1e-123456789012345", "1e-123456789012345"},
        {"123456789012345.0", "123456789012345.0"},
        {"0.123456789012345", "0.123456789012345"},
        {"-0.123456789012345", "-0.123456789012345"},
        {"0123456789012345", "0123456789012345"},
        {"-0123456789012345", "-0123456789012345"},
        {"000000000000000", "000000000000000"},
        {"+123456789012345", "+123456789012345"},
        {"--123456789012345", "--123456789012345"},
        {"123456789012345-", "123456789012345-"},
        {"x123456789012345", "x123456789012345"},
        {"123456789012345x", "123456789012345x"},
        {"_123456789012345", "_123456789012345"},
        {"truenull123456789012345", "truenull123456789012345"},
        {"-", "-"},
        {"9223372036854775807", "\"9223372036854775807\""},
        {"1234567890123456789012345678901234567890", "\"1234567890123456789012345678901234567890\""},
        {"\xef\xbb\xbf{\"a\":123456789012345}", "\xef\xbb\xbf{\"a\":\"123456789012345\"}"},
        {"[\"\xe4\xbd\xa0 123456789012345\"]", "[\"\xe4\xbd\xa0 123456789012345\"]"},
        /* Cut documents: the rest of an open string is string. */
        {"\"", "\""},
        {"\"\\", "\"\\"},
        {"\"\\\"", "\"\\\""},
        {"{\"a\":\"123456789012345", "{\"a\":\"123456789012345"},
        {"{\"a\":\"x\\", "{\"a\":\"x\\"},
        {"{\"a\":-", "{\"a\":-"},
        {"{\"a\":123456789012345", "{\"a\":\"123456789012345\""},
    };
    struct edge in = edge_new();
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        CHECK(quotes_to(&in, CASES[i][0], strlen(CASES[i][0]), CASES[i][1]));

    /* Every prefix of a document is stepped through without leaving it. */
    static const char DOCUMENT[] = "{\"Id\":889455942124347329,\"t\":\"\\\"12\\\\\",\"n\":[-1.5e+10,true]}";
    bool every = true;
    for (size_t len = 0; len < sizeof(DOCUMENT); len++) {
        struct buf b;
        buf_init(&b, 1000);
        every = every && json_id_quote(&b, edge_put(&in, DOCUMENT, len), len) && b.len >= len;
        buf_free(&b);
    }
    CHECK(every);

    struct buf b;
    buf_init(&b, 100);
    CHECK(json_id_quote(&b, edge_put(&in, "[\"\0\",123456789012345]", 21), 21));
    CHECK(b.len == 23 && memcmp(b.at, "[\"\0\",\"123456789012345\"]", 23) == 0);
    buf_free(&b);
    buf_init(&b, 16);
    CHECK(!json_id_quote(&b, "123456789012345", 15) && b.failed); /* 17 bytes with its marks */
    CHECK(!json_id_quote(&b, "1", 1));
    buf_free(&b);
}

static int compare_texts(const void *a, const void *b)
{
    return memcmp(a, b, NONCE_LEN);
}

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < NONCE_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !memchr("0123456789abcdef", text[i], 16))
            return false;
    }
    return text[14] == '4' && memchr("89ab", text[19], 4);
}

static void test_nonce(void)
{
    enum { COUNT = 100000 };
    struct edge out = edge_new();
    struct nonce_pool pool;
    char(*texts)[NONCE_LEN] = malloc(COUNT * sizeof(*texts));
    bool formed = true, unique = true, gone = true;
    nonce_init(&pool);
    for (size_t i = 0; i < COUNT; i++) {
        char *text = out.end - NONCE_LEN;
        formed = nonce_next(&pool, 0, text) && is_uuid(text) && formed;
        memcpy(texts[i], text, NONCE_LEN);
        for (size_t used = 0; used < pool.used; used++)
            gone = gone && pool.bytes[used] == 0;
    }
    qsort(texts, COUNT, sizeof(*texts), compare_texts);
    for (size_t i = 1; i < COUNT; i++)
        unique = unique && memcmp(texts[i - 1], texts[i], NONCE_LEN) != 0;
    CHECK(formed);
    CHECK(unique);
    CHECK(gone);
    free(texts);

    char parent[NONCE_LEN], child[NONCE_LEN];
    nonce_init(&pool);
    nonce_next(&pool, 7, parent);
    struct nonce_pool before = pool, same = pool, forked = pool;
    nonce_next(&before, 7, parent);
    CHECK(nonce_next(&same, 7, child) &&
          memcmp(parent, child, NONCE_LEN) == 0); /* what a fork would repeat */
    CHECK(nonce_next(&forked, 8, child) && memcmp(parent, child, NONCE_LEN) != 0 && forked.generation == 8);
    CHECK(forked.used == 16 && memcmp(forked.bytes + 32, before.bytes + 32, 200) != 0);
}

int main(void)
{
    test_buf_ceiling();
    test_buf_growth();
    test_buf_out_of_memory();
    test_buf_wipe();
    test_base64_vectors();
    test_base64_strictness();
    test_base64_differential();
    test_percent();
    test_json_id();
    test_nonce();
    return test_end();
}
