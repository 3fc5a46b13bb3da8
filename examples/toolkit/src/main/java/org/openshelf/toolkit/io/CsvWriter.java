/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.io;

import java.io.IOException;
import java.io.Writer;
import java.util.Arrays;
import java.util.List;
import org.openshelf.toolkit.Args;

/** Writes CSV records and quotes the fields that need it. */
public final class CsvWriter implements AutoCloseable {

    private final Writer output;
    private final CsvFormat format;
    private int columns = -1;
    private int records;

    public CsvWriter(Writer output, CsvFormat format) {
        this.output = Args.notNull(output, "output");
        this.format = Args.notNull(format, "format");
    }

    public CsvWriter write(Object... fields) throws IOException {
        return writeRecord(Arrays.asList(fields));
    }

    /** Writes one record; every record must have as many fields as the first one. */
    public CsvWriter writeRecord(List<?> fields) throws IOException {
        if (columns < 0) {
            columns = Args.notEmpty(fields, "fields").size();
        }
        Args.check(fields.size() == columns, "expected %d fields but got %d", columns, fields.size());
        boolean first = true;
        for (Object field : fields) {
            if (!first) {
                output.write(format.separator());
            }
            output.write(encode(field));
            first = false;
        }
        output.write(format.lineEnd());
        records++;
        return this;
    }

    public int records() {
        return records;
    }

    private String encode(Object field) {
        if (field == null) {
            return "";
        }
        String text = field.toString();
        if (!format.needsQuotes(text)) {
            return text;
        }
        String quote = String.valueOf(format.quote());
        return quote + text.replace(quote, quote + quote) + quote;
    }

    @Override
    public void close() throws IOException {
        output.close();
    }
}
