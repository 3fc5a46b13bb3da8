/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.domain;

/** Where an invoice stands. */
public enum InvoiceStatus {
    DRAFT,
    ISSUED,
    PARTIALLY_PAID,
    PAID,
    REFUNDED,
    CANCELLED,
    WRITTEN_OFF;

    public boolean canMoveTo(InvoiceStatus next) {
        return switch (this) {
            case DRAFT -> next == ISSUED || next == CANCELLED;
            case ISSUED -> next == PARTIALLY_PAID || next == PAID || next == CANCELLED || next == WRITTEN_OFF;
            case PARTIALLY_PAID -> next == PAID || next == REFUNDED || next == WRITTEN_OFF;
            case PAID -> next == REFUNDED;
            case REFUNDED, CANCELLED, WRITTEN_OFF -> false;
        };
    }

    /** Whether the customer still owes something. */
    public boolean isOpen() {
        return this == ISSUED || this == PARTIALLY_PAID;
    }
}
