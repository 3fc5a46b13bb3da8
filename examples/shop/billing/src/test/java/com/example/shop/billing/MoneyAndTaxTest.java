/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing;

import com.example.shop.billing.domain.CashRounding;
import com.example.shop.billing.domain.Invoice;
import com.example.shop.billing.domain.Invoice.TaxCategory;
import com.example.shop.billing.domain.Money;
import com.example.shop.billing.repository.InvoiceSql;
import com.example.shop.billing.tax.TaxCalculator;
import com.example.shop.billing.tax.TaxRegion;
import java.util.Currency;
import java.util.List;
import java.util.Map;

public final class MoneyAndTaxTest {

    public static void main(String[] args) {
        allocateLosesNothing();
        cashRoundingUsesTheStepOfTheCurrency();
        taxIsRoundedOncePerRate();
        reverseChargeNeedsAMatchingVatId();
        namedParametersAreBound();
        System.out.println("MoneyAndTaxTest passed");
    }

    static void allocateLosesNothing() {
        List<Money> parts = Money.of("100.00", "EUR").allocate(1, 1, 1);
        Check.equal("33.34", parts.get(0).amount().toPlainString());
        Check.equal("33.33", parts.get(2).amount().toPlainString());
        Check.equal(Money.of("-0.05", "EUR"),
                Money.of("-0.05", "EUR").allocate(3, 0, 7).stream().reduce(Money::plus).orElseThrow());
        Check.fails(IllegalArgumentException.class, () -> Money.of("1", "EUR").allocate(0, 0));
    }

    static void cashRoundingUsesTheStepOfTheCurrency() {
        Check.equal("CHF 12.35", CashRounding.round(Money.of("12.37", "CHF")).format());
        Check.equal("EUR 12.37", CashRounding.round(Money.of("12.37", "EUR")).format());
        Check.equal(Money.of("0.02", "CHF"), CashRounding.difference(Money.of("12.38", "CHF")));
    }

    static void taxIsRoundedOncePerRate() {
        Invoice invoice = new Invoice("INV-1", "c-1", Currency.getInstance("EUR"))
                .addLine(line("PEN-RED", 3, "0.99", TaxCategory.STANDARD))
                .addLine(line("BOOK-JAVA", 1, "29.90", TaxCategory.BOOKS))
                .addLine(line("PEN-BLUE", 2, "0.99", TaxCategory.STANDARD));
        TaxCalculator.TaxResult result = new TaxCalculator(TaxRegion.GERMANY)
                .calculate(invoice, TaxRegion.GERMANY, null);
        Check.equal(2, result.shares().size());
        Check.equal("3.03", result.total().amount().toPlainString());
        Check.that(!result.reverseCharge(), "no reverse charge at home");
    }

    static void reverseChargeNeedsAMatchingVatId() {
        Invoice invoice = new Invoice("INV-2", "c-1", Currency.getInstance("EUR"))
                .addLine(line("DESK", 1, "200.00", TaxCategory.STANDARD));
        TaxCalculator calculator = new TaxCalculator(TaxRegion.GERMANY);
        Check.that(calculator.calculate(invoice, TaxRegion.FRANCE, "FR12345678901").reverseCharge(), "reverse charge");
        Check.equal("40.00", calculator.calculate(invoice, TaxRegion.FRANCE, "DE123").total().amount().toPlainString());
        Check.that(calculator.calculate(invoice, TaxRegion.CHINA, null).total().isZero(), "exports are free");
    }

    static void namedParametersAreBound() {
        InvoiceSql.Bound bound = InvoiceSql.bind(InvoiceSql.UPDATE_PAID,
                Map.of("amount", 5, "status", "PAID", "number", "INV-1", "version", 3));
        Check.equal(List.of(5, "PAID", "INV-1", 3), bound.values());
        Check.that(!bound.sql().contains(":"), "no names are left");
    }

    static Invoice.Line line(String sku, int quantity, String price, TaxCategory category) {
        return new Invoice.Line(sku, sku.toLowerCase(), quantity, Money.of(price, "EUR"), category);
    }
}
