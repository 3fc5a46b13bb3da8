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
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** 响应缓存：只缓存匿名的 GET 请求，遵守后端返回的 Cache-Control，按最近最少使用淘汰。 */
public class ResponseCacheFilter implements Filter {

    private record Entry(Response response, Instant expiresAt) {
    }

    private final Map<String, Entry> entries;
    private final Clock clock;
    private long hits;

    public ResponseCacheFilter(int maxEntries, Clock clock) {
        Preconditions.positive(maxEntries, "maxEntries");
        this.clock = Preconditions.notNull(clock, "clock");
        this.entries = new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Entry> eldest) {
                return size() > maxEntries;
            }
        };
    }

    @Override
    public Response apply(Request request, Next next) throws Exception {
        if (request.method() != Request.Method.GET || request.headers().first("Authorization").isPresent()) {
            return next.proceed(request);
        }
        String key = request.path() + "?" + request.parameters();
        Optional<Response> cached = lookup(key);
        if (cached.isPresent()) {
            return cached.get().withHeader("X-Cache", "HIT");
        }
        Response response = next.proceed(request);
        long maxAge = maxAgeOf(response);
        if (response.status() == 200 && maxAge > 0) {
            store(key, new Entry(response, clock.instant().plusSeconds(maxAge)));
        }
        return response.withHeader("X-Cache", "MISS");
    }

    private static long maxAgeOf(Response response) {
        Map<String, String> directives = response.headers().directives("Cache-Control");
        if (directives.containsKey("no-store") || directives.containsKey("private")) {
            return 0;
        }
        String shared = directives.getOrDefault("s-maxage", directives.getOrDefault("max-age", "0"));
        try {
            return Long.parseLong(shared);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private synchronized Optional<Response> lookup(String key) {
        Entry entry = entries.get(key);
        if (entry == null) {
            return Optional.empty();
        }
        if (Clocks.isPast(clock, entry.expiresAt())) {
            entries.remove(key);
            return Optional.empty();
        }
        hits++;
        return Optional.of(entry.response());
    }

    private synchronized void store(String key, Entry entry) {
        entries.put(key, entry);
    }

    /** 返回命中次数。 */
    public synchronized long hits() {
        return hits;
    }

    @Override
    public int order() {
        return 30;
    }
}
