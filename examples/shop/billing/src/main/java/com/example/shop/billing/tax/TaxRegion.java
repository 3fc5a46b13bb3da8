/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.tax;

import com.example.shop.billing.domain.Invoice.TaxCategory;
import com.example.shop.billing.support.Checks;
import java.math.BigDecimal;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** A region with its rates. Rates are fractions: 0.19 stands for 19 percent. */
public enum TaxRegion {
    GERMANY("DE", true, "0.19", "0.07", "0.07", "0.19"),
    FRANCE("FR", true, "0.20", "0.055", "0.055", "0.20"),
    NETHERLANDS("NL", true, "0.21", "0.09", "0.09", "0.21"),
    SWITZERLAND("CH", false, "0.081", "0.026", "0.026", "0.081"),
    CHINA("CN", false, "0.13", "0.09", "0.09", "0.06"),
    HONG_KONG("HK", false, "0", "0", "0", "0");

    private final String countryCode;
    private final boolean inUnion;
    private final Map<TaxCategory, BigDecimal> rates = new EnumMap<>(TaxCategory.class);

    TaxRegion(String countryCode, boolean inUnion, String standard, String food, String books, String digital) {
        this.countryCode = countryCode;
        this.inUnion = inUnion;
        rates.put(TaxCategory.STANDARD, new BigDecimal(standard));
        rates.put(TaxCategory.FOOD, new BigDecimal(food));
        rates.put(TaxCategory.BOOKS, new BigDecimal(books));
        rates.put(TaxCategory.DIGITAL, new BigDecimal(digital));
        rates.put(TaxCategory.EXEMPT, BigDecimal.ZERO);
    }

    public BigDecimal rate(TaxCategory category) {
        Checks.notNull(category, "category");
        return rates.get(category);
    }

    public String countryCode() {
        return countryCode;
    }

    /** Whether reverse charge applies between this region and another of the union. */
    public boolean isInUnion() {
        return inUnion;
    }

    public static Optional<TaxRegion> byCountryCode(String countryCode) {
        String wanted = Checks.notBlank(countryCode, "countryCode").toUpperCase(Locale.ROOT);
        for (TaxRegion region : values()) {
            if (region.countryCode.equals(wanted)) {
                return Optional.of(region);
            }
        }
        return Optional.empty();
    }
}
