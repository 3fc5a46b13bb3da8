/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.util;

import java.util.Collection;

/** Argument checks shared by the whole module. */
public final class Preconditions {

    private Preconditions() {
    }

    public static <T> T checkNotNull(T value, String name) {
        if (value == null) {
            throw new IllegalArgumentException(name + " is null");
        }
        return value;
    }

    public static String checkNotEmpty(String value, String name) {
        if (value == null || value.trim().isEmpty()) {
            throw new IllegalArgumentException(name + " is empty");
        }
        return value;
    }

    public static <C extends Collection<?>> C checkNotEmpty(C values, String name) {
        if (values == null || values.isEmpty()) {
            throw new IllegalArgumentException(name + " is empty");
        }
        return values;
    }

    public static int checkPositive(int value, String name) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be greater than zero, was " + value);
        }
        return value;
    }

    public static int checkNotNegative(int value, String name) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " must not be negative, was " + value);
        }
        return value;
    }
}
