/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders;

import static com.example.shop.orders.Fixtures.CNY;
import static com.example.shop.orders.Fixtures.cny;
import static com.example.shop.orders.Fixtures.customer;
import static com.example.shop.orders.Fixtures.equal;
import static com.example.shop.orders.Fixtures.fails;
import static com.example.shop.orders.Fixtures.line;

import com.example.shop.orders.domain.Customer;
import com.example.shop.orders.domain.Money;
import com.example.shop.orders.domain.Order;
import com.example.shop.orders.domain.OrderException;
import com.example.shop.orders.domain.OrderStatus;
import com.example.shop.orders.domain.Page;
import com.example.shop.orders.domain.Page.PageRequest;
import com.example.shop.orders.repository.OrderRepository.Filter;
import com.example.shop.orders.repository.OrderSql;
import com.example.shop.orders.service.FulfilmentService;
import com.example.shop.orders.service.OrderReports;
import com.example.shop.orders.service.PricingService.Quote;
import com.example.shop.orders.web.Dispatcher;
import com.example.shop.orders.web.OrderController;
import com.example.shop.orders.web.OrderDtos;
import com.example.shop.orders.web.OrderMapper;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** All tests of the order service. 运行 main 方法即可。 */
public final class OrderTests {

    private record FixedCarrier(String name, long price, boolean broken) implements FulfilmentService.Carrier {

        @Override
        public long priceMinor(Order order) {
            if (broken) {
                throw new IllegalStateException("service unavailable");
            }
            return price;
        }

        @Override
        public String book(Order order) {
            return name.toUpperCase() + "-" + order.id();
        }
    }

    private OrderTests() {
    }

    static void moneyKeepsEveryCent() {
        equal(List.of(cny("3.34"), cny("3.33"), cny("3.33")), cny("10").allocate(1, 1, 1));
        equal(cny("0.13"), cny("1.25").percent(10));
        equal("1200 JPY", Money.of("1199.6", "JPY").toString());
        fails(IllegalArgumentException.class, () -> cny("1").plus(Money.of("1", "EUR")));
    }

    static void pagesAreCut() {
        Page<Integer> page = Page.slice(List.of(5, 3, 1, 4, 2), Comparator.naturalOrder(), new PageRequest(1, 2));
        equal(List.of(3, 4), page.items());
        equal(3L, page.pageCount());
        equal(true, page.hasNext());
        equal(List.of("#3", "#4"), page.map(n -> "#" + n).items());
        fails(IllegalArgumentException.class, () -> new PageRequest(0, 0));
    }

    static void bestPromotionWins() {
        Fixtures shop = new Fixtures();
        Order tea = shop.orders.createDraft(customer(4_500), CNY, List.of(line("TEA-100", 4, "30")), null);
        Quote quote = shop.orders.quote(tea.id());
        equal(cny("36"), quote.discountTotal());
        equal(cny("12"), quote.shipping());
        equal(cny("96"), quote.total());
        Order big = shop.orders.createDraft(customer(0), CNY, List.of(line("CUP-200", 10, "35")), "SPRING10");
        equal("MINUS60", shop.orders.quote(big.id()).discounts().get(0).code());
        equal(cny("290"), shop.orders.quote(big.id()).total());
    }

    static void orderGoesThroughItsLife() {
        Fixtures shop = new Fixtures();
        shop.stock.receive("CUP-200", 5);
        List<String> events = new ArrayList<>();
        shop.orders.onEvent(event -> events.add(event.type()));
        Order draft = shop.orders.createDraft(customer(0), CNY, List.of(line("CUP-200", 2, "35")), null);
        equal("SO-20260302-00001", draft.id());
        shop.orders.changeQuantity(draft.id(), "CUP-200", 3);
        shop.orders.place(draft.id());
        equal(2, shop.stock.available("CUP-200"));
        fails(OrderException.class, () -> shop.orders.pay(draft.id(), cny("1"), "P-1"));
        shop.orders.pay(draft.id(), cny("117"), "P-2");
        try (FulfilmentService fulfilment = new FulfilmentService(shop.orders, List.of(
                new FixedCarrier("slow", 900, false), new FixedCarrier("quick", 700, false),
                new FixedCarrier("down", 100, true)), Duration.ofSeconds(2), 4)) {
            List<FulfilmentService.Shipment> shipments = fulfilment.shipAll(List.of(draft.id(), "SO-none"));
            equal("quick QUICK-" + draft.id(), shipments.get(0).message());
            equal("订单不存在: SO-none", shipments.get(1).message());
        }
        Order delivered = shop.orders.confirmDelivery(draft.id());
        equal(OrderStatus.Code.DELIVERED, delivered.status().code());
        equal(List.of("placed", "payment-received", "dispatched", "received"), events);
        OrderException error = fails(OrderException.class, () -> shop.orders.cancel(draft.id(), "太晚了"));
        equal(OrderException.Code.ILLEGAL_TRANSITION, error.code());
        OrderReports reports = new OrderReports(ZoneOffset.UTC);
        equal(cny("105"), reports.bestSellers(List.of(delivered), 3).get(0).revenue());
    }

    static void overdueOrdersGiveTheirStockBack() {
        Fixtures shop = new Fixtures();
        shop.stock.receive("TEA-100", 3);
        Order first = shop.orders.createDraft(customer(0), CNY, List.of(line("TEA-100", 2, "30")), null);
        Order second = shop.orders.createDraft(customer(0), CNY, List.of(line("TEA-100", 2, "30")), null);
        shop.orders.place(first.id());
        OrderException.OutOfStock error =
                fails(OrderException.OutOfStock.class, () -> shop.orders.place(second.id()));
        equal(1, error.missing());
        shop.advance(Duration.ofMinutes(31));
        equal(1, shop.orders.cancelOverdue());
        shop.orders.place(second.id());
        equal(1, shop.stock.available("TEA-100"));
    }

    static void staleVersionsAreRefused() {
        Fixtures shop = new Fixtures();
        Order draft = shop.orders.createDraft(customer(0), CNY, List.of(line("TEA-100", 1, "30")), null);
        shop.repository.save(draft);
        OrderException error = fails(OrderException.class, () -> shop.repository.save(draft));
        equal(OrderException.Code.CONFLICT, error.code());
    }

    static void searchStatementFollowsTheFilter() {
        OrderSql.Statement statement = OrderSql.search(
                Filter.none().withCustomer("C-1").withStatus(OrderStatus.Code.PAID), new PageRequest(2, 10));
        equal(true, statement.sql().contains("WHERE customer_id = ? AND status = ?"));
        equal(List.of("C-1", "PAID", 10, 20L), statement.parameters());
    }

    static void requestsReachTheController() {
        Fixtures shop = new Fixtures();
        OrderMapper mapper = new OrderMapper(ZoneOffset.ofHours(8));
        Map<String, Customer> customers = Map.of("C-1", customer(0));
        Dispatcher web = new Dispatcher(mapper).register(new OrderController(shop.orders, mapper,
                id -> Optional.ofNullable(customers.get(id))));
        OrderDtos.CreateOrder body = new OrderDtos.CreateOrder("C-1", "CNY",
                List.of(new OrderDtos.LineInput("bad sku", "杯子", 1, "35.00")), " ");
        Dispatcher.Response created = web.handle(Dispatcher.Request.post("/orders", body));
        equal(201, created.status());
        String id = ((OrderDtos.OrderView) created.body()).id();
        Dispatcher.Response refused = web.handle(Dispatcher.Request.post("/orders/" + id + "/place", null));
        equal(422, refused.status());
        equal(List.of("商品编码格式不正确: bad sku"), ((OrderDtos.ErrorView) refused.body()).details());
        Page<?> page = (Page<?>) web.handle(Dispatcher.Request.get("/orders", Map.of("status", "draft"))).body();
        equal(1L, page.total());
        equal(400, web.handle(Dispatcher.Request.get("/orders", Map.of("page", "x"))).status());
        equal(404, web.handle(Dispatcher.Request.get("/orders/none", Map.of())).status());
        Dispatcher.Response cancelled = web.handle(
                Dispatcher.Request.post("/orders/" + id + "/cancel", new OrderDtos.Cancel(null)));
        equal("已取消：顾客主动取消", ((OrderDtos.OrderView) cancelled.body()).statusText());
    }

    public static void main(String[] args) {
        moneyKeepsEveryCent();
        pagesAreCut();
        bestPromotionWins();
        orderGoesThroughItsLife();
        overdueOrdersGiveTheirStockBack();
        staleVersionsAreRefused();
        searchStatementFollowsTheFilter();
        requestsReachTheController();
        System.out.println("orders: 全部测试通过");
    }
}
