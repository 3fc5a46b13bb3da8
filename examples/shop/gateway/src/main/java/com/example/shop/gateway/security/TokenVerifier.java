/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.security;

import com.example.shop.gateway.support.Preconditions;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * 令牌的签发与校验。令牌由三段组成：{@code 版本.内容.签名}，内容是以分号分隔的键值对，
 * 整体做 Base64 编码；签名覆盖前两段。
 */
public class TokenVerifier {

    /** 校验结果。 */
    public sealed interface Result permits Valid, Invalid {
    }

    /** 令牌有效。 */
    public record Valid(String subject, Instant expiresAt, Map<String, String> claims) implements Result {
    }

    /** 令牌无效。 */
    public record Invalid(String reason) implements Result {
    }

    private static final String VERSION = "v1";
    private static final Duration ALLOWED_SKEW = Duration.ofSeconds(30);

    private final RequestSigner signer;
    private final Clock clock;

    public TokenVerifier(RequestSigner signer, Clock clock) {
        this.signer = Preconditions.notNull(signer, "signer");
        this.clock = Preconditions.notNull(clock, "clock");
    }

    /** 签发令牌。 */
    public String issue(String subject, Duration validFor, Map<String, String> claims) {
        Preconditions.notBlank(subject, "subject");
        Map<String, String> content = new LinkedHashMap<>(claims);
        content.put("sub", subject);
        content.put("exp", Long.toString(clock.instant().plus(validFor).getEpochSecond()));
        StringBuilder text = new StringBuilder();
        content.forEach((key, value) -> {
            if (key.matches(".*[=;].*") || value.indexOf(';') >= 0) {
                throw new IllegalArgumentException("令牌内容不能包含分隔符：" + key);
            }
            text.append(key).append('=').append(value).append(';');
        });
        String signed = VERSION + "." + Base64.getUrlEncoder().withoutPadding()
                .encodeToString(text.toString().getBytes(StandardCharsets.UTF_8));
        return signed + "." + signer.mac(signed);
    }

    /** 校验令牌，先验签名，再看有效期。 */
    public Result verify(String token) {
        String[] parts = token.split("\\.", -1);
        if (parts.length != 3 || !parts[0].equals(VERSION)) {
            return new Invalid("令牌格式不正确");
        }
        byte[] expected = signer.mac(parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII);
        if (!MessageDigest.isEqual(expected, parts[2].getBytes(StandardCharsets.US_ASCII))) {
            return new Invalid("令牌签名不正确");
        }
        Map<String, String> claims = parseClaims(parts[1]);
        String subject = claims.remove("sub");
        Instant expiresAt = Instant.ofEpochSecond(Long.parseLong(claims.remove("exp")));
        if (clock.instant().isAfter(expiresAt.plus(ALLOWED_SKEW))) {
            return new Invalid("令牌已过期");
        }
        return new Valid(subject, expiresAt, claims);
    }

    private static Map<String, String> parseClaims(String encoded) {
        String text = new String(Base64.getUrlDecoder().decode(encoded), StandardCharsets.UTF_8);
        Map<String, String> claims = new LinkedHashMap<>();
        for (String pair : text.split(";")) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                claims.put(pair.substring(0, equals), pair.substring(equals + 1));
            }
        }
        return claims;
    }
}
