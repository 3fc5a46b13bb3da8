/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.backend;

import com.example.shop.gateway.support.Clocks;
import com.example.shop.gateway.support.Preconditions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * 熔断器。最近若干次调用的失败率超过阈值后打开，等待一段时间后放行一次试探，试探成功则关闭。
 */
public class CircuitBreaker {

    /** 熔断器状态。 */
    public enum State { CLOSED, OPEN, HALF_OPEN }

    /** 熔断器打开时抛出。 */
    public static class OpenException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        OpenException(String name) {
            super("熔断器已打开：" + name);
        }
    }

    private static final Logger LOG = Logger.getLogger(CircuitBreaker.class.getName());

    private final String name;
    private final boolean[] window;
    private final double threshold;
    private final Duration waitTime;
    private final Clock clock;
    private int position;
    private int recorded;
    private State state = State.CLOSED;
    private Instant retryAt = Instant.MIN;
    private boolean probing;

    public CircuitBreaker(String name, int windowSize, double threshold, Duration waitTime, Clock clock) {
        this.name = Preconditions.notBlank(name, "name");
        this.window = new boolean[Preconditions.positive(windowSize, "windowSize")];
        this.threshold = threshold;
        this.waitTime = Preconditions.notNull(waitTime, "waitTime");
        this.clock = Preconditions.notNull(clock, "clock");
    }

    /** 在熔断器保护下执行调用；抛出异常，或者结果不合格，都算失败。 */
    public <T> T call(Callable<T> action, Predicate<? super T> isFailure) throws Exception {
        acquire();
        boolean failed = true;
        try {
            T result = action.call();
            failed = isFailure.test(result);
            return result;
        } finally {
            record(failed);
        }
    }

    private synchronized void acquire() {
        if (state == State.OPEN && Clocks.isPast(clock, retryAt)) {
            state = State.HALF_OPEN;
        }
        if (state == State.OPEN || (state == State.HALF_OPEN && probing)) {
            throw new OpenException(name);
        }
        probing = state == State.HALF_OPEN;
    }

    private synchronized void record(boolean failed) {
        if (state == State.HALF_OPEN) {
            probing = false;
            if (failed) {
                open();
            } else {
                close();
            }
            return;
        }
        window[position] = failed;
        position = (position + 1) % window.length;
        recorded = Math.min(recorded + 1, window.length);
        if (state == State.CLOSED && recorded == window.length && failureRate() >= threshold) {
            open();
        }
    }

    private void open() {
        state = State.OPEN;
        retryAt = clock.instant().plus(waitTime);
        LOG.log(Level.WARNING, "熔断器 {0} 打开，{1} 之后重试", new Object[] {name, retryAt});
    }

    private void close() {
        state = State.CLOSED;
        recorded = 0;
        position = 0;
        LOG.log(Level.INFO, "熔断器 {0} 关闭", name);
    }

    private double failureRate() {
        int failures = 0;
        for (int i = 0; i < recorded; i++) {
            failures += window[i] ? 1 : 0;
        }
        return recorded == 0 ? 0 : (double) failures / recorded;
    }

    public synchronized State state() {
        return state;
    }
}
