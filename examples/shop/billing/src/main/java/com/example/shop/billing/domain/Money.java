/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.domain;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Currency;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * An amount in one currency.
 *
 * <p>Taken over from the orders team; changes there have to be carried over by hand.
 */
public record Money(BigDecimal amount, Currency currency) implements Comparable<Money> {

    public Money {
        Objects.requireNonNull(amount, "amount must not be null");
        Objects.requireNonNull(currency, "currency must not be null");
        amount = amount.setScale(currency.getDefaultFractionDigits(), RoundingMode.HALF_EVEN);
    }

    public static Money of(String amount, String currencyCode) {
        return new Money(new BigDecimal(amount), Currency.getInstance(currencyCode));
    }

    public static Money zero(Currency currency) {
        return new Money(BigDecimal.ZERO, currency);
    }

    public Money plus(Money other) {
        requireSameCurrency(other);
        return new Money(amount.add(other.amount), currency);
    }

    public Money minus(Money other) {
        requireSameCurrency(other);
        return new Money(amount.subtract(other.amount), currency);
    }

    public Money times(BigDecimal factor) {
        Objects.requireNonNull(factor, "factor must not be null");
        return new Money(amount.multiply(factor), currency);
    }

    public Money times(long factor) {
        return times(BigDecimal.valueOf(factor));
    }

    public Money negate() {
        return new Money(amount.negate(), currency);
    }

    /**
     * Splits this amount by the given weights without losing a cent: what is left after
     * rounding down goes to the first parts, one smallest unit each.
     */
    public List<Money> allocate(int... weights) {
        long total = 0;
        for (int weight : weights) {
            if (weight < 0) {
                throw new IllegalArgumentException("weight must not be negative: " + weight);
            }
            total += weight;
        }
        if (total == 0) {
            throw new IllegalArgumentException("at least one weight must be positive");
        }
        int digits = currency.getDefaultFractionDigits();
        List<Money> parts = new ArrayList<>(weights.length);
        BigDecimal rest = amount;
        for (int weight : weights) {
            BigDecimal part = amount.multiply(BigDecimal.valueOf(weight))
                    .divide(BigDecimal.valueOf(total), digits, RoundingMode.DOWN);
            parts.add(new Money(part, currency));
            rest = rest.subtract(part);
        }
        BigDecimal step = BigDecimal.valueOf(rest.signum()).movePointLeft(digits);
        for (int i = 0; rest.signum() != 0; i = (i + 1) % parts.size()) {
            if (weights[i] > 0) {
                parts.set(i, new Money(parts.get(i).amount.add(step), currency));
                rest = rest.subtract(step);
            }
        }
        return List.copyOf(parts);
    }

    public boolean isZero() {
        return amount.signum() == 0;
    }

    public boolean isPositive() {
        return amount.signum() > 0;
    }

    public Money min(Money other) {
        return compareTo(other) <= 0 ? this : other;
    }

    @Override
    public int compareTo(Money other) {
        requireSameCurrency(other);
        return amount.compareTo(other.amount);
    }

    /** For people, e.g. {@code EUR 1,234.50}. */
    public String format() {
        int digits = currency.getDefaultFractionDigits();
        return currency.getCurrencyCode() + " " + String.format(Locale.ROOT, "%,." + digits + "f", amount);
    }

    private void requireSameCurrency(Money other) {
        Objects.requireNonNull(other, "other must not be null");
        if (!currency.equals(other.currency)) {
            throw new IllegalArgumentException("currencies differ: " + currency + " and " + other.currency);
        }
    }
}
