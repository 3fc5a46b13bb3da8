/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.io;

import org.openshelf.toolkit.Args;

/** The characters that a CSV file is written with. */
public record CsvFormat(char separator, char quote, String lineEnd) {

    public static final CsvFormat COMMA = new CsvFormat(',', '"', "\n");
    public static final CsvFormat SEMICOLON = new CsvFormat(';', '"', "\r\n");
    public static final CsvFormat TAB = new CsvFormat('\t', '"', "\n");

    public CsvFormat {
        Args.check(separator != quote, "separator and quote are both '%s'", quote);
        Args.notNull(lineEnd, "lineEnd");
    }

    boolean needsQuotes(String field) {
        return field.indexOf(separator) >= 0
                || field.indexOf(quote) >= 0
                || field.indexOf('\n') >= 0
                || field.indexOf('\r') >= 0
                || !field.equals(field.strip());
    }
}
