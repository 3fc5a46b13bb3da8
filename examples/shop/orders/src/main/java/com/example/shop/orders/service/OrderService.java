/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.service;

import com.example.shop.orders.domain.Customer;
import com.example.shop.orders.domain.Money;
import com.example.shop.orders.domain.Order;
import com.example.shop.orders.domain.OrderEvent;
import com.example.shop.orders.domain.OrderException;
import com.example.shop.orders.domain.OrderLine;
import com.example.shop.orders.domain.OrderStatus;
import com.example.shop.orders.domain.Page;
import com.example.shop.orders.domain.Page.PageRequest;
import com.example.shop.orders.repository.OrderRepository;
import java.time.Clock;
import java.time.Instant;
import java.util.Currency;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** The use cases of an order, from the draft to the delivery. */
public class OrderService {

    private static final System.Logger LOG = System.getLogger(OrderService.class.getName());

    private final OrderRepository orders;
    private final OrderStateMachine stateMachine;
    private final PricingService pricing;
    private final StockLedger stock;
    private final OrderValidator validator;
    private final Clock clock;
    private final AtomicLong sequence = new AtomicLong();
    private final List<Consumer<? super OrderEvent>> listeners = new CopyOnWriteArrayList<>();

    public OrderService(OrderRepository orders, OrderStateMachine stateMachine, PricingService pricing,
            StockLedger stock, OrderValidator validator, Clock clock) {
        this.orders = Objects.requireNonNull(orders, "orders");
        this.stateMachine = Objects.requireNonNull(stateMachine, "stateMachine");
        this.pricing = Objects.requireNonNull(pricing, "pricing");
        this.stock = Objects.requireNonNull(stock, "stock");
        this.validator = Objects.requireNonNull(validator, "validator");
        this.clock = Objects.requireNonNull(clock, "clock");
    }

    public void onEvent(Consumer<? super OrderEvent> listener) {
        listeners.add(Objects.requireNonNull(listener, "listener"));
    }

    public Order createDraft(Customer customer, Currency currency, List<OrderLine> lines, String couponCode) {
        if (customer.isBlocked()) {
            throw new OrderException(OrderException.Code.FORBIDDEN, "顾客已被冻结: " + customer.getId());
        }
        Order.Builder builder = Order.builder()
                .id(nextId())
                .customer(customer)
                .currency(currency)
                .couponCode(couponCode)
                .createdAt(clock.instant());
        lines.forEach(builder::line);
        return orders.save(builder.build());
    }

    /** Changes the quantity of one line of a draft; zero removes the line. */
    public Order changeQuantity(String orderId, String sku, int quantity) {
        Order order = orders.getById(orderId);
        requireDraft(order);
        OrderLine line = order.findLine(sku).orElseThrow(() ->
                new OrderException(OrderException.Code.NOT_FOUND, "order " + orderId + " has no line for " + sku));
        Order.Builder changed = order.toBuilder().removeLine(sku);
        if (quantity > 0) {
            changed.line(line.withQuantity(quantity));
        }
        return orders.save(changed.build());
    }

    /** Validates the order, reserves its stock and opens the time window for the payment. */
    public Order place(String orderId) {
        Order order = orders.getById(orderId);
        validator.requireValid(order);
        requireDraft(order);
        stock.reserve(order);
        try {
            return fire(order, new OrderEvent.Placed(orderId, clock.instant()));
        } catch (OrderException e) {
            stock.release(orderId);
            throw e;
        }
    }

    public Order pay(String orderId, Money amount, String reference) {
        Order order = orders.getById(orderId);
        Money due = pricing.quote(order).total();
        if (amount.compareTo(due) != 0) {
            throw new OrderException(OrderException.Code.INVALID,
                    "payment of " + amount + " does not match the amount due " + due);
        }
        return fire(order, new OrderEvent.PaymentReceived(orderId, clock.instant(), amount, reference));
    }

    public Order ship(String orderId, String carrier, String trackingNumber) {
        Order order = orders.getById(orderId);
        Order shipped = fire(order, new OrderEvent.Dispatched(orderId, clock.instant(), carrier, trackingNumber));
        stock.ship(orderId);
        return shipped;
    }

    public Order confirmDelivery(String orderId) {
        return fire(orders.getById(orderId), new OrderEvent.Received(orderId, clock.instant()));
    }

    public Order cancel(String orderId, String reason) {
        Order order = orders.getById(orderId);
        Order cancelled = fire(order, new OrderEvent.CancelRequested(orderId, clock.instant(), reason));
        stock.release(orderId);
        return cancelled;
    }

    /** Cancels what was not paid in time and returns how many orders that were. */
    public int cancelOverdue() {
        Instant now = clock.instant();
        int cancelled = 0;
        for (Order order : orders.findOverdue(now)) {
            try {
                cancel(order.id(), "超过付款期限");
                cancelled++;
            } catch (OrderException e) {
                LOG.log(System.Logger.Level.WARNING, "cannot cancel overdue order {0}: {1}",
                        order.id(), e.getMessage());
            }
        }
        return cancelled;
    }

    public Order get(String orderId) {
        return orders.getById(orderId);
    }

    public PricingService.Quote quote(String orderId) {
        return pricing.quote(orders.getById(orderId));
    }

    public Page<Order> search(OrderRepository.Filter filter, PageRequest request) {
        return orders.search(filter, request);
    }

    private Order fire(Order order, OrderEvent event) {
        Order saved = orders.save(stateMachine.apply(order, event));
        LOG.log(System.Logger.Level.INFO, "order {0}: {1} -> {2}",
                order.id(), order.status().code(), saved.status().code());
        for (Consumer<? super OrderEvent> listener : listeners) {
            try {
                listener.accept(event);
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "listener failed for " + event.type(), e);
            }
        }
        return saved;
    }

    private void requireDraft(Order order) {
        if (!(order.status() instanceof OrderStatus.Draft)) {
            throw new OrderException(OrderException.Code.ILLEGAL_TRANSITION,
                    "order " + order.id() + " is no longer a draft but " + order.status().code());
        }
    }

    private String nextId() {
        return String.format("SO-%tY%<tm%<td-%05d", clock.instant().atZone(clock.getZone()), sequence.incrementAndGet());
    }
}
