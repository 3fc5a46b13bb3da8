/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.stock;

import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.model.StockLevel;
import java.util.List;
import java.util.Optional;

/** Where stock levels are kept. Implementations return copies. */
public interface StockLevelRepository {

    Optional<StockLevel> find(Sku sku, String warehouseCode);

    List<StockLevel> findBySku(Sku sku);

    List<StockLevel> findByWarehouse(String warehouseCode);

    /**
     * Writes the level and raises its version.
     *
     * @throws StaleStockException when somebody else has written it since it was read
     */
    StockLevel save(StockLevel level);

    /** Thrown when the version of a level is not the stored one. */
    final class StaleStockException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public StaleStockException(StockLevel level, long storedVersion) {
            super("stock level " + level + " is stale, stored version is " + storedVersion);
        }
    }

    /** Thrown when less is available than asked for. */
    final class InsufficientStockException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final int missing;

        public InsufficientStockException(Sku sku, int requested, int available) {
            super("requested " + requested + " of " + sku + ", available " + available);
            this.missing = requested - available;
        }

        public int getMissing() {
            return missing;
        }
    }
}
