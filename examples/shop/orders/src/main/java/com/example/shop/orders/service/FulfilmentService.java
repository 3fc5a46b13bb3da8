/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.service;

import com.example.shop.orders.domain.Order;
import com.example.shop.orders.domain.OrderException;
import com.example.shop.orders.domain.OrderStatus;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Asks all carriers for an offer at the same time and ships with the cheapest one. */
public final class FulfilmentService implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(FulfilmentService.class.getName());

    /** A parcel service outside of the shop. */
    public interface Carrier {
        String name();

        /** 报价（最小货币单位）；耗时可能较长。 */
        long priceMinor(Order order);

        String book(Order order);
    }

    /** The result for one order of a batch. */
    public record Shipment(String orderId, boolean shipped, String message) {
    }

    private record Offer(Carrier carrier, long priceMinor) {
    }

    private final OrderService orders;
    private final List<Carrier> carriers;
    private final Duration offerTimeout;
    private final ExecutorService executor;

    public FulfilmentService(OrderService orders, List<Carrier> carriers, Duration offerTimeout, int threads) {
        this.orders = Objects.requireNonNull(orders, "orders");
        this.carriers = List.copyOf(carriers);
        this.offerTimeout = Objects.requireNonNull(offerTimeout, "offerTimeout");
        this.executor = Executors.newFixedThreadPool(threads, task -> {
            Thread thread = new Thread(task, "fulfilment");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Ships many orders; one that fails is reported and does not stop the others. */
    public List<Shipment> shipAll(List<String> orderIds) {
        List<CompletableFuture<Shipment>> pending = orderIds.stream()
                .map(id -> ship(id)
                        .thenApply(order -> new Shipment(id, true, describe(order)))
                        .exceptionally(error -> new Shipment(id, false, rootMessage(error))))
                .toList();
        return pending.stream().map(CompletableFuture::join).toList();
    }

    public CompletableFuture<Order> ship(String orderId) {
        return CompletableFuture.supplyAsync(() -> orders.get(orderId), executor)
                .thenCompose(order -> cheapestOffer(order)
                        .thenApplyAsync(offer -> bookAndShip(order, offer), executor));
    }

    private CompletableFuture<Offer> cheapestOffer(Order order) {
        List<CompletableFuture<Optional<Offer>>> offers = carriers.stream()
                .map(carrier -> offerOf(carrier, order))
                .toList();
        return CompletableFuture.allOf(offers.toArray(new CompletableFuture<?>[0]))
                .thenApply(done -> offers.stream()
                        .map(CompletableFuture::join)
                        .flatMap(Optional::stream)
                        .min(Comparator.comparingLong(Offer::priceMinor))
                        .orElseThrow(() -> new OrderException(OrderException.Code.CONFLICT,
                                "没有承运商可以配送订单 " + order.id())));
    }

    private CompletableFuture<Optional<Offer>> offerOf(Carrier carrier, Order order) {
        return CompletableFuture.supplyAsync(() -> Optional.of(new Offer(carrier, carrier.priceMinor(order))), executor)
                .completeOnTimeout(Optional.empty(), offerTimeout.toMillis(), TimeUnit.MILLISECONDS)
                .exceptionally(error -> {
                    LOG.log(System.Logger.Level.WARNING, "no offer from {0}: {1}", carrier.name(), rootMessage(error));
                    return Optional.empty();
                });
    }

    private Order bookAndShip(Order order, Offer offer) {
        if (!(order.status() instanceof OrderStatus.Paid)) {
            throw new OrderException(OrderException.Code.ILLEGAL_TRANSITION, "订单尚未付款: " + order.id());
        }
        String trackingNumber = offer.carrier().book(order);
        return orders.ship(order.id(), offer.carrier().name(), trackingNumber);
    }

    private static String describe(Order order) {
        return order.status() instanceof OrderStatus.Shipped shipped
                ? shipped.carrier() + " " + shipped.trackingNumber()
                : order.status().code().name();
    }

    private static String rootMessage(Throwable error) {
        Throwable cause = error;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage();
    }

    @Override
    public void close() {
        executor.shutdown();
        try {
            if (!executor.awaitTermination(5, TimeUnit.SECONDS)) {
                executor.shutdownNow();
            }
        } catch (InterruptedException e) {
            executor.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
