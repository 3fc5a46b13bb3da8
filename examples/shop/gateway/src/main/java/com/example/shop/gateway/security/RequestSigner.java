/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.security;

import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.support.Preconditions;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Signs the requests that are sent to partner systems and checks those that come from them. */
public class RequestSigner {

    private static final String ALGORITHM = "HmacSHA256";
    private static final Duration MAX_AGE = Duration.ofMinutes(5);
    private static final List<String> SIGNED_HEADERS = List.of("Content-Type", "X-Timestamp");

    private final byte[] secret;
    private final Clock clock;

    public RequestSigner(byte[] secret, Clock clock) {
        Preconditions.inRange(secret.length, 16, 128, "length of the secret");
        this.secret = secret.clone();
        this.clock = Preconditions.notNull(clock, "clock");
    }

    /** Adds a time stamp and a signature to the request. */
    public Request sign(Request request) {
        Request stamped = request.withHeader("X-Timestamp", Long.toString(clock.instant().getEpochSecond()));
        return stamped.withHeader("X-Signature", mac(canonical(stamped)));
    }

    /** Tells whether the request carries a fresh and correct signature. */
    public boolean check(Request request) {
        Instant signedAt = Instant.ofEpochSecond(request.headers().number("X-Timestamp", 0));
        if (Duration.between(signedAt, clock.instant()).abs().compareTo(MAX_AGE) > 0) {
            return false;
        }
        String expected = mac(canonical(request));
        return request.headers().first("X-Signature")
                .map(actual -> MessageDigest.isEqual(
                        expected.getBytes(StandardCharsets.US_ASCII),
                        actual.getBytes(StandardCharsets.US_ASCII)))
                .orElse(false);
    }

    /** Returns the text that is signed: method, path, sorted query, some headers, hash of the body. */
    static String canonical(Request request) {
        String query = request.parameters().entrySet().stream()
                .flatMap(entry -> entry.getValue().stream().sorted().map(value -> entry.getKey() + "=" + value))
                .collect(Collectors.joining("&"));
        String headers = SIGNED_HEADERS.stream()
                .map(name -> name + ":" + request.headers().first(name).orElse(""))
                .collect(Collectors.joining("\n"));
        return String.join("\n", request.method().name(), request.path(), query, headers, sha256(request.body()));
    }

    /** Returns the keyed hash of a text in hexadecimal digits. */
    public String mac(String text) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(new SecretKeySpec(secret, ALGORITHM));
            return HexFormat.of().formatHex(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(ALGORITHM + " is not available", e);
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("SHA-256 is not available", e);
        }
    }
}
