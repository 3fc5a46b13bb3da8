/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.domain;

import com.example.shop.members.support.Preconditions;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;

/**
 * 优惠券。券本身不可变，使用后由仓储保存 {@link #use} 返回的新对象。
 *
 * @param code 券码
 * @param memberId 所属会员
 * @param discount 优惠方式
 * @param minAmountInCents 使用门槛，单位为分
 * @param validUntil 失效时间
 * @param usedByOrder 使用该券的订单号，未使用时为 null
 */
public record Coupon(
        String code,
        String memberId,
        Discount discount,
        long minAmountInCents,
        Instant validUntil,
        String usedByOrder) {

    /** 优惠方式。 */
    public sealed interface Discount permits AmountOff, PercentOff, FreeShipping {

        /** 计算可以减免的金额，单位为分。 */
        long discountFor(long amountInCents, long shippingInCents);
    }

    /** 满减券。 */
    public record AmountOff(long cents) implements Discount {
        public AmountOff {
            Preconditions.positive(cents, "cents");
        }

        @Override
        public long discountFor(long amountInCents, long shippingInCents) {
            return Math.min(cents, amountInCents);
        }
    }

    /** 折扣券，减免金额有上限。 */
    public record PercentOff(int percent, long maxCents) implements Discount {
        public PercentOff {
            Preconditions.inRange(percent, 1, 90, "percent");
            Preconditions.positive(maxCents, "maxCents");
        }

        @Override
        public long discountFor(long amountInCents, long shippingInCents) {
            return Math.min(maxCents, amountInCents * percent / 100);
        }
    }

    /** 包邮券。 */
    public record FreeShipping() implements Discount {
        @Override
        public long discountFor(long amountInCents, long shippingInCents) {
            return shippingInCents;
        }
    }

    public Coupon {
        Preconditions.notBlank(code, "code");
        Preconditions.notBlank(memberId, "memberId");
        Preconditions.notNull(discount, "discount");
        Preconditions.notNegative(minAmountInCents, "minAmountInCents");
        Preconditions.notNull(validUntil, "validUntil");
    }

    /** 判断优惠券现在能否用于给定金额的订单。 */
    public boolean isUsable(long amountInCents, Clock clock) {
        return usedByOrder == null
                && amountInCents >= minAmountInCents
                && clock.instant().isBefore(validUntil);
    }

    /** 返回使用之后的优惠券。 */
    public Coupon use(String orderNo) {
        Preconditions.notBlank(orderNo, "orderNo");
        Preconditions.state(usedByOrder == null, "优惠券 " + code + " 已经被使用");
        return new Coupon(code, memberId, discount, minAmountInCents, validUntil, orderNo);
    }

    /** 订单取消后退回优惠券。 */
    public Coupon giveBack() {
        Preconditions.state(usedByOrder != null, "优惠券 " + code + " 尚未使用");
        return new Coupon(code, memberId, discount, minAmountInCents, validUntil, null);
    }

    /** 返回使用该券的订单号。 */
    public Optional<String> orderNo() {
        return Optional.ofNullable(usedByOrder);
    }
}
