/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.imports;

import com.example.shop.inventory.util.Preconditions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads CSV text with quoted fields. The first line names the columns. */
public final class CsvReader {

    private final char separator;

    public CsvReader(char separator) {
        this.separator = separator;
    }

    /** The rows by column name; rows that are too short get empty values. */
    public List<Map<String, String>> readRows(String text) {
        List<List<String>> records = readRecords(text);
        List<Map<String, String>> rows = new ArrayList<>();
        if (records.isEmpty()) {
            return rows;
        }
        List<String> header = records.get(0);
        for (int i = 1; i < records.size(); i++) {
            List<String> record = records.get(i);
            Map<String, String> row = new LinkedHashMap<>();
            for (int column = 0; column < header.size(); column++) {
                String value = column < record.size() ? record.get(column) : "";
                row.put(header.get(column).trim().toLowerCase(), value.trim());
            }
            rows.add(row);
        }
        return rows;
    }

    List<List<String>> readRecords(String text) {
        Preconditions.checkNotNull(text, "text");
        List<List<String>> records = new ArrayList<>();
        List<String> fields = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        boolean quoted = false;
        boolean seenAnything = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quoted) {
                if (c != '"') {
                    field.append(c);
                } else if (i + 1 < text.length() && text.charAt(i + 1) == '"') {
                    field.append('"');
                    i++;
                } else {
                    quoted = false;
                }
            } else if (c == '"') {
                quoted = true;
                seenAnything = true;
            } else if (c == separator) {
                fields.add(field.toString());
                field.setLength(0);
                seenAnything = true;
            } else if (c == '\n') {
                if (seenAnything) {
                    fields.add(field.toString());
                    records.add(fields);
                }
                fields = new ArrayList<>();
                field.setLength(0);
                seenAnything = false;
            } else if (c != '\r') {
                field.append(c);
                seenAnything = true;
            }
        }
        if (quoted) {
            throw new IllegalArgumentException("quoted field is not closed");
        }
        if (seenAnything) {
            fields.add(field.toString());
            records.add(fields);
        }
        return records;
    }
}
