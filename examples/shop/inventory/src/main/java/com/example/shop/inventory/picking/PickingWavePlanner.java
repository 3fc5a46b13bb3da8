/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.picking;

import com.example.shop.inventory.model.Reservation;
import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.util.Preconditions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Groups confirmed reservations into waves, so that a picker walks each aisle once. */
public class PickingWavePlanner {

    /** A shelf: zone, aisle and position in the aisle. */
    public record Location(String zone, int aisle, int position) implements Comparable<Location> {
        @Override
        public int compareTo(Location other) {
            int byZone = zone.compareTo(other.zone);
            if (byZone != 0) {
                return byZone;
            }
            if (aisle != other.aisle) {
                return Integer.compare(aisle, other.aisle);
            }
            // Odd aisles are walked up, even ones down.
            return aisle % 2 == 1
                    ? Integer.compare(position, other.position)
                    : Integer.compare(other.position, position);
        }
    }

    public record Stop(Location location, Sku sku, int quantity) {
    }

    public record Wave(String zone, List<String> orderIds, List<Stop> stops) {
        public int pieces() {
            return stops.stream().mapToInt(Stop::quantity).sum();
        }
    }

    private final Function<Sku, Location> locations;
    private final int maxOrdersPerWave;

    public PickingWavePlanner(Function<Sku, Location> locations, int maxOrdersPerWave) {
        this.locations = Preconditions.checkNotNull(locations, "locations");
        this.maxOrdersPerWave = Preconditions.checkPositive(maxOrdersPerWave, "maxOrdersPerWave");
    }

    public List<Wave> plan(List<Reservation> reservations) {
        Preconditions.checkNotNull(reservations, "reservations");
        Map<String, List<Reservation>> byZone = reservations.stream()
                .filter(reservation -> reservation.state() == Reservation.State.CONFIRMED)
                .collect(Collectors.groupingBy(
                        reservation -> locations.apply(reservation.sku()).zone(), TreeMap::new, Collectors.toList()));
        List<Wave> waves = new ArrayList<>();
        for (Map.Entry<String, List<Reservation>> entry : byZone.entrySet()) {
            Map<String, List<Reservation>> byOrder = new LinkedHashMap<>();
            for (Reservation reservation : entry.getValue()) {
                byOrder.computeIfAbsent(reservation.orderId(), key -> new ArrayList<>()).add(reservation);
            }
            List<String> orderIds = new ArrayList<>(byOrder.keySet());
            for (int start = 0; start < orderIds.size(); start += maxOrdersPerWave) {
                int end = Math.min(start + maxOrdersPerWave, orderIds.size());
                List<String> chunk = List.copyOf(orderIds.subList(start, end));
                waves.add(new Wave(entry.getKey(), chunk, stops(chunk, byOrder)));
            }
        }
        return waves;
    }

    private List<Stop> stops(List<String> orderIds, Map<String, List<Reservation>> byOrder) {
        Map<Sku, Integer> quantities = new TreeMap<>();
        for (String orderId : orderIds) {
            for (Reservation reservation : byOrder.get(orderId)) {
                quantities.merge(reservation.sku(), reservation.quantity(), Integer::sum);
            }
        }
        return quantities.entrySet().stream()
                .map(e -> new Stop(locations.apply(e.getKey()), e.getKey(), e.getValue()))
                .sorted(Comparator.comparing(Stop::location))
                .toList();
    }

    /** The list a picker carries. */
    public static String print(Wave wave) {
        StringBuilder sb = new StringBuilder();
        sb.append("Wave in zone ").append(wave.zone()).append(", ").append(wave.pieces()).append(" pieces\n");
        for (Stop stop : wave.stops()) {
            sb.append(String.format("  %02d/%03d  %-18s x %d%n",
                    stop.location().aisle(), stop.location().position(), stop.sku(), stop.quantity()));
        }
        return sb.toString();
    }
}
