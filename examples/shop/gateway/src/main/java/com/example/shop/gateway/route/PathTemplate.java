/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.route;

import com.example.shop.gateway.support.Preconditions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A path with variables, for example {@code /orders/{orderNo}/items}. A last segment {@code **}
 * matches the rest of a path, which may be empty.
 */
public final class PathTemplate implements Comparable<PathTemplate> {

    private sealed interface Segment permits Literal, Variable, Rest {
    }

    private record Literal(String text) implements Segment {
    }

    private record Variable(String name) implements Segment {
    }

    private record Rest() implements Segment {
    }

    private final String source;
    private final List<Segment> segments;

    private PathTemplate(String source, List<Segment> segments) {
        this.source = source;
        this.segments = List.copyOf(segments);
    }

    /** Parses a template. */
    public static PathTemplate parse(String source) {
        Preconditions.path(source, "source");
        List<Segment> segments = new ArrayList<>();
        List<String> parts = split(source);
        for (int i = 0; i < parts.size(); i++) {
            String part = parts.get(i);
            if (part.equals("**")) {
                if (i != parts.size() - 1) {
                    throw new IllegalArgumentException("** must be the last segment: " + source);
                }
                segments.add(new Rest());
            } else if (part.startsWith("{") && part.endsWith("}")) {
                segments.add(new Variable(Preconditions.notBlank(part.substring(1, part.length() - 1), "variable")));
            } else {
                segments.add(new Literal(part));
            }
        }
        return new PathTemplate(source, segments);
    }

    /** Returns the values of the variables, or nothing if the path does not match. */
    public Optional<Map<String, String>> match(String path) {
        List<String> parts = split(path);
        Map<String, String> variables = new LinkedHashMap<>();
        for (int i = 0; i < segments.size(); i++) {
            Segment segment = segments.get(i);
            if (segment instanceof Rest) {
                variables.put("**", String.join("/", parts.subList(i, parts.size())));
                return Optional.of(variables);
            }
            if (i >= parts.size()) {
                return Optional.empty();
            }
            if (segment instanceof Variable variable) {
                variables.put(variable.name(), parts.get(i));
            } else if (segment instanceof Literal literal && !literal.text().equals(parts.get(i))) {
                return Optional.empty();
            }
        }
        return parts.size() == segments.size() ? Optional.of(variables) : Optional.empty();
    }

    /** Puts values in the place of the variables. */
    public String expand(Map<String, String> values) {
        StringBuilder path = new StringBuilder();
        for (Segment segment : segments) {
            String name = segment instanceof Variable variable ? variable.name() : "**";
            String text = segment instanceof Literal literal ? literal.text() : values.get(name);
            if (text == null) {
                throw new IllegalArgumentException("no value for " + name + " in " + source);
            }
            path.append('/').append(text);
        }
        return path.length() == 0 ? "/" : path.toString();
    }

    /** Orders templates so that the more specific one comes first. */
    @Override
    public int compareTo(PathTemplate other) {
        int common = Math.min(segments.size(), other.segments.size());
        for (int i = 0; i < common; i++) {
            int difference = rank(segments.get(i)) - rank(other.segments.get(i));
            if (difference != 0) {
                return difference;
            }
        }
        int byLength = other.segments.size() - segments.size();
        return byLength != 0 ? byLength : source.compareTo(other.source);
    }

    private static int rank(Segment segment) {
        if (segment instanceof Literal) {
            return 0;
        }
        return segment instanceof Variable ? 1 : 2;
    }

    private static List<String> split(String path) {
        List<String> parts = new ArrayList<>();
        for (String part : path.split("/")) {
            if (!part.isEmpty()) {
                parts.add(part);
            }
        }
        return parts;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PathTemplate that && source.equals(that.source);
    }

    @Override
    public int hashCode() {
        return source.hashCode();
    }

    @Override
    public String toString() {
        return source;
    }
}
