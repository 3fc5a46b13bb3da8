/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.domain;

import com.example.shop.billing.support.Checks;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Map;

/**
 * Rounds an amount to what can be paid in coins. Some currencies have smaller units in the books
 * than in the till: Swiss francs are paid in steps of 5 centimes, Danish kroner in steps of 50 ore.
 */
public final class CashRounding {

    private static final Map<String, BigDecimal> STEPS = Map.of(
            "CHF", new BigDecimal("0.05"),
            "DKK", new BigDecimal("0.50"),
            "SEK", BigDecimal.ONE,
            "HUF", new BigDecimal("5"));

    private CashRounding() {
    }

    /** The amount rounded to the nearest payable step of its currency. */
    public static Money round(Money money) {
        Checks.notNull(money, "money");
        BigDecimal step = STEPS.get(money.currency().getCurrencyCode());
        if (step == null) {
            return money;
        }
        BigDecimal steps = money.amount().divide(step, 0, RoundingMode.HALF_UP);
        return new Money(steps.multiply(step), money.currency());
    }

    /** What rounding adds to (or takes from) the amount; booked to the rounding account. */
    public static Money difference(Money money) {
        return round(money).minus(money);
    }
}
