/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.model;

import com.example.shop.inventory.util.Preconditions;

/**
 * 某个 SKU 在某个仓库中的库存水平。
 *
 * <p>可用数量 = 在库数量 - 已预留数量 - 冻结数量。版本号用于乐观锁，只由仓储层修改。
 */
public class StockLevel {

    private final Sku sku;
    private final String warehouseCode;
    private int onHand;
    private int reserved;
    private int blocked;
    private long version;

    public StockLevel(Sku sku, String warehouseCode) {
        this.sku = Preconditions.checkNotNull(sku, "sku");
        this.warehouseCode = Preconditions.checkNotEmpty(warehouseCode, "warehouseCode");
    }

    /** 复制构造：仓储层返回副本，避免调用方绕过版本检查直接修改。 */
    public StockLevel(StockLevel other) {
        this(other.sku, other.warehouseCode);
        this.onHand = other.onHand;
        this.reserved = other.reserved;
        this.blocked = other.blocked;
        this.version = other.version;
    }

    public Sku getSku() {
        return sku;
    }

    public String getWarehouseCode() {
        return warehouseCode;
    }

    public int getOnHand() {
        return onHand;
    }

    public void setOnHand(int onHand) {
        this.onHand = Preconditions.checkNotNegative(onHand, "onHand");
    }

    public int getReserved() {
        return reserved;
    }

    public void setReserved(int reserved) {
        this.reserved = Preconditions.checkNotNegative(reserved, "reserved");
    }

    public int getBlocked() {
        return blocked;
    }

    public void setBlocked(int blocked) {
        this.blocked = Preconditions.checkNotNegative(blocked, "blocked");
    }

    public long getVersion() {
        return version;
    }

    public void setVersion(long version) {
        this.version = version;
    }

    /** 可供新订单使用的数量，不会小于零。 */
    public int getAvailable() {
        int available = onHand - reserved - blocked;
        return available < 0 ? 0 : available;
    }

    /** 是否超卖：预留与冻结之和超过在库数量，通常出现在盘亏之后。 */
    public boolean isOversold() {
        return reserved + blocked > onHand;
    }

    @Override
    public String toString() {
        StringBuilder sb = new StringBuilder();
        sb.append(sku).append('@').append(warehouseCode);
        sb.append(" 在库=").append(onHand);
        sb.append(" 预留=").append(reserved);
        sb.append(" 冻结=").append(blocked);
        sb.append(" v").append(version);
        return sb.toString();
    }
}
