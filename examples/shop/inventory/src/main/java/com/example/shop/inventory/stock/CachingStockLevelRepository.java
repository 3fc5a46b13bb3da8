/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.stock;

import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.model.StockLevel;
import com.example.shop.inventory.util.Preconditions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Remembers single levels for a short time. A stale copy does no harm: the version check of the
 * delegate refuses to write it. Lists are never cached.
 */
public class CachingStockLevelRepository implements StockLevelRepository {

    private record CacheKey(Sku sku, String warehouseCode) {
    }

    private record CacheEntry(StockLevel level, Instant readAt) {
    }

    private final StockLevelRepository delegate;
    private final Duration timeToLive;
    private final Clock clock;
    private final Map<CacheKey, CacheEntry> cache;
    private long hits;
    private long misses;

    public CachingStockLevelRepository(
            StockLevelRepository delegate, Duration timeToLive, final int maxEntries, Clock clock) {
        this.delegate = Preconditions.checkNotNull(delegate, "delegate");
        this.timeToLive = Preconditions.checkNotNull(timeToLive, "timeToLive");
        this.clock = Preconditions.checkNotNull(clock, "clock");
        Preconditions.checkPositive(maxEntries, "maxEntries");
        this.cache = new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<CacheKey, CacheEntry> eldest) {
                return size() > maxEntries;
            }
        };
    }

    @Override
    public synchronized Optional<StockLevel> find(Sku sku, String warehouseCode) {
        CacheKey key = new CacheKey(sku, warehouseCode);
        CacheEntry entry = cache.get(key);
        Instant now = clock.instant();
        if (entry != null && now.isBefore(entry.readAt().plus(timeToLive))) {
            hits++;
            return Optional.of(new StockLevel(entry.level()));
        }
        misses++;
        Optional<StockLevel> level = delegate.find(sku, warehouseCode);
        level.ifPresentOrElse(
                found -> cache.put(key, new CacheEntry(new StockLevel(found), now)),
                () -> cache.remove(key));
        return level;
    }

    @Override
    public List<StockLevel> findBySku(Sku sku) {
        return delegate.findBySku(sku);
    }

    @Override
    public List<StockLevel> findByWarehouse(String warehouseCode) {
        return delegate.findByWarehouse(warehouseCode);
    }

    @Override
    public synchronized StockLevel save(StockLevel level) {
        CacheKey key = new CacheKey(level.getSku(), level.getWarehouseCode());
        cache.remove(key);
        StockLevel saved = delegate.save(level);
        cache.put(key, new CacheEntry(new StockLevel(saved), clock.instant()));
        return saved;
    }

    public synchronized double hitRate() {
        long total = hits + misses;
        return total == 0 ? 0.0 : (double) hits / total;
    }
}
