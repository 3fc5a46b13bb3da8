/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.web;

import com.example.shop.orders.domain.Customer;
import com.example.shop.orders.domain.Order;
import com.example.shop.orders.domain.OrderException;
import com.example.shop.orders.domain.OrderStatus;
import com.example.shop.orders.domain.Page;
import com.example.shop.orders.domain.Page.PageRequest;
import com.example.shop.orders.repository.OrderRepository;
import com.example.shop.orders.service.OrderService;
import com.example.shop.orders.web.Route.Body;
import com.example.shop.orders.web.Route.Param;
import java.util.Arrays;
import java.util.Currency;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/** 订单接口。只做参数转换，业务逻辑全部在 {@link OrderService} 中。 */
public class OrderController {

    private final OrderService orderService;
    private final OrderMapper mapper;
    private final Function<String, Optional<Customer>> customers;

    public OrderController(OrderService orderService, OrderMapper mapper,
            Function<String, Optional<Customer>> customers) {
        this.orderService = Objects.requireNonNull(orderService, "orderService");
        this.mapper = Objects.requireNonNull(mapper, "mapper");
        this.customers = Objects.requireNonNull(customers, "customers");
    }

    /** 创建草稿订单。 */
    @Route(method = "POST", path = "/orders", successStatus = 201)
    public OrderDtos.OrderView create(@Body OrderDtos.CreateOrder request) {
        Customer customer = customers.apply(request.customerId()).orElseThrow(() ->
                new OrderException(OrderException.Code.NOT_FOUND, "顾客不存在: " + request.customerId()));
        Currency currency = mapper.toCurrency(request.currency());
        return view(orderService.createDraft(customer, currency, mapper.toLines(request), request.couponCode()));
    }

    @Route(path = "/orders/{id}")
    public OrderDtos.OrderView get(@Param("id") String id) {
        return view(orderService.get(id));
    }

    /** 分页查询，可按顾客和状态过滤。 */
    @Route(path = "/orders")
    public Page<OrderDtos.OrderSummary> list(
            @Param("customer") String customerId,
            @Param("status") String status,
            @Param(value = "page", defaultValue = "0") int page,
            @Param(value = "size", defaultValue = "20") int size) {
        OrderRepository.Filter filter = OrderRepository.Filter.none();
        if (!customerId.isEmpty()) {
            filter = filter.withCustomer(customerId);
        }
        if (!status.isEmpty()) {
            filter = filter.withStatus(parseStatus(status));
        }
        return orderService.search(filter, new PageRequest(page, size)).map(mapper::toSummary);
    }

    @Route(method = "PUT", path = "/orders/{id}/lines/{sku}")
    public OrderDtos.OrderView changeQuantity(@Param("id") String id, @Param("sku") String sku,
            @Param("quantity") int quantity) {
        return view(orderService.changeQuantity(id, sku, quantity));
    }

    /** 提交订单：校验、预留库存并进入待付款状态。 */
    @Route(method = "POST", path = "/orders/{id}/place")
    public OrderDtos.OrderView place(@Param("id") String id) {
        return view(orderService.place(id));
    }

    @Route(method = "POST", path = "/orders/{id}/payments")
    public OrderDtos.OrderView pay(@Param("id") String id, @Body OrderDtos.Payment payment) {
        Currency currency = mapper.toCurrency(payment.currency());
        return view(orderService.pay(id, mapper.toMoney(payment.amount(), currency), payment.reference()));
    }

    @Route(method = "POST", path = "/orders/{id}/cancel")
    public OrderDtos.OrderView cancel(@Param("id") String id, @Body OrderDtos.Cancel request) {
        String reason = Optional.ofNullable(request.reason())
                .filter(text -> !text.isBlank())
                .orElse("顾客主动取消");
        return view(orderService.cancel(id, reason));
    }

    private OrderDtos.OrderView view(Order order) {
        return mapper.toView(order, orderService.quote(order.id()));
    }

    private static OrderStatus.Code parseStatus(String text) {
        return Arrays.stream(OrderStatus.Code.values())
                .filter(code -> code.name().equalsIgnoreCase(text))
                .findFirst()
                .orElseThrow(() -> new OrderException(OrderException.Code.INVALID, "未知的订单状态: " + text));
    }
}
