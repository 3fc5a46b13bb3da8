/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.service;

import com.example.shop.orders.domain.Money;
import com.example.shop.orders.domain.Order;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Works out what a customer has to pay: subtotal, discounts, shipping and the tax included. */
public final class PricingService {

    private static final System.Logger LOG = System.getLogger(PricingService.class.getName());

    /** Discounts never take more than this share of the subtotal. */
    private static final int MAX_DISCOUNT_PERCENT = 50;

    /** One discount that was granted. */
    public record Discount(String code, Money amount) {
    }

    public record Quote(Money subtotal, List<Discount> discounts, Money shipping, Money taxIncluded, Money total) {

        public Money discountTotal() {
            return Money.sum(discounts.stream().map(Discount::amount).toList(), subtotal.currency());
        }
    }

    private final List<Promotion> promotions;
    private final BigDecimal taxPercent;
    private final Money shippingFee;
    private final Money freeShippingFrom;

    public PricingService(List<Promotion> promotions, BigDecimal taxPercent, Money shippingFee, Money freeShippingFrom) {
        this.promotions = List.copyOf(promotions);
        this.taxPercent = Objects.requireNonNull(taxPercent, "taxPercent");
        this.shippingFee = Objects.requireNonNull(shippingFee, "shippingFee");
        this.freeShippingFrom = Objects.requireNonNull(freeShippingFrom, "freeShippingFrom");
    }

    public Quote quote(Order order) {
        Money subtotal = order.subtotal();
        List<Discount> discounts = capped(bestDiscounts(order), subtotal);
        Money reduced = discounts.stream().map(Discount::amount).reduce(subtotal, Money::minus);
        Money shipping = shippingFor(order, reduced);
        Money total = reduced.plus(shipping);
        LOG.log(System.Logger.Level.DEBUG, "quoted order {0}: {1} with {2} discounts",
                order.id(), total, discounts.size());
        return new Quote(subtotal, discounts, shipping, taxIncluded(total), total);
    }

    /** Either all stackable promotions together or the best single one, whichever saves more. */
    private List<Discount> bestDiscounts(Order order) {
        List<Discount> stacked = new ArrayList<>();
        Optional<Discount> bestSingle = Optional.empty();
        for (Promotion promotion : promotions) {
            Optional<Discount> discount = promotion.discountFor(order)
                    .map(amount -> new Discount(promotion.code(), amount));
            if (discount.isEmpty()) {
                continue;
            }
            if (promotion.stackable()) {
                stacked.add(discount.get());
            } else if (bestSingle.isEmpty()
                    || discount.get().amount().compareTo(bestSingle.get().amount()) > 0) {
                bestSingle = discount;
            }
        }
        Money stackedTotal = Money.sum(stacked.stream().map(Discount::amount).toList(), order.currency());
        return bestSingle
                .filter(single -> single.amount().compareTo(stackedTotal) > 0)
                .map(List::of)
                .orElse(stacked);
    }

    /** Cuts the discounts, largest first, as soon as their sum reaches the limit. */
    private List<Discount> capped(List<Discount> discounts, Money subtotal) {
        Money left = subtotal.percent(MAX_DISCOUNT_PERCENT);
        List<Discount> granted = new ArrayList<>();
        List<Discount> largestFirst = discounts.stream()
                .sorted(Comparator.comparing(Discount::amount).reversed())
                .toList();
        for (Discount discount : largestFirst) {
            Money amount = discount.amount().min(left);
            if (amount.isPositive()) {
                granted.add(new Discount(discount.code(), amount));
                left = left.minus(amount);
            }
        }
        return List.copyOf(granted);
    }

    private Money shippingFor(Order order, Money reduced) {
        boolean free = switch (order.customer().getTier()) {
            case PLATINUM -> true;
            case GOLD -> reduced.compareTo(freeShippingFrom.percent(50)) >= 0;
            case SILVER, BASIC -> reduced.compareTo(freeShippingFrom) >= 0;
        };
        return free || order.lines().isEmpty() ? Money.zero(order.currency()) : shippingFee;
    }

    /** The part of a gross amount that is tax: gross * rate / (100 + rate). */
    private Money taxIncluded(Money gross) {
        BigDecimal divisor = BigDecimal.valueOf(100).add(taxPercent);
        BigDecimal tax = gross.amount().multiply(taxPercent).divide(divisor, 6, RoundingMode.HALF_UP);
        return new Money(tax, gross.currency());
    }
}
