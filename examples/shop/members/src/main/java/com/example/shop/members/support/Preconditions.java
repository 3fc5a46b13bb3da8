/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.support;

import java.util.Collection;
import java.util.regex.Pattern;

/** Argument checks shared by the services. Every check returns its argument. */
public final class Preconditions {

    private Preconditions() {
    }

    /** Returns {@code value} unless it is null. */
    public static <T> T notNull(T value, String name) {
        if (value == null) {
            throw new IllegalArgumentException(name + " must not be null");
        }
        return value;
    }

    /** Returns {@code value} unless it is null or holds only white space. */
    public static String notBlank(String value, String name) {
        notNull(value, name);
        if (value.isBlank()) {
            throw new IllegalArgumentException(name + " must not be blank");
        }
        return value;
    }

    /** Returns {@code values} unless it is null or empty. */
    public static <T, C extends Collection<T>> C notEmpty(C values, String name) {
        notNull(values, name);
        if (values.isEmpty()) {
            throw new IllegalArgumentException(name + " must not be empty");
        }
        return values;
    }

    /** Returns {@code value} if it is greater than zero. */
    public static int positive(int value, String name) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive, was " + value);
        }
        return value;
    }

    /** Returns {@code value} if it is greater than zero. */
    public static long positive(long value, String name) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive, was " + value);
        }
        return value;
    }

    /** Returns {@code value} if it is zero or more. */
    public static long notNegative(long value, String name) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " must not be negative, was " + value);
        }
        return value;
    }

    /** Returns {@code value} if {@code min <= value <= max}. */
    public static int inRange(int value, int min, int max, String name) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    name + " must be in [" + min + ", " + max + "], was " + value);
        }
        return value;
    }

    /** Returns {@code value} if it has at most {@code max} characters. */
    public static String maxLength(String value, int max, String name) {
        notNull(value, name);
        if (value.codePointCount(0, value.length()) > max) {
            throw new IllegalArgumentException(name + " must have at most " + max + " characters");
        }
        return value;
    }

    /** Returns {@code value} if the whole of it matches {@code pattern}. */
    public static String matches(String value, Pattern pattern, String name) {
        notNull(value, name);
        if (!pattern.matcher(value).matches()) {
            throw new IllegalArgumentException(name + " has a wrong format");
        }
        return value;
    }

    /** Throws unless the object is in a state that allows the call. */
    public static void state(boolean condition, String message) {
        if (!condition) {
            throw new IllegalStateException(message);
        }
    }

    /** 校验中国大陆手机号，返回去掉空格和横线后的号码。 */
    public static String mobile(String value, String name) {
        String digits = notBlank(value, name).replaceAll("[\\s-]", "");
        if (digits.length() != 11 || digits.charAt(0) != '1') {
            throw new IllegalArgumentException(name + " 不是有效的手机号");
        }
        return digits;
    }
}
