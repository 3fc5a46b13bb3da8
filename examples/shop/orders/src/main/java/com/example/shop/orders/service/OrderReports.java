/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.service;

import com.example.shop.orders.domain.Customer;
import com.example.shop.orders.domain.Money;
import com.example.shop.orders.domain.Order;
import com.example.shop.orders.domain.OrderLine;
import com.example.shop.orders.domain.OrderStatus;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Figures for the back office, computed from a collection of orders. */
public final class OrderReports {

    public record SkuSales(String sku, int quantity, Money revenue) {
    }

    private final ZoneId zone;

    public OrderReports(ZoneId zone) {
        this.zone = zone;
    }

    public Map<OrderStatus.Code, Long> countByStatus(Collection<Order> orders) {
        return orders.stream().collect(Collectors.groupingBy(
                order -> order.status().code(),
                () -> new EnumMap<>(OrderStatus.Code.class),
                Collectors.counting()));
    }

    /** Revenue per day in the time zone of the shop; orders that were not paid do not count. */
    public Map<LocalDate, Money> dailyRevenue(Collection<Order> orders) {
        return orders.stream()
                .filter(OrderReports::isRevenue)
                .collect(Collectors.toMap(
                        order -> LocalDate.ofInstant(order.createdAt(), zone),
                        Order::subtotal,
                        Money::plus,
                        TreeMap::new));
    }

    public List<SkuSales> bestSellers(Collection<Order> orders, int limit) {
        Map<String, List<OrderLine>> bySku = orders.stream()
                .filter(OrderReports::isRevenue)
                .flatMap(order -> order.lines().stream())
                .collect(Collectors.groupingBy(OrderLine::sku));
        return bySku.entrySet().stream()
                .map(entry -> summarise(entry.getKey(), entry.getValue()))
                .sorted(Comparator.comparing(SkuSales::quantity).reversed().thenComparing(SkuSales::sku))
                .limit(limit)
                .toList();
    }

    public Map<Customer.Tier, Double> averageItemsByTier(Collection<Order> orders) {
        return orders.stream().collect(Collectors.groupingBy(
                order -> order.customer().getTier(),
                TreeMap::new,
                Collectors.averagingInt(Order::itemCount)));
    }

    /** 导出为 CSV 文本：旧系统只接受分号分隔的格式，因此这里手工拼接。 */
    public String exportLegacyCsv(Collection<Order> orders) {
        List<String[]> rows = new ArrayList<String[]>();
        rows.add(new String[] {"订单号", "顾客", "状态", "件数", "金额"});
        for (Order order : orders) {
            String[] row = new String[5];
            row[0] = order.id();
            row[1] = order.customer().getName();
            row[2] = order.status().code().name();
            row[3] = Integer.toString(order.itemCount());
            row[4] = order.subtotal().amount().toPlainString();
            rows.add(row);
        }
        StringBuilder csv = new StringBuilder();
        for (int r = 0; r < rows.size(); r++) {
            String[] row = rows.get(r);
            for (int i = 0; i < row.length; i++) {
                if (i > 0) {
                    csv.append(';');
                }
                String cell = row[i] == null ? "" : row[i];
                csv.append(cell.replace(';', ','));
            }
            csv.append("\r\n");
        }
        return csv.toString();
    }

    private static boolean isRevenue(Order order) {
        return switch (order.status().code()) {
            case PAID, SHIPPED, DELIVERED -> true;
            case DRAFT, PLACED, CANCELLED -> false;
        };
    }

    private static SkuSales summarise(String sku, List<OrderLine> lines) {
        int quantity = lines.stream().mapToInt(OrderLine::quantity).sum();
        Money revenue = lines.stream()
                .map(OrderLine::total)
                .reduce(Money::plus)
                .orElseThrow(() -> new IllegalArgumentException("no lines for " + sku));
        return new SkuSales(sku, quantity, revenue);
    }
}
