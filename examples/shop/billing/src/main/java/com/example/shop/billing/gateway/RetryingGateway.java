/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.gateway;

import com.example.shop.billing.domain.Money;
import com.example.shop.billing.domain.PaymentMethod;
import com.example.shop.billing.support.Checks;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Tries again with growing pauses while the provider is unavailable, and remembers final answers. */
public final class RetryingGateway implements PaymentGateway {

    private static final Logger LOG = Logger.getLogger(RetryingGateway.class.getName());

    /** Sleeps; replaced in tests. */
    @FunctionalInterface
    public interface Sleeper {
        void sleep(Duration pause) throws InterruptedException;
    }

    private final PaymentGateway delegate;
    private final int maxAttempts;
    private final Duration firstPause;
    private final Sleeper sleeper;
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();

    public RetryingGateway(PaymentGateway delegate, int maxAttempts, Duration firstPause, Sleeper sleeper) {
        this.delegate = Checks.notNull(delegate, "delegate");
        this.maxAttempts = Checks.positive(maxAttempts, "maxAttempts");
        this.firstPause = Checks.notNull(firstPause, "firstPause");
        this.sleeper = Checks.notNull(sleeper, "sleeper");
    }

    @Override
    public boolean supports(PaymentMethod method) {
        return delegate.supports(method);
    }

    @Override
    public Answer charge(Charge charge) {
        Checks.notNull(charge, "charge");
        return once("charge:" + charge.idempotencyKey(), () -> delegate.charge(charge));
    }

    @Override
    public Answer refund(String transactionId, Money amount, String idempotencyKey) {
        Checks.notBlank(transactionId, "transactionId");
        Checks.notBlank(idempotencyKey, "idempotencyKey");
        return once("refund:" + idempotencyKey, () -> delegate.refund(transactionId, amount, idempotencyKey));
    }

    private Answer once(String key, Supplier<Answer> call) {
        Answer known = answers.get(key);
        if (known != null) {
            LOG.log(Level.FINE, "answer for {0} is known already", key);
            return known;
        }
        Answer answer = callWithRetries(key, call);
        if (!answer.outcome().isRetryable()) {
            answers.putIfAbsent(key, answer);
        }
        return answer;
    }

    private Answer callWithRetries(String key, Supplier<Answer> call) {
        Duration pause = firstPause;
        Answer answer = null;
        for (int attempt = 1; attempt <= maxAttempts; attempt++) {
            answer = call.get();
            if (!answer.outcome().isRetryable()) {
                return answer;
            }
            LOG.log(Level.WARNING, "attempt {0} of {1} for {2} failed: {3}",
                    new Object[] {attempt, maxAttempts, key, answer.reason()});
            if (attempt < maxAttempts) {
                try {
                    sleeper.sleep(pause);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return Answer.unavailable("interrupted while waiting");
                }
                pause = pause.multipliedBy(2);
            }
        }
        return answer;
    }
}
