/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.service;

import com.example.shop.orders.domain.Customer;
import com.example.shop.orders.domain.Money;
import com.example.shop.orders.domain.Order;
import com.example.shop.orders.domain.OrderLine;
import java.util.Comparator;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/** 促销规则：计算一张订单可以减免的金额。规则之间相互独立。 */
public interface Promotion {

    /** 促销编号，出现在价格明细中。 */
    String code();

    /** 返回减免金额；不适用时返回空。 */
    Optional<Money> discountFor(Order order);

    /** 能否与其他促销同时使用。 */
    default boolean stackable() {
        return true;
    }

    /** 会员等级折扣。 */
    static Promotion tierDiscount() {
        return new Promotion() {
            @Override
            public String code() {
                return "TIER";
            }

            @Override
            public Optional<Money> discountFor(Order order) {
                Customer.Tier tier = order.customer().getTier();
                return Optional.of(order.subtotal().percent(tier.discountPercent())).filter(Money::isPositive);
            }
        };
    }

    /** 满减：商品总额达到门槛后减去固定金额，不与其他促销叠加。 */
    record Threshold(String code, Money minimum, Money reduction) implements Promotion {

        public Threshold {
            if (reduction.compareTo(minimum) > 0) {
                throw new IllegalArgumentException("满减金额不能超过门槛: " + reduction);
            }
        }

        @Override
        public Optional<Money> discountFor(Order order) {
            if (!order.currency().equals(minimum.currency()) || order.subtotal().compareTo(minimum) < 0) {
                return Optional.empty();
            }
            return Optional.of(reduction);
        }

        @Override
        public boolean stackable() {
            return false;
        }
    }

    /** 优惠券：顾客输入的代码与规则一致时按百分比减免。 */
    record Coupon(String code, int percent) implements Promotion {

        public Coupon {
            code = Objects.requireNonNull(code, "优惠券代码不能为空").toUpperCase(Locale.ROOT);
            if (percent < 1 || percent > 90) {
                throw new IllegalArgumentException("折扣必须在 1% 到 90% 之间: " + percent);
            }
        }

        @Override
        public Optional<Money> discountFor(Order order) {
            return order.couponCode()
                    .filter(code::equalsIgnoreCase)
                    .map(entered -> order.subtotal().percent(percent));
        }
    }

    /** 买 N 送一：每买满一组，免去其中一件的价格；多种商品时取优惠最大的一种。 */
    record BuyNGetOneFree(String code, int groupSize, String skuPrefix) implements Promotion {

        @Override
        public Optional<Money> discountFor(Order order) {
            return order.lines().stream()
                    .filter(line -> line.sku().startsWith(skuPrefix))
                    .map(this::freeItems)
                    .filter(Money::isPositive)
                    .max(Comparator.naturalOrder());
        }

        private Money freeItems(OrderLine line) {
            return line.unitPrice().times(line.quantity() / (groupSize + 1));
        }
    }
}
