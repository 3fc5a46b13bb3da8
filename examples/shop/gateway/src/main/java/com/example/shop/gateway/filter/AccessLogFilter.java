/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.filter;

import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.http.Response;
import com.example.shop.gateway.support.Clocks;
import com.example.shop.gateway.support.Preconditions;
import java.time.Clock;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/** Writes one line per request and gives every request an id. */
public class AccessLogFilter implements Filter {

    private final Consumer<String> sink;
    private final Clock clock;
    private final LongAdder served = new LongAdder();
    private final LongAdder failed = new LongAdder();

    public AccessLogFilter(Consumer<String> sink, Clock clock) {
        this.sink = Preconditions.notNull(sink, "sink");
        this.clock = Preconditions.notNull(clock, "clock");
    }

    @Override
    public Response apply(Request request, Next next) throws Exception {
        String requestId = request.headers().first("X-Request-Id")
                .filter(id -> id.length() <= 64)
                .orElseGet(() -> UUID.randomUUID().toString());
        Instant start = clock.instant();
        int status = 500;
        int size = 0;
        try {
            Response response = next.proceed(request.withHeader("X-Request-Id", requestId));
            status = response.status();
            size = response.body().length;
            return response.withHeader("X-Request-Id", requestId);
        } finally {
            served.increment();
            if (status >= 500) {
                failed.increment();
            }
            sink.accept(line(request, start, status, size, requestId));
        }
    }

    private String line(Request request, Instant start, int status, int size, String requestId) {
        return String.join(" ",
                start.toString(),
                request.clientIp(),
                request.attribute("memberId", String.class).orElse("-"),
                request.method().name(),
                escape(request.path()),
                Integer.toString(status),
                Integer.toString(size),
                Clocks.elapsedMillis(clock, start) + "ms",
                requestId);
    }

    /** 防止换行和空格伪造日志。 */
    private static String escape(String path) {
        StringBuilder out = new StringBuilder(path.length());
        path.chars().forEach(ch -> {
            if (ch <= ' ' || ch == 0x7f) {
                out.append('%').append(String.format("%02X", ch));
            } else {
                out.append((char) ch);
            }
        });
        return out.toString();
    }

    /** Returns the part of the requests that failed, between 0 and 1. */
    public double failureRate() {
        long total = served.sum();
        return total == 0 ? 0 : (double) failed.sum() / total;
    }

    @Override
    public int order() {
        return 0;
    }
}
