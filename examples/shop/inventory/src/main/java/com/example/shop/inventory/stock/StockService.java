/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.stock;

import com.example.shop.inventory.event.StockEvents;
import com.example.shop.inventory.event.StockEvents.StockMoved;
import com.example.shop.inventory.event.StockEvents.StockRanLow;
import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.model.StockLevel;
import com.example.shop.inventory.model.StockMovement;
import com.example.shop.inventory.model.StockMovement.Type;
import com.example.shop.inventory.stock.StockLevelRepository.InsufficientStockException;
import com.example.shop.inventory.stock.StockLevelRepository.StaleStockException;
import com.example.shop.inventory.util.Preconditions;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Changes stock levels. Every change is tried again when somebody else was faster. */
public class StockService {

    private static final Logger LOGGER = Logger.getLogger(StockService.class.getName());
    private static final int MAX_ATTEMPTS = 5;

    private final StockLevelRepository stockLevelRepository;
    private final StockEvents stockEvents;
    private final Clock clock;
    private final int lowStockThreshold;
    private final List<StockMovement> movements = Collections.synchronizedList(new ArrayList<>());

    public StockService(
            StockLevelRepository stockLevelRepository, StockEvents stockEvents, Clock clock, int lowStockThreshold) {
        this.stockLevelRepository = Preconditions.checkNotNull(stockLevelRepository, "stockLevelRepository");
        this.stockEvents = Preconditions.checkNotNull(stockEvents, "stockEvents");
        this.clock = Preconditions.checkNotNull(clock, "clock");
        this.lowStockThreshold = Preconditions.checkNotNegative(lowStockThreshold, "lowStockThreshold");
    }

    /** Books a movement and returns the level after it. */
    public StockLevel move(Sku sku, String warehouseCode, Type type, int quantity, String reference) {
        StockMovement movement =
                new StockMovement(sku, warehouseCode, type, quantity, reference, clock.instant());
        StockLevel saved = update(sku, warehouseCode, level -> {
            int onHand = level.getOnHand() + movement.delta();
            if (onHand < 0) {
                throw new InsufficientStockException(sku, quantity, level.getOnHand());
            }
            level.setOnHand(onHand);
        });
        movements.add(movement);
        stockEvents.publish(new StockMoved(movement, saved.getOnHand()));
        if (movement.delta() < 0 && saved.getAvailable() <= lowStockThreshold) {
            stockEvents.publish(new StockRanLow(sku, warehouseCode, saved.getAvailable()));
        }
        return saved;
    }

    /** Moves goods between warehouses; nothing happens when the source has too little available. */
    public void transfer(Sku sku, String fromCode, String toCode, int quantity) {
        Preconditions.checkPositive(quantity, "quantity");
        int available = stockLevelRepository.find(sku, fromCode).map(StockLevel::getAvailable).orElse(0);
        if (available < quantity) {
            throw new InsufficientStockException(sku, quantity, available);
        }
        String reference = "transfer " + fromCode + " -> " + toCode;
        move(sku, fromCode, Type.TRANSFER_OUT, quantity, reference);
        move(sku, toCode, Type.TRANSFER_IN, quantity, reference);
    }

    /** Reads, changes and writes a level, up to five times while other writers interfere. */
    public StockLevel update(Sku sku, String warehouseCode, Consumer<StockLevel> change) {
        Preconditions.checkNotNull(change, "change");
        for (int attempt = 1; ; attempt++) {
            StockLevel level = stockLevelRepository.find(sku, warehouseCode)
                    .orElseGet(() -> new StockLevel(sku, warehouseCode));
            change.accept(level);
            try {
                return stockLevelRepository.save(level);
            } catch (StaleStockException e) {
                if (attempt >= MAX_ATTEMPTS) {
                    throw e;
                }
                LOGGER.log(Level.FINE, "attempt {0} for {1} lost against another writer", new Object[] {attempt, sku});
                Thread.onSpinWait();
            }
        }
    }

    public int availableEverywhere(Sku sku) {
        int sum = 0;
        for (StockLevel level : stockLevelRepository.findBySku(sku)) {
            sum += level.getAvailable();
        }
        return sum;
    }

    public List<StockMovement> movementsOf(Sku sku) {
        synchronized (movements) {
            List<StockMovement> result = new ArrayList<>();
            for (StockMovement movement : movements) {
                if (movement.sku().equals(sku)) {
                    result.add(movement);
                }
            }
            return result;
        }
    }
}
