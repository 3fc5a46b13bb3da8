/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.model;

import com.example.shop.inventory.util.Preconditions;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A stock keeping unit, written {@code CATEGORY-NUMBER[-VARIANT]-CHECK}, e.g. {@code CHR-004211-BLK-9}.
 * The last digit is computed from the number, so that typing errors at the scanner are noticed.
 */
public record Sku(String category, int number, String variant) implements Comparable<Sku> {

    private static final Pattern FORMAT = Pattern.compile("([A-Z]{3})-(\\d{6})(?:-([A-Z0-9]{1,4}))?-(\\d)");
    private static final int[] WEIGHTS = {7, 3, 1, 7, 3, 1};

    public Sku {
        Preconditions.checkNotEmpty(category, "category");
        Preconditions.checkPositive(number, "number");
        if (number > 999_999) {
            throw new IllegalArgumentException("number has more than six digits: " + number);
        }
    }

    public static Sku parse(String text) {
        Preconditions.checkNotEmpty(text, "text");
        Matcher matcher = FORMAT.matcher(text.trim().toUpperCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw new IllegalArgumentException("not a SKU: " + text);
        }
        Sku sku = new Sku(matcher.group(1), Integer.parseInt(matcher.group(2)), matcher.group(3));
        int given = Integer.parseInt(matcher.group(4));
        if (given != sku.checkDigit()) {
            throw new IllegalArgumentException("wrong check digit in " + text + ", expected " + sku.checkDigit());
        }
        return sku;
    }

    /** Like parse, but empty where the text is not a SKU. */
    public static Optional<Sku> tryParse(String text) {
        try {
            return Optional.of(parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    public int checkDigit() {
        String digits = String.format("%06d", number);
        int sum = 0;
        for (int i = 0; i < digits.length(); i++) {
            sum += WEIGHTS[i] * (digits.charAt(i) - '0');
        }
        return (10 - sum % 10) % 10;
    }

    @Override
    public int compareTo(Sku other) {
        return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
        StringBuilder sb = new StringBuilder();
        sb.append(category).append('-').append(String.format("%06d", number));
        if (variant != null) {
            sb.append('-').append(variant);
        }
        return sb.append('-').append(checkDigit()).toString();
    }
}
