/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit;

import java.util.Objects;

/** The few assertions that the tests of this library need. */
public final class Check {

    private Check() {
    }

    public static void that(boolean condition, String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
    }

    public static void equal(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError("expected <" + expected + "> but was <" + actual + ">");
        }
    }

    public static <E extends Throwable> E throwsA(Class<E> type, ThrowingAction action) {
        try {
            action.run();
        } catch (Throwable e) {
            that(type.isInstance(e), "expected " + type.getSimpleName() + " but got " + e);
            return type.cast(e);
        }
        throw new AssertionError("expected " + type.getSimpleName() + " but nothing was thrown");
    }

    @FunctionalInterface
    public interface ThrowingAction {
        void run() throws Exception;
    }
}
