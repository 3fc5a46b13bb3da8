/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.http;

import com.example.shop.gateway.support.Preconditions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Header fields of a request or a response. Names are compared without regard to case. */
public final class Headers {

    private final TreeMap<String, List<String>> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);

    /** Returns an empty set of header fields. */
    public static Headers empty() {
        return new Headers();
    }

    /** Parses header lines such as {@code Accept: text/html}; folded lines are not allowed. */
    public static Headers parse(String block) {
        Headers headers = new Headers();
        for (String line : Preconditions.notNull(block, "block").split("\r?\n")) {
            if (line.isEmpty()) {
                continue;
            }
            int colon = line.indexOf(':');
            if (colon <= 0 || Character.isWhitespace(line.charAt(0))) {
                throw new IllegalArgumentException("bad header line: " + line);
            }
            headers.add(line.substring(0, colon), line.substring(colon + 1));
        }
        return headers;
    }

    /** Adds a value and keeps those that are there. */
    public Headers add(String name, String value) {
        Preconditions.notBlank(name, "name");
        if (value.indexOf('\r') >= 0 || value.indexOf('\n') >= 0) {
            throw new IllegalArgumentException("header " + name + " must not hold a line break");
        }
        fields.computeIfAbsent(name.strip(), key -> new ArrayList<>()).add(value.strip());
        return this;
    }

    /** Sets the value and forgets those that were there. */
    public Headers set(String name, String value) {
        fields.remove(name);
        return add(name, value);
    }

    public Headers remove(String name) {
        fields.remove(name);
        return this;
    }

    /** Returns the first value. */
    public Optional<String> first(String name) {
        return all(name).stream().findFirst();
    }

    /** Returns all values in the order in which they were added. */
    public List<String> all(String name) {
        return Collections.unmodifiableList(fields.getOrDefault(name, List.of()));
    }

    /** Returns the first value as a number, or {@code fallback} if there is none. */
    public long number(String name, long fallback) {
        try {
            return first(name).map(Long::parseLong).orElse(fallback);
        } catch (NumberFormatException e) {
            return fallback;
        }
    }

    /**
     * Splits a value with parameters, for example {@code max-age=60, private}, into a map. A
     * directive without a value is mapped to the empty string.
     */
    public Map<String, String> directives(String name) {
        Map<String, String> directives = new LinkedHashMap<>();
        for (String value : all(name)) {
            for (String part : value.split("[,;]")) {
                String[] pair = part.strip().split("=", 2);
                if (!pair[0].isEmpty()) {
                    String text = pair.length == 2 ? unquote(pair[1].strip()) : "";
                    directives.put(pair[0].strip().toLowerCase(Locale.ROOT), text);
                }
            }
        }
        return directives;
    }

    private static String unquote(String text) {
        boolean quoted = text.length() >= 2 && text.startsWith("\"") && text.endsWith("\"");
        return quoted ? text.substring(1, text.length() - 1) : text;
    }

    /** Returns a copy that can be changed on its own. */
    public Headers copy() {
        Headers copy = new Headers();
        fields.forEach((name, values) -> copy.fields.put(name, new ArrayList<>(values)));
        return copy;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Headers that && fields.equals(that.fields);
    }

    @Override
    public int hashCode() {
        return fields.hashCode();
    }

    @Override
    public String toString() {
        return fields.toString();
    }
}
