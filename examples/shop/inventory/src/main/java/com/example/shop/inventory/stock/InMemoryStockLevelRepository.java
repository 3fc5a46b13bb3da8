/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.stock;

import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.model.StockLevel;
import com.example.shop.inventory.util.Preconditions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** 基于内存的库存仓储，用于测试与演示；写入时检查版本号。 */
public class InMemoryStockLevelRepository implements StockLevelRepository {

    private final Map<String, StockLevel> levels = new LinkedHashMap<>();

    @Override
    public synchronized Optional<StockLevel> find(Sku sku, String warehouseCode) {
        Preconditions.checkNotNull(sku, "sku");
        StockLevel level = levels.get(key(sku, warehouseCode));
        return level == null ? Optional.empty() : Optional.of(new StockLevel(level));
    }

    @Override
    public synchronized List<StockLevel> findBySku(Sku sku) {
        List<StockLevel> result = new ArrayList<>();
        for (StockLevel level : levels.values()) {
            if (level.getSku().equals(sku)) {
                result.add(new StockLevel(level));
            }
        }
        return result;
    }

    @Override
    public synchronized List<StockLevel> findByWarehouse(String warehouseCode) {
        List<StockLevel> result = new ArrayList<>();
        for (StockLevel level : levels.values()) {
            if (level.getWarehouseCode().equals(warehouseCode)) {
                result.add(new StockLevel(level));
            }
        }
        return result;
    }

    @Override
    public synchronized StockLevel save(StockLevel level) {
        Preconditions.checkNotNull(level, "level");
        String key = key(level.getSku(), level.getWarehouseCode());
        StockLevel stored = levels.get(key);
        // 新记录的版本号视为 0，首次保存后变为 1
        long storedVersion = stored == null ? 0 : stored.getVersion();
        if (level.getVersion() != storedVersion) {
            throw new StaleStockException(level, storedVersion);
        }
        StockLevel copy = new StockLevel(level);
        copy.setVersion(storedVersion + 1);
        levels.put(key, copy);
        return new StockLevel(copy);
    }

    private static String key(Sku sku, String warehouseCode) {
        return sku + "@" + Preconditions.checkNotEmpty(warehouseCode, "warehouseCode");
    }
}
