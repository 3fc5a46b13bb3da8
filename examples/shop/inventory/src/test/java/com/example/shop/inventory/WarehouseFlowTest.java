/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory;

import com.example.shop.inventory.counting.StockTake;
import com.example.shop.inventory.event.StockEvents;
import com.example.shop.inventory.imports.StockImport;
import com.example.shop.inventory.model.Reservation;
import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.model.StockMovement.Type;
import com.example.shop.inventory.model.Warehouse;
import com.example.shop.inventory.picking.PickingWavePlanner;
import com.example.shop.inventory.picking.PickingWavePlanner.Location;
import com.example.shop.inventory.picking.PickingWavePlanner.Wave;
import com.example.shop.inventory.planning.ReplenishmentPlanner;
import com.example.shop.inventory.planning.ReplenishmentPlanner.Proposal;
import com.example.shop.inventory.planning.ReplenishmentPlanner.SupplyTerms;
import com.example.shop.inventory.stock.InMemoryStockLevelRepository;
import com.example.shop.inventory.stock.ReservationService;
import com.example.shop.inventory.stock.StockLevelRepository.InsufficientStockException;
import com.example.shop.inventory.stock.StockService;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;

/** 仓库流程测试：预留、拣货、盘点、补货与导入。 */
public final class WarehouseFlowTest {

    private static final Sku CHAIR = new Sku("CHR", 4211, "BLK");
    private static final Sku LAMP = new Sku("LMP", 88, null);

    /** 可以手动拨动的时钟。 */
    private static final class ManualClock extends Clock {
        private Instant now = Instant.parse("2026-04-01T08:00:00Z");

        void advance(Duration duration) {
            now = now.plus(duration);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private final ManualClock clock = new ManualClock();
    private final InMemoryStockLevelRepository stockLevelRepository = new InMemoryStockLevelRepository();
    private final StockEvents stockEvents = new StockEvents();
    private final StockService stockService = new StockService(stockLevelRepository, stockEvents, clock, 0);
    private final ReservationService reservationService = new ReservationService(
            stockService,
            List.of(Warehouse.builder("SHA").withPriority(20).withCountryCode("CN").build(),
                    Warehouse.builder("BER").withPriority(10).withZone("A").withZone("B").build(),
                    Warehouse.builder("OLD").withPriority(1).inactive().build()),
            stockEvents, clock, Duration.ofMinutes(30));

    public static void main(String[] args) {
        new WarehouseFlowTest().reservationsExpireUnlessConfirmed();
        new WarehouseFlowTest().wavesFollowTheAisles();
        new WarehouseFlowTest().largeDifferencesAreRecounted();
        new WarehouseFlowTest().replenishmentRoundsUpToPacks();
        new WarehouseFlowTest().importSkipsBrokenLines();
        System.out.println("WarehouseFlowTest passed");
    }

    void reservationsExpireUnlessConfirmed() {
        stockService.move(CHAIR, "OLD", Type.RECEIPT, 50, "PO-1");
        stockService.move(CHAIR, "BER", Type.RECEIPT, 5, "PO-1");
        stockService.move(CHAIR, "SHA", Type.RECEIPT, 9, "PO-1");
        Reservation first = reservationService.reserve("O-1", CHAIR, 4);
        Reservation second = reservationService.reserve("O-2", CHAIR, 4);
        Check.same("BER", first.warehouseCode());
        Check.same("SHA", second.warehouseCode());
        Check.raises(InsufficientStockException.class, () -> reservationService.reserve("O-3", CHAIR, 6));
        reservationService.confirm(first.id());
        clock.advance(Duration.ofMinutes(31));
        Check.same(1, reservationService.expireOld());
        Check.same(Reservation.State.EXPIRED, reservationService.find(second.id()).orElseThrow().state());
        reservationService.pick(first.id());
        Check.same(1, stockLevelRepository.find(CHAIR, "BER").orElseThrow().getAvailable());
        Check.raises(IllegalStateException.class, () -> reservationService.release(first.id()));
    }

    void wavesFollowTheAisles() {
        stockService.move(CHAIR, "BER", Type.RECEIPT, 20, "PO-1");
        stockService.move(LAMP, "BER", Type.RECEIPT, 20, "PO-1");
        for (int order = 1; order <= 3; order++) {
            for (Sku sku : List.of(CHAIR, LAMP)) {
                reservationService.confirm(reservationService.reserve("O-" + order, sku, order).id());
            }
        }
        Map<Sku, Location> locations = Map.of(CHAIR, new Location("A", 2, 10), LAMP, new Location("A", 2, 40));
        List<Reservation> reservations = List.of("O-1", "O-2", "O-3").stream()
                .flatMap(orderId -> reservationService.findByOrder(orderId).stream())
                .toList();
        List<Wave> waves = new PickingWavePlanner(locations::get, 2).plan(reservations);
        Check.same(2, waves.size());
        Check.same(List.of("O-1", "O-2"), waves.get(0).orderIds());
        Check.same(LAMP, waves.get(0).stops().get(0).sku());
        Check.same(6, waves.get(0).pieces());
        Check.isTrue(PickingWavePlanner.print(waves.get(1)).contains("02/040"), "printed list");
    }

    void largeDifferencesAreRecounted() {
        stockService.move(CHAIR, "SHA", Type.RECEIPT, 100, "PO-1");
        stockService.move(LAMP, "SHA", Type.RECEIPT, 100, "PO-1");
        StockTake stockTake = new StockTake("2026-04", "SHA", stockLevelRepository, stockService, 5);
        stockTake.count(CHAIR, 60);
        stockTake.count(CHAIR, 39);
        stockTake.count(LAMP, 80);
        Check.same(List.of(LAMP), stockTake.finishFirstCount());
        Check.raises(IllegalStateException.class, stockTake::post);
        Check.raises(IllegalStateException.class, () -> stockTake.count(CHAIR, 1));
        stockTake.count(LAMP, 102);
        // 盘点期间的出库不影响差异
        stockService.move(LAMP, "SHA", Type.SHIPMENT, 10, "O-9");
        Check.same(2, stockTake.post().size());
        Check.same(99, stockLevelRepository.find(CHAIR, "SHA").orElseThrow().getOnHand());
        Check.same(92, stockLevelRepository.find(LAMP, "SHA").orElseThrow().getOnHand());
    }

    void replenishmentRoundsUpToPacks() {
        stockService.move(CHAIR, "SHA", Type.RECEIPT, 12, "PO-1");
        stockService.move(LAMP, "SHA", Type.RECEIPT, 500, "PO-1");
        List<Proposal> proposals = new ReplenishmentPlanner(stockLevelRepository, 10).plan(
                Map.of(CHAIR, new int[] {4, 4, 4, 4}, LAMP, new int[] {1, 2, 3}),
                Map.of(CHAIR, new SupplyTerms(5, 6, 12), LAMP, new SupplyTerms(5, 6, 12)));
        Check.same(List.of(new Proposal(CHAIR, 48, 20, true)), proposals);
    }

    void importSkipsBrokenLines() {
        String csv = "sku,warehouse,quantity,reference\r\n"
                + CHAIR + ",SHA,10,\"PO-7, second \"\"part\"\"\"\r\n"
                + LAMP + ",SHA,ten,PO-7\r\n"
                + "\r\n"
                + LAMP + ",SHA,5,PO-7\r\n";
        StockImport stockImport = new StockImport(stockService);
        Check.isTrue(stockImport.run(csv).isRejected(), "too many errors");
        stockImport.setMaxErrorPercent(50);
        StockImport.Result result = stockImport.run(csv);
        Check.same(2, result.getImported());
        Check.same(List.of("第 3 行：数量不是整数：ten"), result.getErrors());
        Check.same("PO-7, second \"part\"", stockService.movementsOf(CHAIR).get(0).reference());
    }
}
