/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.service;

import com.example.shop.orders.domain.Order;
import com.example.shop.orders.domain.OrderException;
import com.example.shop.orders.domain.OrderLine;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/** 库存台账：下单时预留，发货时扣减，取消时释放。所有操作都是线程安全的。 */
public class StockLedger {

    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final Map<String, Integer> onHand = new HashMap<>();
    private final Map<String, Map<String, Integer>> reservations = new HashMap<>();

    public void receive(String sku, int quantity) {
        if (quantity <= 0) {
            throw new IllegalArgumentException("入库数量必须为正数: " + quantity);
        }
        lock.writeLock().lock();
        try {
            onHand.merge(sku, quantity, Integer::sum);
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** 可用库存 = 现有库存 - 已预留数量。 */
    public int available(String sku) {
        lock.readLock().lock();
        try {
            return availableUnlocked(sku);
        } finally {
            lock.readLock().unlock();
        }
    }

    /** 为整张订单预留库存；任何一行不足时全部不预留。重复调用会替换原有预留。 */
    public void reserve(Order order) {
        lock.writeLock().lock();
        try {
            Map<String, Integer> previous = reservations.remove(order.id());
            Map<String, Integer> wanted = new LinkedHashMap<>();
            for (OrderLine line : order.lines()) {
                int missing = line.quantity() - availableUnlocked(line.sku());
                if (missing > 0) {
                    if (previous != null) {
                        reservations.put(order.id(), previous);
                    }
                    throw new OrderException.OutOfStock(line.sku(), missing);
                }
                wanted.put(line.sku(), line.quantity());
            }
            reservations.put(order.id(), wanted);
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** 释放预留；订单没有预留时返回 false。 */
    public boolean release(String orderId) {
        lock.writeLock().lock();
        try {
            return reservations.remove(orderId) != null;
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** 发货：把预留数量从现有库存中扣除。 */
    public void ship(String orderId) {
        lock.writeLock().lock();
        try {
            Map<String, Integer> reserved = reservations.remove(orderId);
            if (reserved == null) {
                throw new OrderException(OrderException.Code.CONFLICT, "订单没有预留库存: " + orderId);
            }
            for (Map.Entry<String, Integer> entry : reserved.entrySet()) {
                onHand.merge(entry.getKey(), -entry.getValue(), Integer::sum);
            }
        } finally {
            lock.writeLock().unlock();
        }
    }

    private int availableUnlocked(String sku) {
        int reserved = 0;
        for (Map<String, Integer> reservation : reservations.values()) {
            reserved += reservation.getOrDefault(sku, 0);
        }
        return onHand.getOrDefault(sku, 0) - reserved;
    }
}
