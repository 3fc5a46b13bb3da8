/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.domain;

import java.io.Serializable;

/**
 * 顾客信息。历史原因沿用 JavaBean 风格，由旧的会员系统填充。
 */
public class Customer implements Serializable {

    private static final long serialVersionUID = 20190412L;

    /** 会员等级，决定折扣和免运费门槛。 */
    public enum Tier {
        BASIC(0), SILVER(3), GOLD(5), PLATINUM(8);

        private final int discountPercent;

        Tier(int discountPercent) {
            this.discountPercent = discountPercent;
        }

        public int discountPercent() {
            return discountPercent;
        }

        /** 根据累计积分计算等级。 */
        public static Tier fromPoints(int points) {
            if (points >= 10_000) {
                return PLATINUM;
            } else if (points >= 4_000) {
                return GOLD;
            } else if (points >= 1_000) {
                return SILVER;
            }
            return BASIC;
        }
    }

    private String id;
    private String name;
    private String email;
    private int points;
    private boolean blocked;

    public Customer() {
    }

    public Customer(String id, String name, String email) {
        this.id = id;
        this.name = name;
        setEmail(email);
    }

    public String getId() {
        return id;
    }

    public void setId(String id) {
        this.id = id;
    }

    public String getName() {
        return name;
    }

    public void setName(String name) {
        this.name = name;
    }

    public String getEmail() {
        return email;
    }

    /** 邮箱统一保存为小写。 */
    public void setEmail(String email) {
        this.email = email == null ? null : email.trim().toLowerCase();
    }

    public int getPoints() {
        return points;
    }

    public void setPoints(int points) {
        if (points < 0) {
            throw new IllegalArgumentException("积分不能为负数: " + points);
        }
        this.points = points;
    }

    public boolean isBlocked() {
        return blocked;
    }

    public void setBlocked(boolean blocked) {
        this.blocked = blocked;
    }

    public Tier getTier() {
        return Tier.fromPoints(points);
    }

    @Override
    public String toString() {
        return "Customer{id=" + id + ", name=" + name + ", tier=" + getTier() + "}";
    }
}
