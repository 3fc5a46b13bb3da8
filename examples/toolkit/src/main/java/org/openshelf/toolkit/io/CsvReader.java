/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.io;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.openshelf.toolkit.Args;

/** Reads CSV records one by one; quoted fields may hold separators, quotes and line ends. */
public final class CsvReader implements AutoCloseable {

    private static final int END = -1;

    private final BufferedReader input;
    private final CsvFormat format;
    private int line = 1;
    private int pushedBack = -2;

    public CsvReader(Reader input, CsvFormat format) {
        this.input = new BufferedReader(Args.notNull(input, "input"));
        this.format = Args.notNull(format, "format");
    }

    /** The next record, or {@code null} at the end of the input. Blank lines are skipped. */
    public List<String> readRecord() throws IOException {
        int c = next();
        while (c == '\n' || c == '\r') {
            c = next();
        }
        if (c == END) {
            return null;
        }
        pushedBack = c;
        List<String> fields = new ArrayList<>();
        boolean more = true;
        while (more) {
            StringBuilder field = new StringBuilder();
            more = readField(field);
            fields.add(field.toString());
        }
        return fields;
    }

    /** Reads the rest of the input; the first record names the columns. */
    public List<Map<String, String>> readAllWithHeader() throws IOException {
        List<String> header = readRecord();
        List<Map<String, String>> rows = new ArrayList<>();
        if (header == null) {
            return rows;
        }
        List<String> record;
        while ((record = readRecord()) != null) {
            if (record.size() != header.size()) {
                throw new IOException("line " + line + ": expected " + header.size()
                        + " fields but found " + record.size());
            }
            Map<String, String> row = new LinkedHashMap<>();
            for (int i = 0; i < header.size(); i++) {
                row.put(header.get(i), record.get(i));
            }
            rows.add(row);
        }
        return rows;
    }

    /** Reads one field and tells whether another one follows in the same record. */
    private boolean readField(StringBuilder field) throws IOException {
        int c = next();
        if (c == format.quote()) {
            readQuoted(field);
            c = next();
        }
        while (c != END && c != '\n' && c != '\r') {
            if (c == format.separator()) {
                return true;
            }
            field.append((char) c);
            c = next();
        }
        return false;
    }

    private void readQuoted(StringBuilder field) throws IOException {
        int startLine = line;
        while (true) {
            int c = next();
            if (c == END) {
                throw new IOException("line " + startLine + ": quoted field is not closed");
            }
            if (c == format.quote()) {
                int following = next();
                if (following != format.quote()) {
                    pushedBack = following;
                    return;
                }
            }
            field.append((char) c);
        }
    }

    private int next() throws IOException {
        if (pushedBack != -2) {
            int c = pushedBack;
            pushedBack = -2;
            return c;
        }
        int c = input.read();
        if (c == '\n') {
            line++;
        }
        return c;
    }

    @Override
    public void close() throws IOException {
        input.close();
    }
}
