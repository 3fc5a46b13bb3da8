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
import java.util.List;
import java.util.Optional;

/** Stores orders. Saving checks the version, so that two writers never overwrite each other. */
public interface OrderRepository {

    /** Search conditions; a field that is {@code null} does not restrict the result. */
    record Filter(String customerId, OrderStatus.Code status, Instant createdAfter) {

        public static Filter none() {
            return new Filter(null, null, null);
        }

        public Filter withCustomer(String id) {
            return new Filter(id, status, createdAfter);
        }

        public Filter withStatus(OrderStatus.Code code) {
            return new Filter(customerId, code, createdAfter);
        }

        public boolean matches(Order order) {
            return (customerId == null || customerId.equals(order.customer().getId()))
                    && (status == null || status == order.status().code())
                    && (createdAfter == null || order.createdAt().isAfter(createdAfter));
        }
    }

    Optional<Order> findById(String orderId);

    Page<Order> search(Filter filter, PageRequest request);

    /** Orders that were placed but not paid in time. */
    List<Order> findOverdue(Instant now);

    /** Stores the order and returns it with its new version. */
    Order save(Order order);

    boolean delete(String orderId);

    default Order getById(String orderId) {
        return findById(orderId).orElseThrow(() -> OrderException.notFound(orderId));
    }
}
