/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.service;

import com.example.shop.members.MemberException;
import com.example.shop.members.domain.Coupon;
import com.example.shop.members.repository.Repository;
import com.example.shop.members.support.Preconditions;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;

/** 优惠券的发放、推荐与核销。 */
public class CouponService {

    private static final Logger LOG = Logger.getLogger(CouponService.class.getName());
    /** 去掉了容易看错的 0、O、1、I。 */
    private static final String ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    private static final int CODE_LENGTH = 12;

    private final Repository<String, Coupon> coupons;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();

    public CouponService(Repository<String, Coupon> coupons, Clock clock) {
        this.coupons = Preconditions.notNull(coupons, "coupons");
        this.clock = Preconditions.notNull(clock, "clock");
    }

    /** 给一批会员发放同一种优惠券，返回发出的券。 */
    public List<Coupon> issue(Collection<String> memberIds, Coupon.Discount discount,
            long minAmountInCents, Duration validFor) {
        Preconditions.notEmpty(memberIds, "memberIds");
        List<Coupon> issued = new ArrayList<>(memberIds.size());
        for (String memberId : memberIds) {
            Coupon coupon;
            do {
                coupon = new Coupon(newCode(), memberId, discount, minAmountInCents,
                        clock.instant().plus(validFor), null);
            } while (!coupons.insert(coupon));
            issued.add(coupon);
        }
        LOG.log(Level.INFO, "发放优惠券 {0} 张", issued.size());
        return issued;
    }

    /** 返回会员当前能用的优惠券，优惠最多的排在最前面，优惠相同时先用快过期的。 */
    public List<Coupon> usable(String memberId, long amountInCents, long shippingInCents) {
        Comparator<Coupon> byDiscount = Comparator.comparingLong(
                coupon -> coupon.discount().discountFor(amountInCents, shippingInCents));
        return coupons.findAll(coupon -> coupon.memberId().equals(memberId)
                        && coupon.isUsable(amountInCents, clock))
                .stream()
                .sorted(byDiscount.reversed().thenComparing(Coupon::validUntil))
                .toList();
    }

    /** 推荐最划算的一张优惠券。 */
    public Optional<Coupon> best(String memberId, long amountInCents, long shippingInCents) {
        return usable(memberId, amountInCents, shippingInCents).stream().findFirst();
    }

    /** 核销优惠券，返回减免的金额，单位为分。 */
    public synchronized long redeem(String code, String memberId, String orderNo,
            long amountInCents, long shippingInCents) {
        Coupon coupon = coupons.findById(code)
                .filter(found -> found.memberId().equals(memberId))
                .orElseThrow(() -> new MemberException(MemberException.Code.NOT_FOUND, "优惠券不存在：" + code));
        if (!coupon.isUsable(amountInCents, clock)) {
            throw new MemberException(MemberException.Code.COUPON_NOT_USABLE, "优惠券不可用：" + code);
        }
        coupons.save(coupon.use(orderNo));
        return coupon.discount().discountFor(amountInCents, shippingInCents);
    }

    /** 订单取消时退回该订单用掉的所有优惠券，返回张数。 */
    public synchronized int giveBack(String orderNo) {
        List<Coupon> used = coupons.findAll(
                coupon -> coupon.orderNo().filter(orderNo::equals).isPresent());
        used.forEach(coupon -> coupons.save(coupon.giveBack()));
        return used.size();
    }

    private String newCode() {
        StringBuilder code = new StringBuilder(CODE_LENGTH);
        for (int i = 0; i < CODE_LENGTH; i++) {
            code.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
        }
        return code.toString();
    }
}
