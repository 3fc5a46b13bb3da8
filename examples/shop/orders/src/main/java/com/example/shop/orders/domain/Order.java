/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.domain;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Currency;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * 订单聚合根。对象不可变，修改时通过 {@link #toBuilder()} 生成新的版本。
 */
public final class Order {

    private final String id;
    private final Customer customer;
    private final Currency currency;
    private final List<OrderLine> lines;
    private final OrderStatus status;
    private final String couponCode;
    private final Instant createdAt;
    private final long version;

    private Order(Builder builder) {
        this.id = Objects.requireNonNull(builder.id, "订单号不能为空");
        this.customer = Objects.requireNonNull(builder.customer, "顾客不能为空");
        this.currency = Objects.requireNonNull(builder.currency, "币种不能为空");
        this.createdAt = Objects.requireNonNull(builder.createdAt, "创建时间不能为空");
        this.status = builder.status == null ? new OrderStatus.Draft(createdAt) : builder.status;
        this.lines = List.copyOf(builder.lines);
        this.couponCode = builder.couponCode;
        this.version = builder.version;
        for (OrderLine line : lines) {
            if (!line.unitPrice().currency().equals(currency)) {
                throw new IllegalArgumentException("订单行币种与订单不一致: " + line.sku());
            }
        }
    }

    public static Builder builder() {
        return new Builder();
    }

    public Builder toBuilder() {
        Builder builder = new Builder()
                .id(id)
                .customer(customer)
                .currency(currency)
                .status(status)
                .couponCode(couponCode)
                .createdAt(createdAt)
                .version(version);
        lines.forEach(builder::line);
        return builder;
    }

    public String id() {
        return id;
    }

    public Customer customer() {
        return customer;
    }

    public Currency currency() {
        return currency;
    }

    public List<OrderLine> lines() {
        return lines;
    }

    public OrderStatus status() {
        return status;
    }

    public Optional<String> couponCode() {
        return Optional.ofNullable(couponCode);
    }

    public Instant createdAt() {
        return createdAt;
    }

    /** 乐观锁版本号，每次保存加一。 */
    public long version() {
        return version;
    }

    /** 折扣前的商品总额。 */
    public Money subtotal() {
        return Money.sum(lines.stream().map(OrderLine::total).toList(), currency);
    }

    public int itemCount() {
        return lines.stream().mapToInt(OrderLine::quantity).sum();
    }

    public Optional<OrderLine> findLine(String sku) {
        return lines.stream().filter(line -> line.sku().equals(sku)).findFirst();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Order order && id.equals(order.id) && version == order.version;
    }

    @Override
    public int hashCode() {
        return Objects.hash(id, version);
    }

    @Override
    public String toString() {
        return "Order[" + id + " v" + version + " " + status.code() + ", " + lines.size() + " lines]";
    }

    /** 订单构建器；相同商品会自动合并为一行。 */
    public static final class Builder {

        private String id;
        private Customer customer;
        private Currency currency;
        private final List<OrderLine> lines = new ArrayList<>();
        private OrderStatus status;
        private String couponCode;
        private Instant createdAt;
        private long version;

        private Builder() {
        }

        public Builder id(String value) {
            this.id = value;
            return this;
        }

        public Builder customer(Customer value) {
            this.customer = value;
            return this;
        }

        public Builder currency(Currency value) {
            this.currency = value;
            return this;
        }

        public Builder line(OrderLine line) {
            for (int i = 0; i < lines.size(); i++) {
                if (lines.get(i).sku().equals(line.sku())) {
                    lines.set(i, lines.get(i).merge(line));
                    return this;
                }
            }
            lines.add(line);
            return this;
        }

        public Builder removeLine(String sku) {
            lines.removeIf(line -> line.sku().equals(sku));
            return this;
        }

        public Builder status(OrderStatus value) {
            this.status = value;
            return this;
        }

        public Builder couponCode(String value) {
            this.couponCode = value;
            return this;
        }

        public Builder createdAt(Instant value) {
            this.createdAt = value;
            return this;
        }

        public Builder version(long value) {
            this.version = value;
            return this;
        }

        public Order build() {
            return new Order(this);
        }
    }
}
