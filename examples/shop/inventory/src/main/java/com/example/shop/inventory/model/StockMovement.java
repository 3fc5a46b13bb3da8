/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.model;

import com.example.shop.inventory.util.Preconditions;
import java.time.Instant;

/** A change of the quantity on hand, with its cause. */
public record StockMovement(Sku sku, String warehouseCode, Type type, int quantity, String reference, Instant at) {

    /** Why goods move; the sign says what happens to the quantity on hand. */
    public enum Type {
        RECEIPT(1),
        SHIPMENT(-1),
        RETURN(1),
        TRANSFER_IN(1),
        TRANSFER_OUT(-1),
        COUNT_GAIN(1),
        COUNT_LOSS(-1),
        SCRAP(-1);

        private final int sign;

        Type(int sign) {
            this.sign = sign;
        }

        public int sign() {
            return sign;
        }

        public boolean isCorrection() {
            return this == COUNT_GAIN || this == COUNT_LOSS;
        }
    }

    public StockMovement {
        Preconditions.checkNotNull(sku, "sku");
        Preconditions.checkNotEmpty(warehouseCode, "warehouseCode");
        Preconditions.checkNotNull(type, "type");
        Preconditions.checkPositive(quantity, "quantity");
        Preconditions.checkNotNull(at, "at");
    }

    /** What is added to the quantity on hand. */
    public int delta() {
        return type.sign() * quantity;
    }
}
