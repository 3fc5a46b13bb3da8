/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.flow;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import org.openshelf.toolkit.Args;
import org.openshelf.toolkit.time.Durations;

/** Repeats an action that fails, waiting longer after each attempt. */
public final class Retry {

    /** How the waiting is done; tests replace it to run without delay. */
    @FunctionalInterface
    public interface Sleeper {
        void sleep(Duration duration) throws InterruptedException;
    }

    /** Thrown when no attempt succeeded. */
    public static final class ExhaustedException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final int attempts;

        ExhaustedException(int attempts, Throwable cause) {
            super("gave up after " + attempts + " attempts: " + cause.getMessage(), cause);
            this.attempts = attempts;
        }

        public int attempts() {
            return attempts;
        }
    }

    private final int maxAttempts;
    private final Duration firstDelay;
    private final Duration maxDelay;
    private final double factor;
    private final double jitter;
    private final Predicate<? super Exception> retryable;
    private final Sleeper sleeper;

    private Retry(Builder builder) {
        this.maxAttempts = builder.maxAttempts;
        this.firstDelay = builder.firstDelay;
        this.maxDelay = builder.maxDelay;
        this.factor = builder.factor;
        this.jitter = builder.jitter;
        this.retryable = builder.retryable;
        this.sleeper = builder.sleeper;
    }

    public static Builder builder() {
        return new Builder();
    }

    public <T> T call(Callable<T> action) {
        Args.notNull(action, "action");
        for (int attempt = 1; ; attempt++) {
            try {
                return action.call();
            } catch (Exception e) {
                if (e instanceof InterruptedException) {
                    Thread.currentThread().interrupt();
                    throw new ExhaustedException(attempt, e);
                }
                if (attempt >= maxAttempts || !retryable.test(e)) {
                    throw new ExhaustedException(attempt, e);
                }
                pause(attempt, e);
            }
        }
    }

    /** The wait after an attempt, before jitter: it grows by the factor up to the maximum. */
    Duration delayAfter(int attempt) {
        double millis = firstDelay.toMillis() * Math.pow(factor, attempt - 1);
        Duration delay = Duration.ofMillis((long) Math.min(millis, Long.MAX_VALUE / 4.0));
        return Durations.min(delay, maxDelay);
    }

    private void pause(int attempt, Exception cause) {
        long millis = delayAfter(attempt).toMillis();
        if (jitter > 0) {
            millis += (long) (millis * jitter * ThreadLocalRandom.current().nextDouble());
        }
        try {
            sleeper.sleep(Duration.ofMillis(millis));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ExhaustedException(attempt, cause);
        }
    }

    public static final class Builder {

        private int maxAttempts = 3;
        private Duration firstDelay = Duration.ofMillis(100);
        private Duration maxDelay = Duration.ofSeconds(10);
        private double factor = 2.0;
        private double jitter = 0.1;
        private Predicate<? super Exception> retryable = e -> true;
        private Sleeper sleeper = duration -> Thread.sleep(duration.toMillis());

        private Builder() {
        }

        public Builder maxAttempts(int value) {
            this.maxAttempts = Args.positive(value, "maxAttempts");
            return this;
        }

        public Builder delay(Duration first, Duration max) {
            Args.check(first.compareTo(max) <= 0, "first delay %s is longer than %s", first, max);
            this.firstDelay = first;
            this.maxDelay = max;
            return this;
        }

        public Builder factor(double value) {
            Args.check(value >= 1.0, "factor must be at least 1 but was %s", value);
            this.factor = value;
            return this;
        }

        public Builder jitter(double value) {
            Args.check(value >= 0.0 && value <= 1.0, "jitter must be between 0 and 1 but was %s", value);
            this.jitter = value;
            return this;
        }

        public Builder retryOn(Class<? extends Exception> type) {
            this.retryable = type::isInstance;
            return this;
        }

        public Builder sleeper(Sleeper value) {
            this.sleeper = Args.notNull(value, "sleeper");
            return this;
        }

        public Retry build() {
            return new Retry(this);
        }
    }
}
