/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.Function;
import org.openshelf.toolkit.Args;

/** String helpers; unless said otherwise, {@code null} is treated like the empty string. */
public final class Strings {

    private static final String ELLIPSIS = "...";

    private Strings() {
    }

    public static boolean isBlank(String text) {
        return text == null || text.isBlank();
    }

    public static String nullToEmpty(String text) {
        return text == null ? "" : text;
    }

    public static String emptyToNull(String text) {
        return text == null || text.isEmpty() ? null : text;
    }

    public static String firstNonBlank(String... candidates) {
        for (String candidate : candidates) {
            if (!isBlank(candidate)) {
                return candidate;
            }
        }
        return "";
    }

    /** Shortens the text to at most {@code maxLength} characters and marks the cut with dots. */
    public static String abbreviate(String text, int maxLength) {
        Args.check(maxLength > ELLIPSIS.length(), "maxLength %d is too small", maxLength);
        String value = nullToEmpty(text);
        if (value.length() <= maxLength) {
            return value;
        }
        return value.substring(0, maxLength - ELLIPSIS.length()) + ELLIPSIS;
    }

    public static String padLeft(String text, int width, char fill) {
        String value = nullToEmpty(text);
        int missing = width - value.length();
        return missing <= 0 ? value : String.valueOf(fill).repeat(missing) + value;
    }

    public static String padRight(String text, int width, char fill) {
        String value = nullToEmpty(text);
        int missing = width - value.length();
        return missing <= 0 ? value : value + String.valueOf(fill).repeat(missing);
    }

    /** Replaces everything but the last {@code visible} characters with stars. */
    public static String mask(String text, int visible) {
        Args.notNegative(visible, "visible");
        String value = nullToEmpty(text);
        int hidden = Math.max(0, value.length() - visible);
        return "*".repeat(hidden) + value.substring(hidden);
    }

    public static String camelToSnake(String name) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (Character.isUpperCase(c)) {
                boolean afterLower = i > 0 && !Character.isUpperCase(name.charAt(i - 1));
                boolean beforeLower = i > 0 && i + 1 < name.length()
                        && Character.isLowerCase(name.charAt(i + 1));
                if (afterLower || beforeLower) {
                    out.append('_');
                }
                out.append(Character.toLowerCase(c));
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    public static String snakeToCamel(String name) {
        StringBuilder out = new StringBuilder(name.length());
        boolean upperNext = false;
        for (char c : name.toCharArray()) {
            if (c == '_') {
                upperNext = out.length() > 0;
            } else {
                out.append(upperNext ? Character.toUpperCase(c) : c);
                upperNext = false;
            }
        }
        return out.toString();
    }

    /** Turns a title into a part of an address: lower case, letters and digits joined by hyphens. */
    public static String slug(String title) {
        StringJoiner joiner = new StringJoiner("-");
        for (String word : nullToEmpty(title).toLowerCase(Locale.ROOT).split("[^\\p{L}\\p{N}]+")) {
            if (!word.isEmpty()) {
                joiner.add(word);
            }
        }
        return joiner.toString();
    }

    /** Splits at the separator, trims each part and drops the empty ones. */
    public static List<String> splitTrimmed(String text, char separator) {
        List<String> parts = new ArrayList<>();
        String value = nullToEmpty(text);
        int start = 0;
        while (start <= value.length()) {
            int end = value.indexOf(separator, start);
            if (end < 0) {
                end = value.length();
            }
            String part = value.substring(start, end).trim();
            if (!part.isEmpty()) {
                parts.add(part);
            }
            start = end + 1;
        }
        return parts;
    }

    /** Fills placeholders of the form <code>{name}</code>; unknown names stay as they are. */
    public static String fill(String template, Map<String, ?> values) {
        return fill(template, name -> values.containsKey(name) ? String.valueOf(values.get(name)) : null);
    }

    public static String fill(String template, Function<String, String> lookup) {
        StringBuilder out = new StringBuilder();
        int at = 0;
        while (at < template.length()) {
            int open = template.indexOf('{', at);
            int close = open < 0 ? -1 : template.indexOf('}', open);
            if (close < 0) {
                break;
            }
            String value = lookup.apply(template.substring(open + 1, close));
            out.append(template, at, open);
            out.append(value == null ? template.substring(open, close + 1) : value);
            at = close + 1;
        }
        return out.append(template.substring(at)).toString();
    }
}
