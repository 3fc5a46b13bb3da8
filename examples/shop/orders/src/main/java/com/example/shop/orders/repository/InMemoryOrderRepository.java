/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.repository;

import com.example.shop.orders.domain.Order;
import com.example.shop.orders.domain.OrderException;
import com.example.shop.orders.domain.OrderStatus;
import com.example.shop.orders.domain.Page;
import com.example.shop.orders.domain.Page.PageRequest;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** 内存仓储，用于测试和本地运行；版本检查与数据库实现一致。 */
public final class InMemoryOrderRepository implements OrderRepository {

    private static final Comparator<Order> NEWEST_FIRST =
            Comparator.comparing(Order::createdAt).reversed().thenComparing(Order::id);

    private final Map<String, Order> orders = new ConcurrentHashMap<>();

    @Override
    public Optional<Order> findById(String orderId) {
        return orderId == null ? Optional.empty() : Optional.ofNullable(orders.get(orderId));
    }

    @Override
    public Page<Order> search(Filter filter, PageRequest request) {
        List<Order> matching = orders.values().stream().filter(filter::matches).toList();
        return Page.slice(matching, NEWEST_FIRST, request);
    }

    @Override
    public List<Order> findOverdue(Instant now) {
        return orders.values().stream()
                .filter(order -> order.status() instanceof OrderStatus.Placed placed && placed.isOverdue(now))
                .sorted(Comparator.comparing(Order::createdAt))
                .toList();
    }

    @Override
    public Order save(Order order) {
        // compute 对单个键是原子的，因此检查版本与写入之间不会被其他线程打断
        return orders.compute(order.id(), (id, stored) -> {
            long storedVersion = stored == null ? 0 : stored.version();
            if (storedVersion != order.version()) {
                throw OrderException.conflict(id, order.version(), storedVersion);
            }
            return order.toBuilder().version(storedVersion + 1).build();
        });
    }

    @Override
    public boolean delete(String orderId) {
        return orders.remove(orderId) != null;
    }
}
