/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.support;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.concurrent.atomic.AtomicReference;

/** Clocks for production and for tests. */
public final class Clocks {

    /** The zone in which the company closes its books. */
    public static final ZoneId BUSINESS_ZONE = ZoneId.of("Asia/Shanghai");

    private Clocks() {
    }

    /** Returns the system clock in the business zone. */
    public static Clock system() {
        return Clock.system(BUSINESS_ZONE);
    }

    /** Returns a clock that stands still until it is moved by hand. */
    public static ManualClock manual(String instant) {
        return new ManualClock(Instant.parse(instant));
    }

    /** Returns the milliseconds that have passed since {@code start}. */
    public static long elapsedMillis(Clock clock, Instant start) {
        return Duration.between(start, clock.instant()).toMillis();
    }

    /** Tells whether {@code deadline} has been reached. */
    public static boolean isPast(Clock clock, Instant deadline) {
        return !clock.instant().isBefore(deadline);
    }

    /** A clock for tests. */
    public static final class ManualClock extends Clock {

        private final AtomicReference<Instant> now;

        private ManualClock(Instant start) {
            this.now = new AtomicReference<>(start);
        }

        /** Moves the clock forward. */
        public void advance(Duration amount) {
            if (amount.isNegative()) {
                throw new IllegalArgumentException("amount must not be negative");
            }
            now.updateAndGet(instant -> instant.plus(amount));
        }

        @Override
        public ZoneId getZone() {
            return BUSINESS_ZONE;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return Clock.fixed(now.get(), zone);
        }

        @Override
        public Instant instant() {
            return now.get();
        }
    }
}
