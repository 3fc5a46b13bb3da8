/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.event;

import com.example.shop.inventory.model.Reservation;
import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.model.StockMovement;
import com.example.shop.inventory.util.Preconditions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Tells listeners what happened to the stock. A listener that fails does not disturb the others. */
public final class StockEvents {

    private static final Logger LOGGER = Logger.getLogger(StockEvents.class.getName());

    public sealed interface StockEvent {
        Sku sku();
    }

    public record StockMoved(StockMovement movement, int onHand) implements StockEvent {
        @Override
        public Sku sku() {
            return movement.sku();
        }
    }

    public record StockRanLow(Sku sku, String warehouseCode, int available) implements StockEvent {
    }

    public record ReservationEnded(Reservation reservation) implements StockEvent {
        @Override
        public Sku sku() {
            return reservation.sku();
        }
    }

    private record Subscription<E extends StockEvent>(Class<E> type, Consumer<? super E> listener) {
        boolean deliver(StockEvent event) {
            if (!type.isInstance(event)) {
                return false;
            }
            listener.accept(type.cast(event));
            return true;
        }
    }

    private final List<Subscription<?>> subscriptions = new CopyOnWriteArrayList<>();

    /** Adds a listener; the returned action takes it away again. */
    public <E extends StockEvent> Runnable subscribe(Class<E> type, Consumer<? super E> listener) {
        Subscription<E> subscription = new Subscription<>(
                Preconditions.checkNotNull(type, "type"), Preconditions.checkNotNull(listener, "listener"));
        subscriptions.add(subscription);
        return () -> subscriptions.remove(subscription);
    }

    /** Returns how many listeners got the event. */
    public int publish(StockEvent event) {
        Preconditions.checkNotNull(event, "event");
        int delivered = 0;
        for (Subscription<?> subscription : subscriptions) {
            try {
                if (subscription.deliver(event)) {
                    delivered++;
                }
            } catch (RuntimeException e) {
                LOGGER.log(Level.WARNING, "listener failed for " + event, e);
            }
        }
        return delivered;
    }

    /** Collects events for tests. */
    public static final class Recorder implements Consumer<StockEvent> {
        private final List<StockEvent> events = new ArrayList<>();

        @Override
        public void accept(StockEvent event) {
            events.add(event);
        }

        public <E extends StockEvent> List<E> eventsOf(Class<E> type) {
            return events.stream().filter(type::isInstance).map(type::cast).toList();
        }
    }
}
