/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.domain;

import java.time.Instant;
import java.util.Objects;

/** 订单状态。每种状态只携带与自身有关的数据。 */
public sealed interface OrderStatus {

    /** 状态代码，用于数据库和接口。 */
    enum Code {
        DRAFT, PLACED, PAID, SHIPPED, DELIVERED, CANCELLED;

        public boolean isFinal() {
            return this == DELIVERED || this == CANCELLED;
        }
    }

    Code code();

    /** 进入该状态的时间。 */
    Instant since();

    /** 草稿：顾客仍可修改订单行。 */
    record Draft(Instant since) implements OrderStatus {
        @Override
        public Code code() {
            return Code.DRAFT;
        }
    }

    /** 已下单：等待付款，超过期限自动取消。 */
    record Placed(Instant since, Instant payBefore) implements OrderStatus {
        @Override
        public Code code() {
            return Code.PLACED;
        }

        public boolean isOverdue(Instant now) {
            return now.isAfter(payBefore);
        }
    }

    record Paid(Instant since, String paymentReference) implements OrderStatus {
        public Paid {
            Objects.requireNonNull(paymentReference, "付款流水号不能为空");
        }

        @Override
        public Code code() {
            return Code.PAID;
        }
    }

    record Shipped(Instant since, String carrier, String trackingNumber) implements OrderStatus {
        @Override
        public Code code() {
            return Code.SHIPPED;
        }
    }

    record Delivered(Instant since) implements OrderStatus {
        @Override
        public Code code() {
            return Code.DELIVERED;
        }
    }

    /** 已取消；付款后取消的订单需要退款。 */
    record Cancelled(Instant since, String reason, boolean refundDue) implements OrderStatus {
        @Override
        public Code code() {
            return Code.CANCELLED;
        }
    }
}
