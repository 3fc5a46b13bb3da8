/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.web;

import com.example.shop.orders.domain.Money;
import com.example.shop.orders.domain.Order;
import com.example.shop.orders.domain.OrderException;
import com.example.shop.orders.domain.OrderLine;
import com.example.shop.orders.domain.OrderStatus;
import com.example.shop.orders.service.PricingService.Quote;
import java.math.BigDecimal;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Currency;
import java.util.List;

/** Translates between the domain and the transfer objects of the web layer. */
public final class OrderMapper {

    private final DateTimeFormatter dateTime;

    public OrderMapper(ZoneId zone) {
        this.dateTime = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm").withZone(zone);
    }

    public OrderDtos.OrderView toView(Order order, Quote quote) {
        List<OrderDtos.LineView> lines = order.lines().stream().map(this::toView).toList();
        return new OrderDtos.OrderView(
                order.id(),
                order.customer().getName(),
                order.status().code().name(),
                statusText(order.status()),
                lines,
                quote.subtotal().toString(),
                quote.discountTotal().toString(),
                quote.shipping().toString(),
                quote.total().toString());
    }

    public OrderDtos.OrderSummary toSummary(Order order) {
        return new OrderDtos.OrderSummary(order.id(), order.status().code().name(), order.itemCount(),
                order.subtotal().toString(), dateTime.format(order.createdAt()));
    }

    public List<OrderLine> toLines(OrderDtos.CreateOrder request) {
        Currency currency = toCurrency(request.currency());
        return request.lines().stream()
                .map(line -> new OrderLine(line.sku(), line.title(), line.quantity(),
                        toMoney(line.unitPrice(), currency)))
                .toList();
    }

    public Money toMoney(String amount, Currency currency) {
        try {
            return new Money(new BigDecimal(amount), currency);
        } catch (NumberFormatException e) {
            throw new OrderException(OrderException.Code.INVALID, "金额格式不正确: " + amount);
        }
    }

    public Currency toCurrency(String code) {
        try {
            return Currency.getInstance(code);
        } catch (IllegalArgumentException | NullPointerException e) {
            throw new OrderException(OrderException.Code.INVALID, "不支持的币种: " + code);
        }
    }

    public OrderDtos.ErrorView toError(OrderException error) {
        List<String> details = error instanceof OrderException.InvalidOrder invalid
                ? invalid.violations()
                : List.of();
        return new OrderDtos.ErrorView(error.code().name(), error.getMessage(), details);
    }

    private OrderDtos.LineView toView(OrderLine line) {
        return new OrderDtos.LineView(line.sku(), line.title(), line.quantity(),
                line.unitPrice().toString(), line.total().toString());
    }

    /** 给顾客看的状态说明。 */
    private String statusText(OrderStatus status) {
        String since = dateTime.format(status.since());
        if (status instanceof OrderStatus.Placed placed) {
            return "待付款，请在 " + dateTime.format(placed.payBefore()) + " 前完成付款";
        }
        if (status instanceof OrderStatus.Shipped shipped) {
            return "已发货，" + shipped.carrier() + " 运单号 " + shipped.trackingNumber();
        }
        if (status instanceof OrderStatus.Cancelled cancelled) {
            return "已取消：" + cancelled.reason() + (cancelled.refundDue() ? "，退款处理中" : "");
        }
        return switch (status.code()) {
            case DRAFT -> "草稿";
            case PAID -> "已付款，" + since;
            case DELIVERED -> "已送达，" + since;
            default -> status.code().name();
        };
    }
}
