/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.domain;

import java.util.Objects;

/** 订单行：商品、数量和单价（下单时的价格快照）。 */
public record OrderLine(String sku, String title, int quantity, Money unitPrice) {

    public static final int MAX_QUANTITY = 999;

    public OrderLine {
        Objects.requireNonNull(sku, "商品编码不能为空");
        Objects.requireNonNull(unitPrice, "单价不能为空");
        if (quantity < 1 || quantity > MAX_QUANTITY) {
            throw new IllegalArgumentException("数量必须在 1 到 " + MAX_QUANTITY + " 之间: " + quantity);
        }
        if (unitPrice.isNegative()) {
            throw new IllegalArgumentException("单价不能为负数: " + unitPrice);
        }
        title = title == null || title.isBlank() ? sku : title.strip();
    }

    public Money total() {
        return unitPrice.times(quantity);
    }

    public OrderLine withQuantity(int newQuantity) {
        return new OrderLine(sku, title, newQuantity, unitPrice);
    }

    /** 合并同一商品的两行，单价必须一致。 */
    public OrderLine merge(OrderLine other) {
        if (!sku.equals(other.sku) || !unitPrice.equals(other.unitPrice)) {
            throw new IllegalArgumentException("不能合并订单行: " + sku + " / " + other.sku);
        }
        return withQuantity(quantity + other.quantity);
    }
}
