/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory;

import com.example.shop.inventory.event.StockEvents;
import com.example.shop.inventory.event.StockEvents.StockEvent;
import com.example.shop.inventory.event.StockEvents.StockMoved;
import com.example.shop.inventory.event.StockEvents.StockRanLow;
import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.model.StockLevel;
import com.example.shop.inventory.model.StockMovement.Type;
import com.example.shop.inventory.stock.CachingStockLevelRepository;
import com.example.shop.inventory.stock.InMemoryStockLevelRepository;
import com.example.shop.inventory.stock.StockLevelRepository.InsufficientStockException;
import com.example.shop.inventory.stock.StockLevelRepository.StaleStockException;
import com.example.shop.inventory.stock.StockService;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

public final class StockServiceTest {

    private static final Sku CHAIR = new Sku("CHR", 4211, "BLK");

    private final InMemoryStockLevelRepository stockLevelRepository = new InMemoryStockLevelRepository();
    private final StockEvents stockEvents = new StockEvents();
    private final StockService stockService =
            new StockService(stockLevelRepository, stockEvents, Clock.systemUTC(), 2);

    public static void main(String[] args) throws InterruptedException {
        skuRoundTrip();
        new StockServiceTest().movementsChangeTheLevel();
        new StockServiceTest().staleLevelsAreRefused();
        new StockServiceTest().writersDoNotLoseUpdates();
        new StockServiceTest().cacheIsRefreshedBySave();
        System.out.println("StockServiceTest passed");
    }

    static void skuRoundTrip() {
        Check.same(CHAIR, Sku.parse(CHAIR.toString().toLowerCase()));
        Check.same(new Sku("PEN", 17, null), Sku.parse(new Sku("PEN", 17, null).toString()));
        Check.isTrue(Sku.tryParse("CHR-004211-BLK-" + (CHAIR.checkDigit() + 1) % 10).isEmpty(), "check digit");
        Check.raises(IllegalArgumentException.class, () -> Sku.parse("CHAIR"));
    }

    void movementsChangeTheLevel() {
        StockEvents.Recorder recorder = new StockEvents.Recorder();
        stockEvents.subscribe(StockEvent.class, recorder);
        stockEvents.subscribe(StockMoved.class, event -> {
            throw new IllegalStateException("broken listener");
        }).run();
        stockService.move(CHAIR, "BER", Type.RECEIPT, 10, "PO-1");
        stockService.transfer(CHAIR, "BER", "SHA", 8);
        Check.same(2, stockLevelRepository.find(CHAIR, "BER").orElseThrow().getOnHand());
        Check.same(10, stockService.availableEverywhere(CHAIR));
        Check.same(3, recorder.eventsOf(StockMoved.class).size());
        Check.same("BER", recorder.eventsOf(StockRanLow.class).get(0).warehouseCode());
        Check.raises(InsufficientStockException.class, () -> stockService.transfer(CHAIR, "BER", "SHA", 3));
        Check.same(3, stockService.movementsOf(CHAIR).size());
    }

    void staleLevelsAreRefused() {
        StockLevel mine = stockLevelRepository.save(new StockLevel(CHAIR, "BER"));
        stockService.move(CHAIR, "BER", Type.RECEIPT, 1, "PO-2");
        mine.setOnHand(99);
        Check.raises(StaleStockException.class, () -> stockLevelRepository.save(mine));
    }

    void writersDoNotLoseUpdates() throws InterruptedException {
        int threads = 4;
        CountDownLatch done = new CountDownLatch(threads);
        for (int t = 0; t < threads; t++) {
            new Thread(() -> {
                for (int i = 0; i < 50; i++) {
                    receiveWithPatience();
                }
                done.countDown();
            }).start();
        }
        done.await();
        Check.same(200, stockLevelRepository.find(CHAIR, "BER").orElseThrow().getOnHand());
    }

    private void receiveWithPatience() {
        while (true) {
            try {
                stockService.move(CHAIR, "BER", Type.RECEIPT, 1, "PO-3");
                return;
            } catch (StaleStockException e) {
                Thread.yield();
            }
        }
    }

    void cacheIsRefreshedBySave() {
        CachingStockLevelRepository cached =
                new CachingStockLevelRepository(stockLevelRepository, Duration.ofMinutes(1), 100, Clock.systemUTC());
        cached.save(new StockLevel(CHAIR, "BER"));
        StockLevel level = cached.find(CHAIR, "BER").orElseThrow();
        level.setOnHand(5);
        cached.save(level);
        Check.same(5, cached.find(CHAIR, "BER").orElseThrow().getOnHand());
        Check.same(1.0, cached.hitRate());
    }
}
