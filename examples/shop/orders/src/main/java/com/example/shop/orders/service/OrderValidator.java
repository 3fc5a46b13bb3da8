/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.service;

import com.example.shop.orders.domain.Money;
import com.example.shop.orders.domain.Order;
import com.example.shop.orders.domain.OrderException;
import com.example.shop.orders.domain.OrderLine;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** 订单校验器：由一组规则组成，一次返回全部错误信息。 */
public class OrderValidator {

    private static final Pattern SKU = Pattern.compile("[A-Z]{2,4}-\\d{3,6}");
    private static final Pattern EMAIL = Pattern.compile("[^@\\s]+@[^@\\s]+\\.[^@\\s]+");
    private static final int MAX_LINES = 50;

    private record Rule(Predicate<Order> violatedBy, Function<Order, String> message) {
    }

    private final List<Rule> rules = new ArrayList<>();

    /** 默认规则加上最高金额限制。 */
    public static OrderValidator withDefaults(Money maxTotal) {
        return new OrderValidator()
                .rejectIf(order -> order.lines().isEmpty(), order -> "订单没有商品")
                .rejectIf(order -> order.lines().size() > MAX_LINES,
                        order -> "订单行超过上限: " + order.lines().size() + " > " + MAX_LINES)
                .rejectIf(order -> !hasValidEmail(order),
                        order -> "邮箱格式不正确: " + order.customer().getEmail())
                .rejectIf(order -> order.currency().equals(maxTotal.currency())
                                && order.subtotal().compareTo(maxTotal) > 0,
                        order -> "订单金额 " + order.subtotal() + " 超过上限 " + maxTotal);
    }

    public OrderValidator rejectIf(Predicate<Order> violatedBy, Function<Order, String> message) {
        rules.add(new Rule(violatedBy, message));
        return this;
    }

    public List<String> validate(Order order) {
        List<String> violations = new ArrayList<>();
        for (Rule rule : rules) {
            if (rule.violatedBy().test(order)) {
                violations.add(rule.message().apply(order));
            }
        }
        for (OrderLine line : order.lines()) {
            if (!SKU.matcher(line.sku()).matches()) {
                violations.add("商品编码格式不正确: " + line.sku());
            }
        }
        return violations;
    }

    public void requireValid(Order order) {
        List<String> violations = validate(order);
        if (!violations.isEmpty()) {
            throw new OrderException.InvalidOrder(violations);
        }
    }

    private static boolean hasValidEmail(Order order) {
        String email = order.customer().getEmail();
        return email != null && EMAIL.matcher(email).matches();
    }
}
