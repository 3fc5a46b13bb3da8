import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from java_texts import shape

from fimsmith import config
from fimsmith.corpus import credentials, hints, redaction
from fimsmith.corpus.credentials import find, redacted


def joined(*parts: str) -> str:
    """Credentials are written in pieces, so that scanners do not find them in this file."""
    return "".join(parts)


KEY = "MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gu"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (joined('key = "AKIA', "QYLPMN5HHHFP", 'ZAM2";'), "aws-access-key"),
        (
            joined(
                "-----BEGIN RSA PRIVATE",
                " KEY-----\n",
                "MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gu\n",
            ),
            "private-key",
        ),
        (
            joined(
                '"-----BEGIN PRIVATE',
                ' KEY-----\\n" +\n  "',
                "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7",
                '"',
            ),
            "private-key",
        ),
        (joined("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"), "github-token"),
        (joined("glpat-", "Zx9Kq2LmP4vT7wRb3NyH"), "gitlab-token"),
        (joined("xoxb-", "263594206564-FGqddMF8t08v8N7Oq4i57vs1"), "slack-token"),
        (joined("AIza", "SyDaGmWKa4JsXZHjGw7ISLn3namBGewQe9k"), "google-key"),
        (joined("sk_live_", "4eC39HqLyjWDarjtT1zdp7dc"), "stripe-key"),
        (
            joined(
                "eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiJ1c2VyMSIsImlhdCI6MX0", ".dBjftJeZ4CVPmB92K27uhbUJU1p1rwW1gFWFOEjXk"
            ),
            "json-web-token",
        ),
        ('url = "mongodb://shop:Rt7kq9zLm@db.internal/orders";', "connection-string"),
        ('"jdbc:mysql://db/shop?user=shop&password=Rt7kq9zLm"', "connection-string"),
        (joined("/*\n * -----BEGIN PRIVATE", " KEY-----\n * ", KEY, "\n */"), "private-key"),
        (joined("// -----BEGIN PGP PRIVATE", " KEY BLOCK-----\n// Version: GnuPG v1\n//\n// ", KEY), "private-key"),
        (joined("-----BEGIN RSA PRIVATE", " KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\n", KEY), "private-key"),
        (joined('s.append("-----BEGIN PRIVATE', ' KEY-----\\n")\n    .append("', KEY), "private-key"),
        (joined("AKID", "z8krbsJ5yKBZQpn74WFkmLPx3gnPhESA"), "tencent-key"),
        (joined("sk-", "proj-", "Kq3Vt8Wm2Zr5Xy7Lp9Nb4Hd6Fg1Js0Qc"), "openai-key"),
        (joined("hf_", "KqVtWmZrXyLpNbHdFgJsQcTvRwYzMaPbEd"), "hugging-face-token"),
        (joined("AccountKey=", "Zm9vYmFyYmF6cXV4" * 6, "==;"), "azure-key"),
        ('h.put("Authorization", "Bearer 9f8e7d6c5b4a39281706f5e4d3c2b1a0");', "authorization"),
        ('"redis://:Rt7kq9zLm@cache:6379"', "connection-string"),
        ('"jdbc:oracle:thin:scott/Rt7kq9zLm@//db:1521/x"', "connection-string"),
        ('String password =\n            "Rt7kq9zLm!2";', "assigned-secret"),
        ('"{\\"password\\":\\"Rt7kq9zLm!2\\"}"', "assigned-secret"),
        ("password = 'Rt7kq9zLm!2'", "assigned-secret"),
        ("// spring.datasource.password=Summer2024!x", "assigned-secret"),
        ("    password: Summer2024!x\n", "assigned-secret"),
        ("<password>Rt7kq9zLm!2</password>", "assigned-secret"),
        ('@Value("${db.password:Rt7kq9zLm!2}") String p;', "assigned-secret"),
        ('"https://host/send?access_token=9f8e7d6c5b4a39281706f5e4d3c2b1a0"', "assigned-secret"),
        ('private static final String PASSWORD = "Summer2024!x";', "assigned-secret"),
        ('client.setApiKey("9f8e7d6c5b4a39281706f5e4d3c2b1a0");', "assigned-secret"),
        ('map.put("db.password", "kT9#vLq2$Wn");', "assigned-secret"),
        ('"client_secret": "Zk3pQ8vNw2Rt5Xy7"', "assigned-secret"),
        (joined("glrt-", "Zx9Kq2LmP4vT7wRb3NyH"), "gitlab-token"),
        (joined("GOCSPX-", "Kq3Vt8Wm2Zr5Xy7Lp9Nb4Hd6Fg1J"), "google-secret"),
        (
            joined("SG", ".Kq3Vt8Wm2Zr5Xy7Lp9Nb4H.", "Fg1Js0QcKq3Vt8Wm2Zr5Xy7Lp9Nb4Hd6Fg1Js0QcZ8k"),
            "sendgrid-key",
        ),
        (joined("pypi-", "AgEIcHlwaS5vcmcC", "Kq3Vt8Wm2Zr5Xy7" * 4), "pypi-token"),
        (
            joined('"https://a.blob.core.windows.net/c?sv=2022&', "sig=", "Kq3Vt8Wm2Zr5%2By7Lp9Nb4" * 2, '%3D"'),
            "azure-signature",
        ),
        ('String passwort = "Rt7kq9zLm!2";', "assigned-secret"),
        ('static final String DB_PASS = "Rt7kq9zLm!2";', "assigned-secret"),
        ('String smtpPass = "Rt7kq9zLm!2", pw;', "assigned-secret"),
        ('char[] pw = "Rt7kq9zLm!2".toCharArray();', "assigned-secret"),
        ('String[] passwords = {"Rt7kq9zLm!2"};', "assigned-secret"),
        (joined('load("b3BlbnNzaC1r', 'ZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2g");'), "private-key"),
    ],
)
def test_a_credential_is_found(text: str, rule: str):
    assert find(text) == rule


@pytest.mark.parametrize(
    "text",
    [
        'String password = "changeit";',
        '@Value("${db.password}") String password;',
        'String password = "${DB_PASSWORD:unset1}";',
        'String token = "xxxxxxxxxxxx1234";',
        'String password = "password123";',
        'String secret = "your-secret-here-1";',
        'String accessKey = "AKIAIOSFODNN7EXAMPLE";',
        'static final String TOKEN_HEADER = "X-Auth-Header-V2";',
        'String tokenType = "oauth2ClientId";',
        'String passwordAlgorithm = "PBKDF2WithHmacSHA256";',
        'String PASSWORD_KEY = "user.account.login2";',
        'throw error("token", "unexpected 3 at line 5 of input");',
        "// postgres://user:pass@host/db",
        'String secretName = "%s-%d-credentials-9";',
        'for (Token token : tokens) { token("abcdefgh1"); }',
        'String password = "";',
        'Pattern key = "-----BEGIN PRIVATE KEY-----";',
        'String a = "-----BEGIN PRIVATE KEY-----", b = "-----END PRIVATE KEY-----";\n// ' + "a1/" * 20,
        "token = parser.next2(value);",
        "* Basic org.apache.commons.lang3.StringUtils usage, basic java.util.concurrent.atomic.Striped64",
        "https://sk-learn-something-long-name-for-a-thing-2/",
        '"sk-SK-variant-collation-phonebook-traditional-2020"',
        '"amqp://:5672@host", "redis://:6379@localhost", "scheme://:{port}@host"',
        'if (s.startsWith("-----BEGIN PRIVATE KEY-----")) { load("http://x/org/apache/commons/codec/binary/AndSomethingElse"); }',
        'put(PrivateKeyUsage_Id,\n            "sun.security.x509.PrivateKeyUsageExtension");',
        "PWD=/home/user/a1/b2c3",
        "Map<Token>a2b3c4d5 x;",
        "String token = utf8Reader2\n    .next();",
        "// private-key: /etc/ssl/certs/server1.pem",
        "<token>${token.value1}</token>",
        "// uses Basic authentication, or Bearer tokens of RFC6750",
        'String PASSWORD_PATTERN = "^[a-zA-Z0-9]{6,20}$", TOKEN = "^[0-9A-F]{8}$";',
        'String bypass = "Rt7kq9zLm!2", pwm = "Rt7kq9zLm!2"; passed("Rt7kq9zLm!2");',
    ],
)
def test_what_only_looks_like_a_credential_costs_no_file(text: str):
    assert find(text) is None


def test_a_long_s_is_an_s_where_case_does_not_matter():
    assert find('\u017fecret = "Summer' + '2024!x"') == "assigned-secret"


def test_each_text_gets_its_own_answer():
    texts = [
        "",
        'String password = "Summer' + '2024!x";',
        "class A {}",
        "xox",
        "// zhang@corp.cn",
        f"// {AWS}, li@corp.cn",
    ]
    kept = redaction.redact(config.Ingest(secrets="redact", personal="redact"), "java", texts)
    assert kept == [
        ("", {}),
        ('String password = "redacted";', {"assigned-secret": 1}),
        ("class A {}", {}),
        ("xox", {}),
        ("// name@example.com", {"emails": 1}),
        ("// redacted, name@example.com", {"aws-access-key": 1, "emails": 1}),
    ]
    dropped = redaction.redact(config.Ingest(secrets="drop", personal="drop"), "java", texts)
    assert [reason for reason in dropped if isinstance(reason, str)] == ["secret", "personal", "secret"]
    assert redaction.redact(config.Ingest(secrets="keep", personal="keep"), "java", texts) == [
        (text, {}) for text in texts
    ]


REST = "Kq3Vt8Wm2Zr5Xy7Lp9Nb4Hd6Fg1Js0Qc"


@pytest.mark.parametrize(
    "begin",
    [
        "MIIEvQIBADANBgkq" + "hkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ",  # RSA, PKCS#8, of 2,048 bits
        "MIICdwIBADANBgkq" + "hkiG9w0BAQEFAASCAmEwggJdAgEAAoGBA",  # of 1,024
        "MIIEowIBAAKCAQEA",  # PKCS#1
        "MIIJKQIBAAKCAgEA",
        "MHcCAQEEI",  # EC and SM2, SEC 1
        "MIGkAgEBBDA",
        "MIGHAgEAMBMGByqG" + "SM49AgEGCCqGSM49AwEHBG0wawIBAQQg",  # PKCS#8
        "MEECAQAwEwYHKoZI" + "zj0CAQYIKoEcz1UBgi0EJzAlAgEBBCA",
        "MC4CAQAwBQYDK2Vw" + "BCIEI",  # Ed25519
    ],
)
def test_a_private_key_without_the_lines_of_pem_costs_the_file_whole_or_in_pieces(begin: str):
    whole, pieces = f'"{begin}{REST * 25}"', f'"{begin}{REST}"\n + "{REST}" + "{REST}"'
    for text in (f"String KEY = {whole};", f"load({pieces});"):
        assert find(text) == "private-key"
        assert redacted(text, "java") is None


@pytest.mark.parametrize(
    "begin",
    [
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA",
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ",
        "MIIBCgKCAQEA",  # PKCS#1
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",  # EC
        "MIIC+TCCAeGgAwIBAgIUdI1B",  # certificate
        "MIICUTCCATkCAQAwDDEKMAgGA1UEAwwBeDCC",  # request of one
    ],
)
def test_a_public_key_or_certificate_is_no_secret(begin: str):
    assert find(f'String KEY = "{begin}{REST * 8}";') is None


PIECES = [
    *(
        "AKIA",
        "QYLPMN5HHHFP",
        "ZAM2",
        "ghp_",
        "16C7e42F292c6912E7710c838347Ae178B4a",
        "jdbc:",
        "?password=",
        "http",
        "://",
    ),
    *(
        "user",
        ":",
        "Rt7kq9zLm",
        "@",
        "db.internal",
        "password",
        "PASS",
        "dbPass",
        "pw",
        "{",
        "PassPhrase",
        "api_key",
        "密码",
        "\u017f",
        "\u212a",
        ".x-y",
    ),
    *(
        '"',
        "'",
        " ",
        "\n",
        "\x0b",
        "\x1c",
        "\x85",
        "\u3000",
        "=",
        "=>",
        ",",
        "(",
        "\\",
        "k8Vq2Lm9",
        "٣rTvWxYz",
        "abcdefgh",
    ),
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@settings(deadline=None)
def test_the_hints_hide_no_credential(text: str):
    rules = [rule for *_, rule in (*credentials._shapes(text), *credentials._assigned(text))]
    assert find(text) == (rules[0] if rules else None)
    assert hints.suspects([text], credentials.HINT) or not rules


@given(
    st.sampled_from(credentials._SHAPES).flatmap(
        lambda rule: st.from_regex(rule.pattern).map(lambda text: (rule, text))
    )
)
@settings(deadline=None)
def test_what_matches_a_pattern_has_its_hint(found: tuple[credentials.Rule, str]):
    rule, text = found
    assert hints.suspects([text], rule.hint) == [0]


@given(st.sampled_from(credentials._ASSIGNMENTS).flatmap(lambda pattern: st.from_regex(pattern).map(pattern.search)))
@settings(deadline=None)
def test_every_assignment_of_a_value_with_a_digit_has_the_hint(match: re.Match[str]):
    if any(map(str.isdigit, match[match.lastindex or 0])):
        assert hints.suspects([match.string], credentials._ASSIGNED) == [0]


AWS, PASSWORD = joined("AKIA", "QYLPMN5HHHFP", "ZAM2"), joined("Rt7kq9", "zLm")
AWS_SECRET = joined("zll7rZRB2RtvkOEy3FYl", "Llbp4NC4V/CQQPhu/Wv2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'String key = "{AWS}"; // not {AWS}', 'String key = "redacted"; // not redacted'),
        (f'/* {AWS} */ String password = "{PASSWORD}";', '/* redacted */ String password = "redacted";'),
        (
            f'url = "mongodb://shop:{PASSWORD}@db.internal/orders";',
            'url = "mongodb://shop:redacted@db.internal/orders";',
        ),
        (f'"jdbc:mysql://db/shop?password={PASSWORD}&ssl=true"', '"jdbc:mysql://db/shop?password=redacted&ssl=true"'),
        (f'"x \\"jdbc:mysql://db/shop?password={PASSWORD}\\" y"', '"x \\"jdbc:mysql://db/shop?password=redacted\\" y"'),
        (f'String s = """\n  password = "{PASSWORD}"\n  """;', 'String s = """\n  password = "redacted"\n  """;'),
        (f'String token = "{AWS}/{PASSWORD}";', 'String token = "redacted";'),
        (f'new Keys("{AWS}", "{AWS_SECRET}")', 'new Keys("redacted", "redacted")'),
        (f"// {AWS}:{AWS_SECRET}", "// redacted:redacted"),
        (
            f'"?password={PASSWORD}" + "&a=b", token = "{PASSWORD}", "name"',
            '"?password=redacted" + "&a=b", token = "redacted", "name"',
        ),
    ],
)
def test_a_credential_in_a_literal_or_comment_becomes_a_placeholder(text: str, expected: str):
    clean, counts = redacted(text, "java") or ("", {})
    assert (clean, sum(counts.values())) == (expected, expected.count("redacted"))
    assert find(clean) is None


@pytest.mark.parametrize(
    "text",
    [
        f"class A {{ int {AWS}; }}",
        f"/* jdbc:mysql://db/shop?password={PASSWORD}*/",  # nothing tells where it ends
        f'String secret = "{PASSWORD}"\n    + "{PASSWORD}";',
        f'String[] passwords = {{"{PASSWORD}", "{PASSWORD}"}};',
        joined("// -----BEGIN PRIVATE", " KEY----- ", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB"),
        joined("// ", AWS, "\n// -----BEGIN PRIVATE", " KEY----- ", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB"),
    ],
)
def test_what_cannot_be_replaced_costs_the_file(text: str):
    assert redacted(text, "java") is None


def test_prose_is_redacted_everywhere_but_private_keys_are_not():
    assert redacted(f"The key is {AWS}.", "text") == ("The key is redacted.", {"aws-access-key": 1})
    assert (
        redacted(joined("-----BEGIN PRIVATE", " KEY-----\n", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEA"), "text")
        is None
    )


INNER = [
    AWS,
    PASSWORD,
    "jdbc:x:y?password=",
    "redis://u:",
    "@db.corp",
    "\\n",
    "\\\\",
    '\\"',
    "\\t",
    "\\u0041",
    "订",
    "-",
    "*",
    "/",
    " ",
]


@given(st.lists(st.sampled_from(INNER), max_size=8).map("".join))
@settings(deadline=None)
def test_a_redacted_file_parses_as_before(inner: str):
    block = inner.replace("*/", "")
    text = f'class A {{ /* {block} */ String password = "{inner}"; // {inner}\n String b = """\n {inner}""" ; }}'
    if find(text):
        clean, counts = redacted(text, "java") or (text, {"none": 1})
        assert shape(clean) == shape(text)
        assert counts
        assert clean == text or find(clean) is None
