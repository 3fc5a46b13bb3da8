/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.flow;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.openshelf.toolkit.Check;

public final class FlowTest {

    private FlowTest() {
    }

    static void resultsChain() {
        Result<Integer> parsed = Result.of(() -> Integer.parseInt("41"));
        Check.equal(42, parsed.map(n -> n + 1).orElseThrow());
        Result<Integer> broken = Result.of(() -> Integer.parseInt("x"));
        Check.that(!broken.isOk(), "parsing fails");
        Check.equal(0, broken.recover(e -> 0).orElseThrow());
        Check.that(!Result.all(List.of(parsed, broken)).isOk(), "one failure spoils all");
        Result<String> checked = Result.failed(new IOException("disk"));
        Check.throwsA(IllegalStateException.class, checked::orElseThrow);
    }

    static void eitherMapsTheRightSide() {
        Either<String, Integer> right = Either.right(20);
        Either<String, Integer> left = Either.left("no stock");
        Check.equal(Either.right(21), right.map(n -> n + 1));
        Check.equal("no stock", left.map(n -> n + 1).fold(message -> message, String::valueOf));
        Check.equal(20, right.swap().left());
    }

    static void retryBacksOff() {
        List<Duration> waits = new ArrayList<>();
        Retry retry = Retry.builder()
                .maxAttempts(4)
                .delay(Duration.ofMillis(100), Duration.ofMillis(300))
                .jitter(0)
                .retryOn(IOException.class)
                .sleeper(waits::add)
                .build();
        AtomicInteger calls = new AtomicInteger();
        String answer = retry.call(() -> {
            if (calls.incrementAndGet() < 4) {
                throw new IOException("try again");
            }
            return "done";
        });
        Check.equal("done", answer);
        Check.equal(List.of(Duration.ofMillis(100), Duration.ofMillis(200), Duration.ofMillis(300)), waits);
        Retry.ExhaustedException error = Check.throwsA(Retry.ExhaustedException.class, () -> retry.call(() -> {
            throw new IllegalStateException("not retryable");
        }));
        Check.equal(1, error.attempts());
    }

    static void busDeliversByType() {
        List<Object> errors = new ArrayList<>();
        EventBus bus = new EventBus(Runnable::run, (event, error) -> errors.add(event));
        List<Number> numbers = new ArrayList<>();
        bus.subscribe(Number.class, numbers::add);
        EventBus.Subscription failing = bus.subscribe(Integer.class, n -> {
            throw new IllegalStateException("cannot handle " + n);
        });
        Check.equal(2, bus.publish(1));
        Check.equal(1, bus.publish(2.5));
        Check.equal(0, bus.publish("text"));
        failing.close();
        Check.equal(1, bus.publish(3));
        Check.equal(List.of(1, 2.5, 3), numbers);
        Check.equal(List.of(1), errors);
    }

    static void limiterRefillsOverTime() {
        AtomicLong nanos = new AtomicLong();
        RateLimiter limiter = new RateLimiter(10, Duration.ofSeconds(1), 3, nanos::get);
        Check.that(limiter.tryAcquire(3), "burst is available at the start");
        Check.that(!limiter.tryAcquire(1), "bucket is empty");
        Check.equal(Duration.ofMillis(200), limiter.waitTime(2));
        nanos.addAndGet(Duration.ofMillis(250).toNanos());
        Check.that(limiter.tryAcquire(2), "two permits came back");
        Check.equal(Duration.ofMillis(50), limiter.waitTime(1));
    }

    public static void runAll() {
        resultsChain();
        eitherMapsTheRightSide();
        retryBacksOff();
        busDeliversByType();
        limiterRefillsOverTime();
    }
}
