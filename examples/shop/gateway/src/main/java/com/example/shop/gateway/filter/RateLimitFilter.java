/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.filter;

import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.http.Response;
import com.example.shop.gateway.support.Preconditions;
import java.time.Clock;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Function;

/** Limits how many requests a client may send, with one token bucket per client. */
public class RateLimitFilter implements Filter {

    private static final class Bucket {

        private double tokens;
        private long refilledAt;

        Bucket(double tokens, long now) {
            this.tokens = tokens;
            this.refilledAt = now;
        }

        /** Takes a token and returns 0, or returns the milliseconds until there is one. */
        synchronized long take(long now, double perMilli, int capacity) {
            tokens = Math.min(capacity, tokens + Math.max(0, now - refilledAt) * perMilli);
            refilledAt = now;
            if (tokens >= 1) {
                tokens -= 1;
                return 0;
            }
            return (long) Math.ceil((1 - tokens) / perMilli);
        }

        synchronized boolean idleSince(long time) {
            return refilledAt < time;
        }
    }

    private final ConcurrentMap<String, Bucket> buckets = new ConcurrentHashMap<>();
    private final Function<Request, String> keyOf;
    private final int capacity;
    private final double perMilli;
    private final Clock clock;

    public RateLimitFilter(Function<Request, String> keyOf, int perSecond, int capacity, Clock clock) {
        this.keyOf = Preconditions.notNull(keyOf, "keyOf");
        this.perMilli = Preconditions.positive(perSecond, "perSecond") / 1_000.0;
        this.capacity = Preconditions.positive(capacity, "capacity");
        this.clock = Preconditions.notNull(clock, "clock");
    }

    @Override
    public Response apply(Request request, Next next) throws Exception {
        long now = clock.millis();
        Bucket bucket = buckets.computeIfAbsent(keyOf.apply(request), key -> new Bucket(capacity, now));
        long waitMillis = bucket.take(now, perMilli, capacity);
        if (waitMillis > 0) {
            long seconds = Math.max(1, (waitMillis + 999) / 1_000);
            return Response.error(429, "TOO_MANY_REQUESTS", "请求过于频繁，请稍后再试")
                    .withHeader("Retry-After", Long.toString(seconds));
        }
        return next.proceed(request);
    }

    /** Forgets the clients that have been quiet for long enough to have a full bucket again. */
    public int purge() {
        long fullAfter = (long) Math.ceil(capacity / perMilli);
        long limit = clock.millis() - fullAfter;
        int before = buckets.size();
        buckets.values().removeIf(bucket -> bucket.idleSince(limit));
        return before - buckets.size();
    }

    @Override
    public int order() {
        return 10;
    }
}
