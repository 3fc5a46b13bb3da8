/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.tax;

import com.example.shop.billing.domain.Invoice;
import com.example.shop.billing.domain.Money;
import com.example.shop.billing.support.Checks;
import java.math.BigDecimal;
import java.util.Currency;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Works out the tax of an invoice. Net amounts are summed per rate first and rounded once per rate;
 * rounding each line would differ from what the authorities expect.
 */
public final class TaxCalculator {

    /** Tax at one rate. */
    public record TaxShare(BigDecimal rate, Money net, Money tax) {
    }

    /** All shares, lowest rate first. */
    public record TaxResult(List<TaxShare> shares, boolean reverseCharge, Currency currency) {
        public Money total() {
            return shares.stream().map(TaxShare::tax).reduce(Money.zero(currency), Money::plus);
        }
    }

    private final TaxRegion seller;

    public TaxCalculator(TaxRegion seller) {
        this.seller = Checks.notNull(seller, "seller");
    }

    /**
     * @param vatId the buyer's VAT id, or null for consumers
     */
    public TaxResult calculate(Invoice invoice, TaxRegion buyer, String vatId) {
        Checks.notNull(invoice, "invoice");
        Checks.notNull(buyer, "buyer");
        if (isExport(buyer) || isReverseCharge(buyer, vatId)) {
            TaxShare free = new TaxShare(BigDecimal.ZERO, invoice.net(), Money.zero(invoice.currency()));
            return new TaxResult(List.of(free), !isExport(buyer), invoice.currency());
        }
        Map<BigDecimal, Money> netByRate = invoice.lines().stream().collect(Collectors.toMap(
                line -> buyer.rate(line.category()),
                Invoice.Line::net,
                Money::plus,
                TreeMap::new));
        List<TaxShare> shares = netByRate.entrySet().stream()
                .map(e -> new TaxShare(e.getKey(), e.getValue(), e.getValue().times(e.getKey())))
                .toList();
        return new TaxResult(shares, false, invoice.currency());
    }

    private boolean isReverseCharge(TaxRegion buyer, String vatId) {
        return vatId != null
                && !vatId.isBlank()
                && buyer != seller
                && buyer.isInUnion()
                && seller.isInUnion()
                && vatId.startsWith(buyer.countryCode());
    }

    /** Goods that leave the union (or the seller's country) are free of tax. */
    private boolean isExport(TaxRegion buyer) {
        return buyer != seller && !(buyer.isInUnion() && seller.isInUnion());
    }
}
