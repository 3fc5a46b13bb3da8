/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.stock;

import com.example.shop.inventory.event.StockEvents;
import com.example.shop.inventory.event.StockEvents.ReservationEnded;
import com.example.shop.inventory.model.Reservation;
import com.example.shop.inventory.model.Reservation.State;
import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.model.StockMovement.Type;
import com.example.shop.inventory.model.Warehouse;
import com.example.shop.inventory.stock.StockLevelRepository.InsufficientStockException;
import com.example.shop.inventory.util.Preconditions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Holds goods back for orders, in the warehouse with the best priority that has enough. */
public class ReservationService {

    private static final Logger LOGGER = Logger.getLogger(ReservationService.class.getName());

    private final StockService stockService;
    private final List<Warehouse> warehouses;
    private final StockEvents stockEvents;
    private final Clock clock;
    private final Duration holdTime;
    private final Map<String, Reservation> reservations = new ConcurrentHashMap<>();
    private final AtomicInteger sequence = new AtomicInteger();

    public ReservationService(StockService stockService, List<Warehouse> warehouses, StockEvents stockEvents,
            Clock clock, Duration holdTime) {
        this.stockService = Preconditions.checkNotNull(stockService, "stockService");
        this.warehouses = Preconditions.checkNotEmpty(warehouses, "warehouses").stream()
                .filter(Warehouse::isActive)
                .sorted(Comparator.comparingInt(Warehouse::getPriority))
                .toList();
        this.stockEvents = Preconditions.checkNotNull(stockEvents, "stockEvents");
        this.clock = Preconditions.checkNotNull(clock, "clock");
        this.holdTime = Preconditions.checkNotNull(holdTime, "holdTime");
    }

    public Reservation reserve(String orderId, Sku sku, int quantity) {
        Preconditions.checkNotEmpty(orderId, "orderId");
        Preconditions.checkPositive(quantity, "quantity");
        for (Warehouse warehouse : warehouses) {
            try {
                stockService.update(sku, warehouse.getCode(), level -> {
                    if (level.getAvailable() < quantity) {
                        throw new InsufficientStockException(sku, quantity, level.getAvailable());
                    }
                    level.setReserved(level.getReserved() + quantity);
                });
            } catch (InsufficientStockException e) {
                LOGGER.log(Level.FINE, "{0} in {1}", new Object[] {e.getMessage(), warehouse.getCode()});
                continue;
            }
            String id = "R-" + sequence.incrementAndGet();
            Reservation reservation = new Reservation(
                    id, orderId, sku, warehouse.getCode(), quantity, clock.instant().plus(holdTime), State.ACTIVE);
            reservations.put(id, reservation);
            return reservation;
        }
        throw new InsufficientStockException(sku, quantity, stockService.availableEverywhere(sku));
    }

    /** The order has been paid; the reservation no longer expires. */
    public Reservation confirm(String id) {
        return changeState(id, State.CONFIRMED);
    }

    /** The goods have left the shelf. */
    public Reservation pick(String id) {
        Reservation picked = changeState(id, State.PICKED);
        giveBack(picked);
        stockService.move(picked.sku(), picked.warehouseCode(), Type.SHIPMENT, picked.quantity(), picked.orderId());
        return picked;
    }

    public Reservation release(String id) {
        Reservation released = changeState(id, State.RELEASED);
        giveBack(released);
        stockEvents.publish(new ReservationEnded(released));
        return released;
    }

    /** Ends reservations whose time is over; called by a timer once a minute. */
    public int expireOld() {
        Instant now = clock.instant();
        int expired = 0;
        for (Reservation reservation : reservations.values()) {
            if (!reservation.isExpired(now)) {
                continue;
            }
            try {
                Reservation ended = changeState(reservation.id(), State.EXPIRED);
                giveBack(ended);
                stockEvents.publish(new ReservationEnded(ended));
                expired++;
            } catch (IllegalStateException e) {
                LOGGER.log(Level.FINE, "reservation {0} was changed meanwhile", reservation.id());
            }
        }
        if (expired > 0) {
            LOGGER.log(Level.INFO, "{0} reservations expired", expired);
        }
        return expired;
    }

    public Optional<Reservation> find(String id) {
        return Optional.ofNullable(reservations.get(id));
    }

    public List<Reservation> findByOrder(String orderId) {
        return reservations.values().stream()
                .filter(reservation -> reservation.orderId().equals(orderId))
                .sorted(Comparator.comparing(Reservation::id))
                .toList();
    }

    private Reservation changeState(String id, State next) {
        Reservation changed = reservations.computeIfPresent(id, (key, old) -> old.withState(next));
        if (changed == null) {
            throw new IllegalArgumentException("no reservation with id " + id);
        }
        return changed;
    }

    private void giveBack(Reservation reservation) {
        stockService.update(reservation.sku(), reservation.warehouseCode(),
                level -> level.setReserved(Math.max(0, level.getReserved() - reservation.quantity())));
    }
}
