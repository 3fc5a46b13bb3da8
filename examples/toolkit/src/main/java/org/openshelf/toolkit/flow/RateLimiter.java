/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.flow;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.openshelf.toolkit.Args;

/** A token bucket: permits come back at a steady rate, and a burst may use up those saved. */
public final class RateLimiter {

    private final long nanosPerPermit;
    private final long burst;
    private final LongSupplier nanoClock;
    private long lastRefill;
    private long available;

    public RateLimiter(int permits, Duration period, int burst) {
        this(permits, period, burst, System::nanoTime);
    }

    RateLimiter(int permits, Duration period, int burst, LongSupplier nanoClock) {
        Args.positive(permits, "permits");
        this.burst = Args.positive(burst, "burst");
        this.nanosPerPermit = Math.max(1, period.toNanos() / permits);
        this.nanoClock = Args.notNull(nanoClock, "nanoClock");
        this.lastRefill = nanoClock.getAsLong();
        this.available = burst;
    }

    /** Takes permits if there are enough; never waits. */
    public synchronized boolean tryAcquire(int permits) {
        Args.positive(permits, "permits");
        refill();
        if (available < permits) {
            return false;
        }
        available -= permits;
        return true;
    }

    /** How long a caller has to wait until so many permits are there. */
    public synchronized Duration waitTime(int permits) {
        Args.check(permits <= burst, "%d permits never fit into a burst of %d", permits, burst);
        refill();
        long missing = permits - available;
        if (missing <= 0) {
            return Duration.ZERO;
        }
        long elapsed = nanoClock.getAsLong() - lastRefill;
        return Duration.ofNanos(missing * nanosPerPermit - elapsed);
    }

    public void acquire(int permits) throws InterruptedException {
        while (!tryAcquire(permits)) {
            Duration wait = waitTime(permits);
            Thread.sleep(Math.max(1, wait.toMillis()));
        }
    }

    private void refill() {
        long elapsed = nanoClock.getAsLong() - lastRefill;
        long earned = elapsed / nanosPerPermit;
        if (earned > 0) {
            available = Math.min(burst, available + earned);
            lastRefill += earned * nanosPerPermit;
        }
    }
}
