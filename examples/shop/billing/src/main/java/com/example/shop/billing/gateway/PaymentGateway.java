/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.gateway;

import com.example.shop.billing.domain.Money;
import com.example.shop.billing.domain.PaymentMethod;
import com.example.shop.billing.support.Checks;

/** A provider that moves money. Calls with the same idempotency key have one effect only. */
public interface PaymentGateway {

    /** What is sent to the provider. */
    record Charge(String idempotencyKey, String invoiceNumber, Money amount, PaymentMethod method) {
        public Charge {
            Checks.notBlank(idempotencyKey, "idempotencyKey");
            Checks.notBlank(invoiceNumber, "invoiceNumber");
            Checks.notNull(amount, "amount");
            Checks.notNull(method, "method");
        }
    }

    /** What the provider answered. */
    record Answer(Outcome outcome, String transactionId, String reason) {
        public Answer {
            Checks.notNull(outcome, "outcome");
        }

        public static Answer approved(String transactionId) {
            return new Answer(Outcome.APPROVED, transactionId, null);
        }

        public static Answer declined(String reason) {
            return new Answer(Outcome.DECLINED, null, reason);
        }

        public static Answer unavailable(String reason) {
            return new Answer(Outcome.UNAVAILABLE, null, reason);
        }

        public boolean isApproved() {
            return outcome == Outcome.APPROVED;
        }
    }

    enum Outcome {
        APPROVED,
        PENDING,
        DECLINED,
        UNAVAILABLE;

        /** Only an unreachable provider is worth another attempt. */
        public boolean isRetryable() {
            return this == UNAVAILABLE;
        }
    }

    boolean supports(PaymentMethod method);

    Answer charge(Charge charge);

    Answer refund(String transactionId, Money amount, String idempotencyKey);
}
