/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.io;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.openshelf.toolkit.Args;

/** Prints maps, collections, arrays, records and simple values as JSON. It does not look for cycles. */
public final class JsonPrinter {

    private final int indent;

    private JsonPrinter(int indent) {
        this.indent = indent;
    }

    public static JsonPrinter compact() {
        return new JsonPrinter(0);
    }

    public static JsonPrinter pretty(int indent) {
        return new JsonPrinter(Args.between(indent, 1, 8, "indent"));
    }

    public String print(Object value) {
        StringBuilder out = new StringBuilder();
        append(out, value, 0);
        return out.toString();
    }

    private void append(StringBuilder out, Object value, int depth) {
        if (value == null) {
            out.append("null");
        } else if (value instanceof Number || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof Optional<?> optional) {
            append(out, optional.orElse(null), depth);
        } else if (value instanceof Map<?, ?> map) {
            appendObject(out, map, depth);
        } else if (value instanceof Iterable<?> items) {
            appendArray(out, items.iterator(), depth);
        } else if (value instanceof Object[] items) {
            appendArray(out, java.util.Arrays.asList(items).iterator(), depth);
        } else if (value instanceof Record row) {
            appendObject(out, components(row), depth);
        } else {
            appendString(out, value.toString());
        }
    }

    private void appendObject(StringBuilder out, Map<?, ?> map, int depth) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        out.append('{');
        boolean first = true;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(first ? "" : ",");
            newLine(out, depth + 1);
            appendString(out, String.valueOf(entry.getKey()));
            out.append(indent > 0 ? ": " : ":");
            append(out, entry.getValue(), depth + 1);
            first = false;
        }
        newLine(out, depth);
        out.append('}');
    }

    private void appendArray(StringBuilder out, Iterator<?> items, int depth) {
        if (!items.hasNext()) {
            out.append("[]");
            return;
        }
        out.append('[');
        while (items.hasNext()) {
            newLine(out, depth + 1);
            append(out, items.next(), depth + 1);
            if (items.hasNext()) {
                out.append(',');
            }
        }
        newLine(out, depth);
        out.append(']');
    }

    private void newLine(StringBuilder out, int depth) {
        if (indent > 0) {
            out.append('\n').append(" ".repeat(indent * depth));
        }
    }

    private static void appendString(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c < 0x20) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    private static Map<String, Object> components(Record row) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (RecordComponent component : row.getClass().getRecordComponents()) {
            try {
                component.getAccessor().setAccessible(true);
                values.put(component.getName(), component.getAccessor().invoke(row));
            } catch (IllegalAccessException | InvocationTargetException e) {
                throw new IllegalStateException("cannot read " + component.getName(), e);
            }
        }
        return values;
    }
}
