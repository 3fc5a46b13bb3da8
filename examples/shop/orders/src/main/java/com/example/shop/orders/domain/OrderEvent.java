/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.domain;

import java.time.Instant;

/** Something that happened to an order and may change its status. */
public sealed interface OrderEvent {

    String orderId();

    Instant at();

    record Placed(String orderId, Instant at) implements OrderEvent {
    }

    record PaymentReceived(String orderId, Instant at, Money amount, String reference) implements OrderEvent {
    }

    record Dispatched(String orderId, Instant at, String carrier, String trackingNumber) implements OrderEvent {
    }

    record Received(String orderId, Instant at) implements OrderEvent {
    }

    record CancelRequested(String orderId, Instant at, String reason) implements OrderEvent {
    }

    /** The name under which the event is logged and stored, for example {@code payment-received}. */
    default String type() {
        return getClass().getSimpleName().replaceAll("(?<=[a-z])(?=[A-Z])", "-").toLowerCase();
    }
}
