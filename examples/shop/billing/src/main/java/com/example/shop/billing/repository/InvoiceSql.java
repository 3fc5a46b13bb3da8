/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.repository;

import com.example.shop.billing.support.Checks;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Statements of the JDBC repository, written with named parameters such as {@code :number}. */
public final class InvoiceSql {

    public static final String FIND_BY_NUMBER = """
            SELECT i.number, i.customer_id, i.currency, i.status, i.issued_on, i.due_on,
                   i.tax_amount, i.paid_amount, i.refunded_amount
              FROM billing.invoice i
             WHERE i.number = :number
            """;

    public static final String FIND_OVERDUE = """
            SELECT i.number, i.customer_id, i.due_on
              FROM billing.invoice i
             WHERE i.status IN ('ISSUED', 'PARTIALLY_PAID')
               AND i.due_on < :today
             ORDER BY i.due_on, i.number
             LIMIT :max
            """;

    public static final String UPDATE_PAID = """
            UPDATE billing.invoice
               SET paid_amount = paid_amount + :amount,
                   status = :status,
                   version = version + 1
             WHERE number = :number
               AND version = :version
            """;

    public static final String REVENUE_BY_MONTH = """
            SELECT date_trunc('month', i.issued_on) AS month,
                   i.currency,
                   SUM(l.quantity * l.unit_price) AS net
              FROM billing.invoice i
              JOIN billing.invoice_line l ON l.invoice_number = i.number
             WHERE i.status <> 'CANCELLED'
               AND i.issued_on >= :from
             GROUP BY 1, 2
             ORDER BY 1, 2
            """;

    private static final Pattern PARAMETER = Pattern.compile("(?<!:):([a-zA-Z]\\w*)");

    /** A statement with question marks, and the values in their order. */
    public record Bound(String sql, List<Object> values) {
    }

    private InvoiceSql() {
    }

    /** Replaces named parameters; every name has to have a value. */
    public static Bound bind(String sql, Map<String, ?> parameters) {
        Checks.notBlank(sql, "sql");
        Checks.notNull(parameters, "parameters");
        List<Object> values = new ArrayList<>();
        Matcher matcher = PARAMETER.matcher(sql);
        StringBuilder result = new StringBuilder();
        while (matcher.find()) {
            String name = matcher.group(1);
            if (!parameters.containsKey(name)) {
                throw new IllegalArgumentException("no value for parameter " + name);
            }
            values.add(parameters.get(name));
            matcher.appendReplacement(result, "?");
        }
        matcher.appendTail(result);
        return new Bound(result.toString(), values);
    }
}
