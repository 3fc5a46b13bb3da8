/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing;

import java.util.Objects;

/** Assertions for the tests of this repository. */
final class Check {

    private Check() {
    }

    static void that(boolean condition, String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
    }

    static void equal(Object expected, Object actual) {
        that(Objects.equals(expected, actual), "expected " + expected + " but was " + actual);
    }

    static <E extends Throwable> E fails(Class<E> type, Runnable action) {
        try {
            action.run();
        } catch (Throwable e) {
            if (type.isInstance(e)) {
                return type.cast(e);
            }
            throw new AssertionError("expected " + type.getSimpleName() + " but was " + e, e);
        }
        throw new AssertionError("expected " + type.getSimpleName());
    }
}
