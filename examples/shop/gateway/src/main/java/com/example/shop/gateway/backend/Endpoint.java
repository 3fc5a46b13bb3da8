/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.backend;

import com.example.shop.gateway.support.Preconditions;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** One running instance of a backend service. */
public final class Endpoint {

    private final String host;
    private final int port;
    private final int weight;
    private final AtomicInteger active = new AtomicInteger();
    private final AtomicBoolean healthy = new AtomicBoolean(true);

    public Endpoint(String host, int port, int weight) {
        this.host = Preconditions.notBlank(host, "host");
        this.port = Preconditions.port(port, "port");
        this.weight = Preconditions.inRange(weight, 1, 100, "weight");
    }

    /** Parses {@code host:port} or {@code host:port*weight}. */
    public static Endpoint parse(String text) {
        int star = text.indexOf('*');
        String address = star < 0 ? text : text.substring(0, star);
        int weight = star < 0 ? 1 : Integer.parseInt(text.substring(star + 1).strip());
        int colon = address.lastIndexOf(':');
        if (colon <= 0) {
            throw new IllegalArgumentException("endpoint must be host:port, was " + text);
        }
        return new Endpoint(address.substring(0, colon).strip(),
                Integer.parseInt(address.substring(colon + 1).strip()), weight);
    }

    public void begin() {
        active.incrementAndGet();
    }

    public void end() {
        active.decrementAndGet();
    }

    public int active() {
        return active.get();
    }

    public int weight() {
        return weight;
    }

    public boolean isHealthy() {
        return healthy.get();
    }

    /** Sets the health; tells whether it has changed. */
    public boolean setHealthy(boolean value) {
        return healthy.getAndSet(value) != value;
    }

    @Override
    public String toString() {
        return host + ":" + port;
    }
}
