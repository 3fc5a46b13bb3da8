/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.backend;

import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.support.Preconditions;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** Picks the endpoint that serves a request. */
public interface LoadBalancer {

    /** Returns an endpoint, or nothing if the collection is empty. */
    Optional<Endpoint> pick(List<Endpoint> candidates, Request request);

    /** Picks among the healthy endpoints, or among all of them if none is healthy. */
    default Optional<Endpoint> pickHealthy(Collection<Endpoint> endpoints, Request request) {
        Preconditions.notNull(endpoints, "endpoints");
        List<Endpoint> healthy = endpoints.stream().filter(Endpoint::isHealthy).toList();
        return pick(healthy.isEmpty() ? List.copyOf(endpoints) : healthy, request);
    }

    /** Takes the endpoints in turn; one with weight 3 gets three turns. */
    static LoadBalancer weightedRoundRobin() {
        AtomicInteger counter = new AtomicInteger();
        return (candidates, request) -> {
            int total = candidates.stream().mapToInt(Endpoint::weight).sum();
            if (total == 0) {
                return Optional.empty();
            }
            int turn = Math.floorMod(counter.getAndIncrement(), total);
            for (Endpoint endpoint : candidates) {
                turn -= endpoint.weight();
                if (turn < 0) {
                    return Optional.of(endpoint);
                }
            }
            throw new IllegalStateException("the weights have changed meanwhile");
        };
    }

    /** Takes the endpoint with the fewest active requests for its weight. */
    static LoadBalancer leastActive() {
        return (candidates, request) -> candidates.stream()
                .min(Comparator.comparingDouble(endpoint -> (double) endpoint.active() / endpoint.weight()));
    }

    /** Sends the same client to the same endpoint as long as that is there. */
    static LoadBalancer byClient() {
        return (candidates, request) -> candidates.stream()
                .max(Comparator.comparingInt(endpoint -> mix(endpoint.toString() + "|" + request.clientIp())));
    }

    private static int mix(String text) {
        int hash = text.hashCode();
        hash ^= hash >>> 16;
        hash *= 0x45d9f3b;
        return hash ^ (hash >>> 15);
    }
}
