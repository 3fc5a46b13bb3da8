/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory;

/** Small assertions; the module has no test framework. */
final class Check {

    private Check() {
    }

    static void isTrue(boolean condition, String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
    }

    static void same(Object expected, Object actual) {
        isTrue(expected == null ? actual == null : expected.equals(actual),
                "expected <" + expected + "> but was <" + actual + ">");
    }

    static void raises(Class<? extends RuntimeException> type, Runnable action) {
        try {
            action.run();
        } catch (RuntimeException e) {
            isTrue(type.isInstance(e), "expected " + type.getName() + " but was " + e);
            return;
        }
        throw new AssertionError("expected " + type.getName());
    }
}
