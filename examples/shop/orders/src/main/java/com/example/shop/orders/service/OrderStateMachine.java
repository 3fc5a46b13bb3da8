/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.service;

import com.example.shop.orders.domain.Order;
import com.example.shop.orders.domain.OrderEvent;
import com.example.shop.orders.domain.OrderException;
import com.example.shop.orders.domain.OrderStatus;
import java.time.Duration;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** 订单状态机：根据事件计算下一个状态，并拒绝不允许的转换。 */
public final class OrderStateMachine {

    private static final Map<OrderStatus.Code, Set<OrderStatus.Code>> ALLOWED = new EnumMap<>(OrderStatus.Code.class);

    static {
        ALLOWED.put(OrderStatus.Code.DRAFT, EnumSet.of(OrderStatus.Code.PLACED, OrderStatus.Code.CANCELLED));
        ALLOWED.put(OrderStatus.Code.PLACED, EnumSet.of(OrderStatus.Code.PAID, OrderStatus.Code.CANCELLED));
        ALLOWED.put(OrderStatus.Code.PAID, EnumSet.of(OrderStatus.Code.SHIPPED, OrderStatus.Code.CANCELLED));
        ALLOWED.put(OrderStatus.Code.SHIPPED, EnumSet.of(OrderStatus.Code.DELIVERED));
        ALLOWED.put(OrderStatus.Code.DELIVERED, EnumSet.noneOf(OrderStatus.Code.class));
        ALLOWED.put(OrderStatus.Code.CANCELLED, EnumSet.noneOf(OrderStatus.Code.class));
    }

    private final Duration paymentWindow;

    public OrderStateMachine(Duration paymentWindow) {
        this.paymentWindow = Objects.requireNonNull(paymentWindow, "付款期限不能为空");
    }

    /** 返回应用事件后的订单；原订单保持不变。 */
    public Order apply(Order order, OrderEvent event) {
        if (!order.id().equals(event.orderId())) {
            throw new IllegalArgumentException("事件不属于订单 " + order.id() + ": " + event);
        }
        OrderStatus next = nextStatus(order, event);
        if (!canMove(order.status().code(), next.code())) {
            throw new OrderException(OrderException.Code.ILLEGAL_TRANSITION,
                    "订单 " + order.id() + " 不能从 " + order.status().code() + " 转换为 " + next.code());
        }
        return order.toBuilder().status(next).build();
    }

    public boolean canMove(OrderStatus.Code from, OrderStatus.Code to) {
        return ALLOWED.get(from).contains(to);
    }

    public boolean isCancellable(Order order) {
        return canMove(order.status().code(), OrderStatus.Code.CANCELLED);
    }

    private OrderStatus nextStatus(Order order, OrderEvent event) {
        if (event instanceof OrderEvent.Placed placed) {
            return new OrderStatus.Placed(placed.at(), placed.at().plus(paymentWindow));
        }
        if (event instanceof OrderEvent.PaymentReceived payment) {
            return new OrderStatus.Paid(payment.at(), payment.reference());
        }
        if (event instanceof OrderEvent.Dispatched dispatched) {
            return new OrderStatus.Shipped(dispatched.at(), dispatched.carrier(), dispatched.trackingNumber());
        }
        if (event instanceof OrderEvent.Received received) {
            return new OrderStatus.Delivered(received.at());
        }
        if (event instanceof OrderEvent.CancelRequested cancel) {
            boolean refundDue = order.status() instanceof OrderStatus.Paid;
            return new OrderStatus.Cancelled(cancel.at(), cancel.reason(), refundDue);
        }
        throw new IllegalStateException("未知事件: " + event.type());
    }
}
