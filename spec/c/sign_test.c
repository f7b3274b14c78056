/* SPDX-License-Identifier: MIT
 *
 * csrc/sign without Lua: canonical forms, digests against the RFCs' vectors, and one or two recorded cases
 * for each signer as literals (spec/vectors has them all, and the Lua specs run them). Inputs end at an
 * unreadable page. */
#define _GNU_SOURCE
#include "test.h"

#include "sign/aliyun_v1.h"
#include "sign/aliyun_v3.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET "fake-secret-000000000000000000"
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct field field(const char *name, const char *value)
{
    return (struct field){.name = name, .name_len = strlen(name), .value = value, .value_len = strlen(value)};
}

static bool holds(const struct buf *b, const char *text)
{
    bool same = b->len == strlen(text) && (b->len == 0 || memcmp(b->at, text, b->len) == 0);
    if (!same)
        printf("    expected %s\n    got      %.*s\n", text, (int)b->len, b->at ? b->at : "");
    return same;
}

static void test_query(void)
{
    struct buf out;
    struct field fields[] = {
        field("b", "2"),  field("a", "x"),   field("aa", ""),        field("A", "1"),   field("a", ""),
        field("a", "10"), field("a.1", "="), field("\xc3\xa4", "&"), field("", "none"), field("a", "1"),
    };
    buf_init(&out, 1000);
    CHECK(canonical_query(&out, NULL, 0) && holds(&out, ""));
    canonical_sort(NULL, 0);
    canonical_sort(fields, LENGTH(fields));
    CHECK(canonical_query(&out, fields, LENGTH(fields)));
    CHECK(holds(&out, "=none&A=1&a=&a=1&a=10&a=x&a.1=%3D&aa=&b=2&%C3%A4=%26"));
    buf_free(&out);
    CHECK(canonical_pair(&out, &fields[0]) && holds(&out, "=none"));
    buf_free(&out);
    buf_init(&out, 5);
    CHECK(!canonical_query(&out, fields, LENGTH(fields)) && out.failed && out.len <= 5);
    buf_free(&out);
}

/* Sorting shuffled fields gives what an insertion into a sorted list by strcmp would: names first, then
 * values. */
static void test_sort_random(void)
{
    enum { COUNT = 200 };
    static char texts[COUNT][2][4];
    struct field fields[COUNT];
    uint64_t seed = 5;
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t part = 0; part < 2; part++) {
            size_t len = test_random(&seed) % 4;
            for (size_t c = 0; c < len; c++)
                texts[i][part][c] = "ab\xff"[test_random(&seed) % 3];
        }
        fields[i] = field(texts[i][0], texts[i][1]);
    }
    canonical_sort(fields, COUNT);
    bool ordered = true;
    for (size_t i = 1; i < COUNT; i++) {
        int names = strcmp(fields[i - 1].name, fields[i].name);
        ordered = ordered && (names < 0 || (names == 0 && strcmp(fields[i - 1].value, fields[i].value) <= 0));
    }
    CHECK(ordered);
}

static bool is_not_secret(const struct field *header)
{
    return !canonical_named(header, "secret", false);
}

static void test_request(void)
{
    struct buf out, names;
    struct field query[] = {field("q", "2"), field("Q", " ")};
    struct field headers[] = {
        field("X-B", "  two words\t\r\n"), field("x-a", "2"), field("X-A", "1"),    field("Secret", "hidden"),
        field("x-A", " \t\f\v "),          field("X-AB", ""), field("host", "h:1"), field("x-a-", "dash"),
    };
    struct canonical_request request = {.method = "PUT",
                                        .path = "/p",
                                        .path_len = 2,
                                        .query = query,
                                        .query_count = LENGTH(query),
                                        .headers = headers,
                                        .header_count = LENGTH(headers),
                                        .is_signed = is_not_secret,
                                        .payload_hash = "HASH"};
    buf_init(&out, 10000);
    buf_init(&names, 10000);
    CHECK(canonical_request(&out, &names, &request));
    CHECK(holds(&out, "PUT\n/p\nQ=%20&q=2\nhost:h:1\nx-a:,1,2\nx-a-:dash\nx-ab:\nx-b:two words\n\n"
                      "host;x-a;x-a-;x-ab;x-b\nHASH"));
    CHECK(holds(&names, "host;x-a;x-a-;x-ab;x-b"));
    buf_reset(&out);
    buf_reset(&names);
    request.query_count = request.header_count = 0;
    CHECK(canonical_request(&out, &names, &request) && holds(&out, "PUT\n/p\n\n\n\nHASH") && names.len == 0);
    buf_free(&out);
    buf_free(&names);
}

/* A ceiling anywhere fails the whole and never lets the length leave the buffer. */
static void test_request_ceiling(void)
{
    struct field headers[40];
    for (size_t i = 0; i < LENGTH(headers); i++)
        headers[i] = field("x-acs-repeated", "v");
    struct canonical_request request = {.method = "GET",
                                        .path = "/",
                                        .path_len = 1,
                                        .headers = headers,
                                        .header_count = LENGTH(headers),
                                        .payload_hash = EMPTY_SHA256};
    bool bounded = true;
    size_t needed = 0;
    for (size_t max = 0; max < 400; max++) {
        struct buf out, names;
        buf_init(&out, max);
        buf_init(&names, 1000);
        bool whole = aliyun_v3_canonical_request(&out, &names, &request);
        bounded = bounded && out.len <= max && whole == !out.failed;
        if (out.len > max)
            out.len = 0; /* it is no length: freeing the buffer would overwrite what is not its own */
        if (whole && needed == 0)
            needed = max;
        bounded = bounded && (!whole || out.len == needed);
        buf_free(&out);
        buf_free(&names);
    }
    CHECK(bounded);
    CHECK(needed > 0);
    struct buf out, names;
    buf_init(&out, 1000);
    buf_init(&names, 5);
    CHECK(!aliyun_v3_canonical_request(&out, &names, &request) && names.failed);
    buf_free(&out);
    buf_free(&names);
}

static void test_named(void)
{
    struct edge edge = edge_new();
    struct field host = field("HoSt", ""), acs = field("X-Acs-Date", "");
    CHECK(canonical_named(&host, "host", false) && canonical_named(&host, "ho", true));
    CHECK(!canonical_named(&host, "ho", false) && !canonical_named(&host, "host2", true));
    CHECK(canonical_named(&acs, "x-acs-", true) && !canonical_named(&acs, "x-acs-", false));
    struct field cut = {.name = edge_put(&edge, "x-acs", 5), .name_len = 5};
    CHECK(!canonical_named(&cut, "x-acs-", true) && canonical_named(&cut, "x-acs", true));
    struct field empty = {.name = edge.end, .name_len = 0};
    CHECK(!canonical_named(&empty, "x", true) && canonical_named(&empty, "", false));
}

struct hmac_case {
    const char *key;
    size_t key_len;
    const char *data;
    size_t data_len;
    const char *sha1, *sha256;
};

static bool hmac_is(struct digest *d, enum digest_hmac kind, const struct hmac_case *c,
                    const struct edge *key, const struct edge *data)
{
    unsigned char mac[DIGEST_SHA256_LEN];
    char hex[DIGEST_SHA256_HEX_LEN + 1] = {0};
    size_t len = kind == DIGEST_HMAC_SHA1 ? DIGEST_SHA1_LEN : DIGEST_SHA256_LEN;
    if (!digest_hmac(d, kind, edge_put(key, c->key, c->key_len), c->key_len,
                     edge_put(data, c->data, c->data_len), c->data_len, mac))
        return false;
    digest_hex(hex, mac, len);
    return strcmp(hex, kind == DIGEST_HMAC_SHA1 ? c->sha1 : c->sha256) == 0;
}

#define TIMES_4(s) s s s s
#define TIMES_20(s) TIMES_4(s) TIMES_4(s) TIMES_4(s) TIMES_4(s) TIMES_4(s)
#define TIMES_80(s) TIMES_4(TIMES_20(s))
#define KEY_131                                                                                              \
    TIMES_80("\xaa") TIMES_20("\xaa") TIMES_20("\xaa") TIMES_4("\xaa") TIMES_4("\xaa") "\xaa\xaa\xaa"
#define COUNTING                                                                                             \
    "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19"
#define TEXT(s) s, sizeof(s) - 1

/* RFC 2202 section 3 and RFC 4231 section 4; the two share data where they share keys. The last three are the
 * empty key and the empty message. */
static const struct hmac_case CASES[] = {
    {TEXT(TIMES_20("\x0b")), TEXT("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {TEXT("Jefe"), TEXT("what do ya want for nothing?"), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {TEXT(TIMES_20("\xaa")), "\xdd\xdd\xdd\xdd\xdd" TIMES_20("\xdd") TIMES_20("\xdd") TIMES_4("\xdd") "\xdd",
     50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {TEXT(COUNTING), TIMES_20("\xcd") TIMES_20("\xcd") TIMES_4("\xcd") TIMES_4("\xcd") "\xcd\xcd", 50,
     "4c9007f4026250c6bc8414f9bf50c86c2d7235da",
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {TEXT(TIMES_80("\xaa")), TEXT("Test Using Larger Than Block-Size Key - Hash Key First"),
     "aa4ae5e15272d00e95705637ce8a3b55ed402112", NULL},
    {TEXT(TIMES_80("\xaa")),
     TEXT("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
     "e8e99d0f45237d786d6bbaa7965c7808bbff1a91", NULL},
    {KEY_131, 131, TEXT("Test Using Larger Than Block-Size Key - Hash Key First"), NULL,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {KEY_131, 131,
     TEXT(
         "This is a test using a larger than block-size key and a larger than block-size data. The key needs "
         "to be hashed before being used by the HMAC algorithm."),
     NULL, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    {TEXT(""), TEXT(""), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d",
     "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    {TEXT("key"), TEXT("The quick brown fox jumps over the lazy dog"),
     "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9",
     "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"},
};

static void test_hmac(void)
{
    struct edge key = edge_new(), data = edge_new();
    struct digest *d = digest_new();
    uint64_t seed = 6;
    if (!CHECK(d != NULL))
        return;
    for (size_t i = 0; i < LENGTH(CASES); i++) {
        for (int twice = 0; twice < 2; twice++) { /* keyed, then re-armed */
            CHECK(!CASES[i].sha1 || hmac_is(d, DIGEST_HMAC_SHA1, &CASES[i], &key, &data));
            CHECK(!CASES[i].sha256 || hmac_is(d, DIGEST_HMAC_SHA256, &CASES[i], &key, &data));
        }
    }
    /* More keys than slots, in any order: each eviction and each return must give the same value. */
    bool same = true;
    for (int round = 0; round < 3000; round++) {
        const struct hmac_case *c = &CASES[test_random(&seed) % LENGTH(CASES)];
        enum digest_hmac kind = test_random(&seed) % 2 ? DIGEST_HMAC_SHA1 : DIGEST_HMAC_SHA256;
        if (kind == DIGEST_HMAC_SHA1 ? c->sha1 : c->sha256)
            same = same && hmac_is(d, kind, c, &key, &data);
    }
    CHECK(same);
    digest_free(d);
    digest_free(NULL);
}

static void test_sha256(void)
{
    static const char *const VECTORS[][2] = {
        {"", EMPTY_SHA256},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
    struct edge edge = edge_new();
    struct digest *d = digest_new();
    for (size_t i = 0; i < LENGTH(VECTORS); i++) {
        char hex[DIGEST_SHA256_HEX_LEN];
        size_t len = strlen(VECTORS[i][0]);
        CHECK(digest_sha256_hex(d, edge_put(&edge, VECTORS[i][0], len), len, hex) &&
              memcmp(hex, VECTORS[i][1], sizeof(hex)) == 0);
    }
    digest_free(d);
    char hex[6];
    digest_hex(hex, (const unsigned char *)"\x00\x9f\xff", 3);
    CHECK(memcmp(hex, "009fff", 6) == 0);
}

static void check_v1(const char *method, struct field *params, size_t count, const char *string_to_sign,
                     const char *signature)
{
    struct digest *d = digest_new();
    struct buf query, to_sign, key;
    char got[ALIYUN_V1_SIGNATURE_LEN];
    buf_init(&query, 10000);
    buf_init(&to_sign, 10000);
    buf_init(&key, 1000);
    canonical_sort(params, count);
    CHECK(canonical_query(&query, params, count) && aliyun_v1_string_to_sign(&to_sign, method, &query));
    CHECK(holds(&to_sign, string_to_sign));
    CHECK(aliyun_v1_signature(d, &key, SECRET, strlen(SECRET), &to_sign, got));
    CHECK(strlen(signature) == sizeof(got) && memcmp(got, signature, sizeof(got)) == 0);
    CHECK(key.len == 0 && key.at[0] == 0 && key.at[strlen(SECRET)] == 0);
    struct buf narrow;
    buf_init(&narrow, 5);
    CHECK(!aliyun_v1_signature(d, &narrow, SECRET, strlen(SECRET), &to_sign, got));
    buf_free(&narrow);
    buf_free(&query);
    buf_free(&to_sign);
    buf_free(&key);
    digest_free(d);
}

static void test_aliyun_v1(void)
{
    /* pop_pub_sts_get */
    struct field sts[] = {field("Version", "2018-01-20"),
                          field("AccessKeyId", "LTAI-FAKE-0000000000"),
                          field("Action", "Pub"),
                          field("Format", "JSON"),
                          field("TopicFullName", "/a1FakePk000/device1/user/get"),
                          field("MessageContent", "aGVsbG8gd29ybGQ="),
                          field("ProductKey", "a1FakePk000"),
                          field("Qos", "0"),
                          field("SecurityToken", "CAIS-FAKE+token/with=reserved==&chars%20 and space"),
                          field("SignatureMethod", "HMAC-SHA1"),
                          field("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
                          field("SignatureVersion", "1.0"),
                          field("Timestamp", "2024-02-29T23:59:59Z")};
    check_v1(
        "GET", sts, LENGTH(sts),
        "GET&%2F&AccessKeyId%3DLTAI-FAKE-0000000000%26Action%3DPub%26Format%3DJSON%26MessageContent%3D"
        "aGVsbG8gd29ybGQ%253D%26ProductKey%3Da1FakePk000%26Qos%3D0%26SecurityToken%3DCAIS-FAKE%252Btoken"
        "%252Fwith%253Dreserved%253D%253D%2526chars%252520%2520and%2520space%26SignatureMethod%3D"
        "HMAC-SHA1%26SignatureNonce%3D3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf%26SignatureVersion%3D1.0%26"
        "Timestamp%3D2024-02-29T23%253A59%253A59Z%26TopicFullName%3D%252Fa1FakePk000%252Fdevice1%252Fuser"
        "%252Fget%26Version%3D2018-01-20",
        "rzhSWyiR69At7zO4bwiLm4wetrY=");
    /* pop_sendmessage_percent_literal */
    struct field literal[] = {field("AccessKeyId", "LTAI-FAKE-0000000000"),
                              field("Action", "SendMessage"),
                              field("Format", "JSON"),
                              field("InstanceId", "post-cn-fake0000"),
                              field("MqttTopic", "TopicA"),
                              field("Payload", "%2F%20%7E+%25"),
                              field("SignatureMethod", "HMAC-SHA1"),
                              field("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
                              field("SignatureVersion", "1.0"),
                              field("Timestamp", "2024-02-29T23:59:59Z"),
                              field("Version", "2020-04-20")};
    check_v1(
        "POST", literal, LENGTH(literal),
        "POST&%2F&AccessKeyId%3DLTAI-FAKE-0000000000%26Action%3DSendMessage%26Format%3DJSON%26InstanceId%3D"
        "post-cn-fake0000%26MqttTopic%3DTopicA%26Payload%3D%25252F%252520%25257E%252B%252525%26"
        "SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3D3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf%26"
        "SignatureVersion%3D1.0%26Timestamp%3D2024-02-29T23%253A59%253A59Z%26Version%3D2020-04-20",
        "kNNRa2PPc9PS/nYomVJVOHgojHI=");
}

static void check_v3(struct canonical_request *request, const char *canonical, const char *string_to_sign,
                     const char *signature, const char *authorization)
{
    struct digest *d = digest_new();
    struct buf out, names, to_sign, header;
    char got[DIGEST_SHA256_HEX_LEN];
    buf_init(&out, 10000);
    buf_init(&names, 1000);
    buf_init(&to_sign, 1000);
    buf_init(&header, 1000);
    CHECK(aliyun_v3_canonical_request(&out, &names, request) && holds(&out, canonical));
    CHECK(aliyun_v3_string_to_sign(&to_sign, d, &out) && holds(&to_sign, string_to_sign));
    CHECK(aliyun_v3_signature(d, SECRET, strlen(SECRET), &to_sign, got));
    CHECK(memcmp(got, signature, sizeof(got)) == 0);
    CHECK(aliyun_v3_authorization(&header, "LTAI-FAKE-0000000000", 20, &names, got));
    CHECK(holds(&header, authorization));
    buf_free(&out);
    buf_free(&names);
    buf_free(&to_sign);
    buf_free(&header);
    digest_free(d);
}

static void test_aliyun_v3(void)
{
    /* oac3_pub_sts_get */
    struct field query[] = {field("TopicFullName", "/a1FakePk000/device1/user/get"), field("Qos", "0"),
                            field("ProductKey", "a1FakePk000"), field("MessageContent", "aGVsbG8gd29ybGQ=")};
    struct field headers[] = {
        field("user-agent", "AlibabaCloud"),
        field("X-Acs-Version", "2018-01-20"),
        field("x-acs-security-token", "CAIS-FAKE+token/with=reserved==&chars%20 and space"),
        field("x-acs-signature-nonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
        field("connection", "keep-alive"),
        field("Host", "iot.cn-shanghai.aliyuncs.com"),
        field("x-acs-accesskey-id", "LTAI-FAKE-0000000000"),
        field("x-acs-action", "Pub"),
        field("x-acs-content-sha256", EMPTY_SHA256),
        field("x-acs-credentials-provider", "static_sts"),
        field("x-acs-date", "2024-02-29T23:59:59Z"),
    };
    struct canonical_request sts = {.method = "GET",
                                    .path = "/",
                                    .path_len = 1,
                                    .query = query,
                                    .query_count = LENGTH(query),
                                    .headers = headers,
                                    .header_count = LENGTH(headers),
                                    .payload_hash = EMPTY_SHA256};
#define STS_NAMES                                                                                            \
    "host;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;"       \
    "x-acs-security-token;x-acs-signature-nonce;x-acs-version"
#define STS_SIGNATURE "27e0c1b8934ac0cafe9760d7b2ae928edd909b297f63215b622026aadcc09821"
    check_v3(
        &sts,
        "GET\n/\nMessageContent=aGVsbG8gd29ybGQ%3D&ProductKey=a1FakePk000&Qos=0&TopicFullName=%2Fa1FakePk000"
        "%2Fdevice1%2Fuser%2Fget\nhost:iot.cn-shanghai.aliyuncs.com\n"
        "x-acs-accesskey-id:LTAI-FAKE-0000000000\nx-acs-action:Pub\nx-acs-content-sha256:" EMPTY_SHA256 "\n"
        "x-acs-credentials-provider:static_sts\nx-acs-date:2024-02-29T23:59:59Z\n"
        "x-acs-security-token:CAIS-FAKE+token/with=reserved==&chars%20 and space\n"
        "x-acs-signature-nonce:3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf\nx-acs-version:2018-01-20\n"
        "\n" STS_NAMES "\n" EMPTY_SHA256,
        "ACS3-HMAC-SHA256\n8d3a693b0f6089a4ce60e57737fc5838b1bfb80bbbde6a093c33929fd28088bb", STS_SIGNATURE,
        "ACS3-HMAC-SHA256 Credential=LTAI-FAKE-0000000000,SignedHeaders=" STS_NAMES
        ",Signature=" STS_SIGNATURE);

    /* oac3_pub_plain_post */
    struct field post_query[] = {field("ProductKey", "a1FakePk000"), field("Qos", "0"),
                                 field("TopicFullName", "/a1FakePk000/device1/user/get")};
    struct field post_headers[] = {
        field("Content-Type", "application/x-www-form-urlencoded"),
        field("host", "iot.cn-shanghai.aliyuncs.com"),
        field("transfer-encoding", "chunked"),
        field("x-acs-action", "Pub"),
        field("x-acs-content-sha256", "6f8fa19ad9d28b5de468addb599cdd298a11d7c16a086fc752636406773ccd2b"),
        field("x-acs-credentials-provider", "static_ak"),
        field("x-acs-date", "2024-02-29T23:59:59Z"),
        field("x-acs-signature-nonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
        field("x-acs-version", "2018-01-20"),
    };
    struct canonical_request post = {.method = "POST",
                                     .path = "/",
                                     .path_len = 1,
                                     .query = post_query,
                                     .query_count = LENGTH(post_query),
                                     .headers = post_headers,
                                     .header_count = LENGTH(post_headers),
                                     .payload_hash =
                                         "6f8fa19ad9d28b5de468addb599cdd298a11d7c16a086fc752636406773ccd2b"};
#define POST_NAMES                                                                                           \
    "content-type;host;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;"             \
    "x-acs-signature-nonce;x-acs-version"
#define POST_SIGNATURE "c5d8752393720c5b7ae76a52c8cce75ec5ffa28e260d4153db80e1ad0871c7f0"
    check_v3(&post,
             "POST\n/\nProductKey=a1FakePk000&Qos=0&TopicFullName=%2Fa1FakePk000%2Fdevice1%2Fuser%2Fget\n"
             "content-type:application/x-www-form-urlencoded\nhost:iot.cn-shanghai.aliyuncs.com\n"
             "x-acs-action:Pub\n"
             "x-acs-content-sha256:6f8fa19ad9d28b5de468addb599cdd298a11d7c16a086fc752636406773ccd2b\n"
             "x-acs-credentials-provider:static_ak\nx-acs-date:2024-02-29T23:59:59Z\n"
             "x-acs-signature-nonce:3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf\nx-acs-version:2018-01-20\n"
             "\n" POST_NAMES "\n6f8fa19ad9d28b5de468addb599cdd298a11d7c16a086fc752636406773ccd2b",
             "ACS3-HMAC-SHA256\n777bd2ba1fa45930ffd0c322806736d960fdbff9275202073835c94a4e962706",
             POST_SIGNATURE,
             "ACS3-HMAC-SHA256 Credential=LTAI-FAKE-0000000000,SignedHeaders=" POST_NAMES
             ",Signature=" POST_SIGNATURE);
}

int main(void)
{
    test_query();
    test_sort_random();
    test_request();
    test_request_ceiling();
    test_named();
    test_hmac();
    test_sha256();
    test_aliyun_v1();
    test_aliyun_v3();
    return test_end();
}
