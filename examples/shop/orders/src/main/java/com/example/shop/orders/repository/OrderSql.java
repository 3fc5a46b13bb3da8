/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.repository;

import com.example.shop.orders.domain.Page.PageRequest;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.List;

/** The SQL of the order tables, and the search statement put together from a filter. */
public final class OrderSql {

    public static final String INSERT_ORDER = """
            INSERT INTO orders (id, customer_id, currency, status, coupon_code, created_at, version)
            VALUES (?, ?, ?, ?, ?, ?, 1)
            """;

    public static final String UPDATE_STATUS = """
            UPDATE orders
               SET status = ?, status_since = ?, version = version + 1
             WHERE id = ?
               AND version = ?
            """;

    public static final String SELECT_LINES = """
            SELECT l.sku, l.title, l.quantity, l.unit_price_minor
              FROM order_lines l
             WHERE l.order_id = ?
             ORDER BY l.position
            """;

    /** 每日销售额统计，按币种分组，只计算已付款的订单。 */
    public static final String DAILY_REVENUE = """
            SELECT CAST(o.created_at AS DATE) AS day,
                   o.currency,
                   COUNT(DISTINCT o.id) AS order_count,
                   SUM(l.quantity * l.unit_price_minor) AS revenue_minor
              FROM orders o
              JOIN order_lines l ON l.order_id = o.id
             WHERE o.status IN ('PAID', 'SHIPPED', 'DELIVERED')
               AND o.created_at >= ?
               AND o.created_at < ?
             GROUP BY CAST(o.created_at AS DATE), o.currency
             ORDER BY day, o.currency
            """;

    /** A statement together with the values of its question marks. */
    public record Statement(String sql, List<Object> parameters) {
    }

    private OrderSql() {
    }

    public static Statement search(OrderRepository.Filter filter, PageRequest request) {
        List<String> conditions = new ArrayList<>();
        List<Object> parameters = new ArrayList<>();
        if (filter.customerId() != null) {
            conditions.add("customer_id = ?");
            parameters.add(filter.customerId());
        }
        if (filter.status() != null) {
            conditions.add("status = ?");
            parameters.add(filter.status().name());
        }
        if (filter.createdAfter() != null) {
            conditions.add("created_at > ?");
            parameters.add(Timestamp.from(filter.createdAfter()));
        }
        String where = conditions.isEmpty() ? "1 = 1" : String.join(" AND ", conditions);
        parameters.add(request.size());
        parameters.add(request.offset());
        String sql = """
                SELECT id, customer_id, currency, status, coupon_code, created_at, version
                  FROM orders
                 WHERE %s
                 ORDER BY created_at DESC, id
                 LIMIT ? OFFSET ?
                """.formatted(where);
        return new Statement(sql, List.copyOf(parameters));
    }
}
