/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.model;

import com.example.shop.inventory.util.Preconditions;
import java.time.Duration;
import java.time.Instant;

/** Goods held back for an order until they are picked or the time is over. */
public record Reservation(
        String id, String orderId, Sku sku, String warehouseCode, int quantity, Instant expiresAt, State state) {

    public enum State { ACTIVE, CONFIRMED, PICKED, RELEASED, EXPIRED }

    public Reservation {
        Preconditions.checkNotEmpty(id, "id");
        Preconditions.checkNotEmpty(orderId, "orderId");
        Preconditions.checkNotNull(sku, "sku");
        Preconditions.checkPositive(quantity, "quantity");
        Preconditions.checkNotNull(expiresAt, "expiresAt");
        Preconditions.checkNotNull(state, "state");
    }

    /** Confirmed reservations belong to paid orders and do not expire. */
    public boolean isExpired(Instant now) {
        return state == State.ACTIVE && !now.isBefore(expiresAt);
    }

    /** Whether the quantity still counts as reserved. */
    public boolean holdsStock() {
        return state == State.ACTIVE || state == State.CONFIRMED;
    }

    public Reservation withState(State next) {
        boolean allowed = switch (state) {
            case ACTIVE -> next != State.PICKED;
            case CONFIRMED -> next == State.PICKED || next == State.RELEASED;
            case PICKED, RELEASED, EXPIRED -> false;
        };
        if (!allowed) {
            throw new IllegalStateException("reservation " + id + " cannot move from " + state + " to " + next);
        }
        return new Reservation(id, orderId, sku, warehouseCode, quantity, expiresAt, next);
    }

    public Reservation extendedBy(Duration duration) {
        return new Reservation(id, orderId, sku, warehouseCode, quantity, expiresAt.plus(duration), state);
    }
}
