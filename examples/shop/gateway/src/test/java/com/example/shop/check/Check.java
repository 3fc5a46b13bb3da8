/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.check;

import java.util.Objects;

/** A very small assertion helper, so that the tests need no library. */
public final class Check {

    /** A block of code that may throw anything. */
    @FunctionalInterface
    public interface Block {
        void run() throws Exception;
    }

    private static int passed;

    private Check() {
    }

    /** Fails unless {@code condition} holds. */
    public static void that(boolean condition, String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
        passed++;
    }

    /** Fails unless both values are equal. */
    public static void same(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError("expected <" + expected + "> but got <" + actual + ">");
        }
        passed++;
    }

    /** Fails unless {@code block} throws an exception of the given type, which is returned. */
    public static <E extends Throwable> E fails(Class<E> type, Block block) {
        try {
            block.run();
        } catch (Throwable t) {
            if (type.isInstance(t)) {
                passed++;
                return type.cast(t);
            }
            throw new AssertionError("expected " + type.getName() + " but got " + t, t);
        }
        throw new AssertionError("expected " + type.getName() + " but nothing was thrown");
    }

    /** Runs one named test and prints its result. */
    public static void test(String name, Block block) {
        try {
            block.run();
            System.out.println("ok   " + name);
        } catch (Exception e) {
            throw new AssertionError("test " + name + " threw " + e, e);
        }
    }

    /** Returns the number of checks that have passed so far. */
    public static int passed() {
        return passed;
    }
}
