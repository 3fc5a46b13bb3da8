/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.web;

import java.util.List;

/** 接口传输对象。金额一律用字符串表示，避免前端精度丢失。 */
public final class OrderDtos {

    private OrderDtos() {
    }

    /** 创建订单的请求。 */
    public record CreateOrder(String customerId, String currency, List<LineInput> lines, String couponCode) {

        public CreateOrder {
            lines = lines == null ? List.of() : List.copyOf(lines);
            couponCode = couponCode == null || couponCode.isBlank() ? null : couponCode.strip();
        }
    }

    public record LineInput(String sku, String title, int quantity, String unitPrice) {
    }

    /** 付款通知，由支付网关回调。 */
    public record Payment(String amount, String currency, String reference) {
    }

    public record Cancel(String reason) {
    }

    /** 订单详情。 */
    public record OrderView(String id, String customerName, String status, String statusText,
            List<LineView> lines, String subtotal, String discount, String shipping, String total) {
    }

    public record LineView(String sku, String title, int quantity, String unitPrice, String total) {
    }

    /** 列表中的一行。 */
    public record OrderSummary(String id, String status, int items, String subtotal, String createdAt) {
    }

    /** 统一的错误格式。 */
    public record ErrorView(String code, String message, List<String> details) {
    }
}
