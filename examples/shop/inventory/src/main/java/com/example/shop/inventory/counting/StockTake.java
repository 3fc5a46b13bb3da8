/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.counting;

import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.model.StockLevel;
import com.example.shop.inventory.model.StockMovement.Type;
import com.example.shop.inventory.stock.StockLevelRepository;
import com.example.shop.inventory.stock.StockService;
import com.example.shop.inventory.util.Preconditions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * 一次盘点。流程：开始时记录账面数量，录入初盘结果，差异较大的 SKU 需要复盘，最后过账差异。
 *
 * <p>盘点期间允许继续出入库：过账时按“实盘数量 - 开始时账面数量”计算差异，而不是直接覆盖当前数量。
 */
public class StockTake {

    private static final Logger LOGGER = Logger.getLogger(StockTake.class.getName());

    /** 盘点状态。 */
    public enum Phase { OPEN, RECOUNT, POSTED }

    /** 单个 SKU 的盘点差异，正数为盘盈，负数为盘亏。 */
    public record Difference(Sku sku, int expected, int counted) {
        public int delta() {
            return counted - expected;
        }
    }

    private final String id;
    private final String warehouseCode;
    private final StockService stockService;
    private final int tolerancePercent;
    private final Map<Sku, Integer> expected = new TreeMap<>();
    private final Map<Sku, Integer> firstCounts = new HashMap<>();
    private final Map<Sku, Integer> recounts = new HashMap<>();
    private Phase phase = Phase.OPEN;

    public StockTake(String id, String warehouseCode, StockLevelRepository stockLevelRepository,
            StockService stockService, int tolerancePercent) {
        this.id = Preconditions.checkNotEmpty(id, "id");
        this.warehouseCode = Preconditions.checkNotEmpty(warehouseCode, "warehouseCode");
        this.stockService = Preconditions.checkNotNull(stockService, "stockService");
        this.tolerancePercent = Preconditions.checkNotNegative(tolerancePercent, "tolerancePercent");
        for (StockLevel level : stockLevelRepository.findByWarehouse(warehouseCode)) {
            expected.put(level.getSku(), level.getOnHand());
        }
        LOGGER.log(Level.INFO, "盘点 {0} 开始，共 {1} 个 SKU", new Object[] {id, expected.size()});
    }

    /** 录入实盘数量；同一 SKU 放在多个货位时数量累加。 */
    public void count(Sku sku, int quantity) {
        Preconditions.checkNotNull(sku, "sku");
        Preconditions.checkNotNegative(quantity, "quantity");
        switch (phase) {
            case OPEN -> {
                expected.putIfAbsent(sku, 0);
                firstCounts.merge(sku, quantity, Integer::sum);
            }
            case RECOUNT -> {
                if (!needsRecount(sku)) {
                    throw new IllegalStateException("SKU " + sku + " 不需要复盘");
                }
                recounts.merge(sku, quantity, Integer::sum);
            }
            case POSTED -> throw new IllegalStateException("盘点 " + id + " 已过账");
        }
    }

    /** 结束初盘，返回需要复盘的 SKU。 */
    public List<Sku> finishFirstCount() {
        requirePhase(Phase.OPEN);
        List<Sku> result = new ArrayList<>();
        for (Sku sku : expected.keySet()) {
            if (needsRecount(sku)) {
                result.add(sku);
            }
        }
        phase = Phase.RECOUNT;
        return result;
    }

    /** 过账差异；仍有 SKU 未复盘时拒绝。 */
    public List<Difference> post() {
        requirePhase(Phase.RECOUNT);
        for (Sku sku : expected.keySet()) {
            if (needsRecount(sku) && !recounts.containsKey(sku)) {
                throw new IllegalStateException("SKU " + sku + " 尚未复盘");
            }
        }
        List<Difference> differences = differences();
        for (Difference difference : differences) {
            Type type = difference.delta() > 0 ? Type.COUNT_GAIN : Type.COUNT_LOSS;
            stockService.move(difference.sku(), warehouseCode, type, Math.abs(difference.delta()), "盘点 " + id);
        }
        phase = Phase.POSTED;
        LOGGER.log(Level.INFO, "盘点 {0} 已过账，差异 {1} 项", new Object[] {id, differences.size()});
        return differences;
    }

    /** 当前差异；复盘结果优先于初盘结果，未盘到的 SKU 按零计算。 */
    public List<Difference> differences() {
        List<Difference> result = new ArrayList<>();
        for (Map.Entry<Sku, Integer> entry : expected.entrySet()) {
            int first = firstCounts.getOrDefault(entry.getKey(), 0);
            int counted = recounts.getOrDefault(entry.getKey(), first);
            if (counted != entry.getValue()) {
                result.add(new Difference(entry.getKey(), entry.getValue(), counted));
            }
        }
        return result;
    }

    private boolean needsRecount(Sku sku) {
        int book = expected.getOrDefault(sku, 0);
        int first = firstCounts.getOrDefault(sku, 0);
        return Math.abs(first - book) * 100 > book * tolerancePercent;
    }

    private void requirePhase(Phase wanted) {
        if (phase != wanted) {
            throw new IllegalStateException("盘点 " + id + " 处于 " + phase + " 状态，需要 " + wanted);
        }
    }

    public Phase getPhase() {
        return phase;
    }
}
