/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders;

import com.example.shop.orders.domain.Customer;
import com.example.shop.orders.domain.Money;
import com.example.shop.orders.domain.OrderLine;
import com.example.shop.orders.repository.InMemoryOrderRepository;
import com.example.shop.orders.service.OrderService;
import com.example.shop.orders.service.OrderStateMachine;
import com.example.shop.orders.service.OrderValidator;
import com.example.shop.orders.service.PricingService;
import com.example.shop.orders.service.Promotion;
import com.example.shop.orders.service.StockLedger;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Currency;
import java.util.List;
import java.util.Objects;

/** 测试夹具：可控时钟、示例数据、断言工具。 */
final class Fixtures extends Clock {

    static final Currency CNY = Currency.getInstance("CNY");

    private Instant now = Instant.parse("2026-03-02T09:30:00Z");

    final StockLedger stock = new StockLedger();
    final PricingService pricing = new PricingService(
            List.of(Promotion.tierDiscount(),
                    new Promotion.Coupon("spring10", 10),
                    new Promotion.Threshold("MINUS60", cny("300"), cny("60")),
                    new Promotion.BuyNGetOneFree("TEA3", 3, "TEA-")),
            new BigDecimal("13"), cny("12"), cny("200"));
    final InMemoryOrderRepository repository = new InMemoryOrderRepository();
    final OrderService orders = new OrderService(repository, new OrderStateMachine(Duration.ofMinutes(30)),
            pricing, stock, OrderValidator.withDefaults(cny("5000")), this);

    static Money cny(String amount) {
        return Money.of(amount, "CNY");
    }

    static OrderLine line(String sku, int quantity, String price) {
        return new OrderLine(sku, null, quantity, cny(price));
    }

    static Customer customer(int points) {
        Customer customer = new Customer("C-1", "林晓", " Lin@Example.com ");
        customer.setPoints(points);
        return customer;
    }

    void advance(Duration duration) {
        now = now.plus(duration);
    }

    static void equal(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError("期望 <" + expected + ">，实际 <" + actual + ">");
        }
    }

    static <E extends Exception> E fails(Class<E> type, Runnable action) {
        try {
            action.run();
        } catch (RuntimeException e) {
            if (type.isInstance(e)) {
                return type.cast(e);
            }
            throw e;
        }
        throw new AssertionError("没有抛出 " + type.getSimpleName());
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        return Clock.fixed(now, zone);
    }

    @Override
    public Instant instant() {
        return now;
    }
}
