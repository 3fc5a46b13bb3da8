/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.backend;

import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.http.Response;
import com.example.shop.gateway.support.Preconditions;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Repeats calls to a backend with growing pauses, as far as that does no harm. */
public class RetryPolicy {

    /** Waits; replaced in tests. */
    @FunctionalInterface
    public interface Sleeper {
        void sleep(Duration time) throws InterruptedException;
    }

    private static final Logger LOG = Logger.getLogger(RetryPolicy.class.getName());

    private final int maxAttempts;
    private final Duration firstPause;
    private final Duration maxPause;
    private final Sleeper sleeper;

    public RetryPolicy(int maxAttempts, Duration firstPause, Duration maxPause, Sleeper sleeper) {
        this.maxAttempts = Preconditions.inRange(maxAttempts, 1, 10, "maxAttempts");
        this.firstPause = Preconditions.notNull(firstPause, "firstPause");
        this.maxPause = Preconditions.notNull(maxPause, "maxPause");
        this.sleeper = Preconditions.notNull(sleeper, "sleeper");
    }

    /** Calls the backend until it answers properly or the attempts are used up. */
    public Response execute(Request request, Callable<Response> call) throws Exception {
        int attempts = request.method().isIdempotent() ? maxAttempts : 1;
        for (int attempt = 1; ; attempt++) {
            try {
                Response response = call.call();
                if (attempt == attempts || !shouldRetry(response.status())) {
                    return response;
                }
            } catch (IOException e) {
                if (attempt == attempts) {
                    throw e;
                }
                LOG.log(Level.INFO, "attempt {0} for {1} failed: {2}",
                        new Object[] {attempt, request.path(), e.getMessage()});
            }
            sleeper.sleep(pauseAfter(attempt));
        }
    }

    /** Returns the pause after the given attempt; it doubles each time up to the maximum. */
    Duration pauseAfter(int attempt) {
        Duration pause = firstPause.multipliedBy(1L << Math.min(attempt - 1, 20));
        return pause.compareTo(maxPause) > 0 ? maxPause : pause;
    }

    private static boolean shouldRetry(int status) {
        return switch (status) {
            case 502, 503, 504 -> true;
            default -> false;
        };
    }
}
