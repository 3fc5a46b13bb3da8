/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.domain;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;

/** 会员等级，由最近十二个月的成长值决定。 */
public enum MemberLevel {

    REGULAR("普通会员", 0, 100),
    SILVER("银卡会员", 2_000, 110),
    GOLD("金卡会员", 8_000, 130),
    DIAMOND("钻石会员", 30_000, 160);

    private final String title;
    private final long threshold;
    private final int earnPercent;

    MemberLevel(String title, long threshold, int earnPercent) {
        this.title = title;
        this.threshold = threshold;
        this.earnPercent = earnPercent;
    }

    /** 根据成长值计算等级。 */
    public static MemberLevel forGrowth(long growth) {
        return Arrays.stream(values())
                .filter(level -> growth >= level.threshold)
                .max(Comparator.comparingLong(level -> level.threshold))
                .orElse(REGULAR);
    }

    /** 返回下一个等级；钻石会员返回空。 */
    public Optional<MemberLevel> next() {
        return ordinal() + 1 < values().length
                ? Optional.of(values()[ordinal() + 1])
                : Optional.empty();
    }

    /** 返回距离下一等级还差的成长值，最高等级返回 0。 */
    public long growthToNext(long growth) {
        return next().map(level -> Math.max(0, level.threshold - growth)).orElse(0L);
    }

    /** 计算消费金额（单位：分）能获得的积分，每满一元积一分，再乘以等级倍率。 */
    public long pointsFor(long amountInCents) {
        return amountInCents / 100 * earnPercent / 100;
    }

    /** 是否享受包邮。 */
    public boolean hasFreeShipping() {
        return switch (this) {
            case GOLD, DIAMOND -> true;
            case REGULAR, SILVER -> false;
        };
    }

    public String title() {
        return title;
    }

    public long threshold() {
        return threshold;
    }
}
