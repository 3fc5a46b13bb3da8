/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.planning;

import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.model.StockLevel;
import com.example.shop.inventory.stock.StockLevelRepository;
import com.example.shop.inventory.util.Preconditions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * 补货计划：根据近期销量与供应商交期计算再订货点，低于再订货点的 SKU 生成采购建议。
 *
 * <p>再订货点 = 日均销量 × 交期天数 + 安全库存；安全库存取销量标准差与服务系数的乘积。
 */
public class ReplenishmentPlanner {

    /** 服务系数，对应约 95% 的现货率。 */
    private static final double SERVICE_FACTOR = 1.65;

    /** 单个 SKU 的采购条件。 */
    public record SupplyTerms(int leadTimeDays, int packSize, int minimumOrder) {
        public SupplyTerms {
            Preconditions.checkPositive(leadTimeDays, "leadTimeDays");
            Preconditions.checkPositive(packSize, "packSize");
            Preconditions.checkNotNegative(minimumOrder, "minimumOrder");
        }
    }

    /** 一条采购建议；紧急表示预计在到货之前就会断货。 */
    public record Proposal(Sku sku, int quantity, int reorderPoint, boolean urgent) {
    }

    private final StockLevelRepository stockLevelRepository;
    private final int coverageDays;

    public ReplenishmentPlanner(StockLevelRepository stockLevelRepository, int coverageDays) {
        this.stockLevelRepository = Preconditions.checkNotNull(stockLevelRepository, "stockLevelRepository");
        this.coverageDays = Preconditions.checkPositive(coverageDays, "coverageDays");
    }

    /**
     * 生成采购建议，紧急的排在前面。
     *
     * @param dailySales 每个 SKU 最近若干天的销量，按日期升序
     * @param terms      采购条件；没有采购条件的 SKU 不参与补货
     */
    public List<Proposal> plan(Map<Sku, int[]> dailySales, Map<Sku, SupplyTerms> terms) {
        Preconditions.checkNotNull(dailySales, "dailySales");
        Preconditions.checkNotNull(terms, "terms");
        List<Proposal> proposals = new ArrayList<>();
        for (Map.Entry<Sku, int[]> entry : dailySales.entrySet()) {
            SupplyTerms supply = terms.get(entry.getKey());
            if (supply == null || entry.getValue().length == 0) {
                continue;
            }
            Proposal proposal = propose(entry.getKey(), entry.getValue(), supply);
            if (proposal != null) {
                proposals.add(proposal);
            }
        }
        proposals.sort(Comparator.comparing(Proposal::urgent).reversed().thenComparing(Proposal::sku));
        return proposals;
    }

    private Proposal propose(Sku sku, int[] sales, SupplyTerms supply) {
        double mean = mean(sales);
        double deviation = deviation(sales, mean);
        int safetyStock = (int) Math.ceil(SERVICE_FACTOR * deviation * Math.sqrt(supply.leadTimeDays()));
        int reorderPoint = (int) Math.ceil(mean * supply.leadTimeDays()) + safetyStock;
        int available = 0;
        for (StockLevel level : stockLevelRepository.findBySku(sku)) {
            available += level.getAvailable();
        }
        if (available > reorderPoint) {
            return null;
        }
        int target = reorderPoint + (int) Math.ceil(mean * coverageDays);
        int quantity = roundUp(Math.max(target - available, supply.minimumOrder()), supply.packSize());
        if (quantity == 0) {
            return null;
        }
        boolean urgent = available < mean * supply.leadTimeDays();
        return new Proposal(sku, quantity, reorderPoint, urgent);
    }

    /** 向上取整到整箱。 */
    static int roundUp(int quantity, int packSize) {
        return (quantity + packSize - 1) / packSize * packSize;
    }

    private static double mean(int[] values) {
        long sum = 0;
        for (int value : values) {
            sum += value;
        }
        return (double) sum / values.length;
    }

    private static double deviation(int[] values, double mean) {
        if (values.length < 2) {
            return 0;
        }
        double sum = 0;
        for (int value : values) {
            sum += (value - mean) * (value - mean);
        }
        return Math.sqrt(sum / (values.length - 1));
    }
}
