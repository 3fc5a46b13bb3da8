/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.openshelf.toolkit.io.CsvFormat;
import org.openshelf.toolkit.io.CsvReader;
import org.openshelf.toolkit.io.CsvWriter;
import org.openshelf.toolkit.io.JsonPrinter;
import org.openshelf.toolkit.text.Strings;
import org.openshelf.toolkit.text.TextTable;

final class TextAndIoTest {

    private record Book(String title, int pages, List<String> tags) {
    }

    static void strings() {
        Check.equal("order_line_id", Strings.camelToSnake("orderLineId"));
        Check.equal("http_server", Strings.camelToSnake("HTTPServer"));
        Check.equal("orderLineId", Strings.snakeToCamel("order_line_id"));
        Check.equal("hello-world-2", Strings.slug("  Hello, World! (2) "));
        Check.equal("*****6789", Strings.mask("123456789", 4));
        Check.equal("a long...", Strings.abbreviate("a long sentence", 9));
        Check.equal(List.of("a", "b"), Strings.splitTrimmed(" a ,, b,", ','));
        Check.equal("Dear Ada, {rest}", Strings.fill("Dear {name}, {rest}", Map.of("name", "Ada")));
        Check.equal("007", Strings.padLeft("7", 3, '0'));
    }

    static void tableCountsWideCharactersTwice() {
        String table = new TextTable()
                .column("name")
                .column("qty", TextTable.Align.RIGHT)
                .row("书架", 3)
                .row("lamp", 12)
                .render();
        Check.equal("""
                name  qty
                ----  ---
                书架    3
                lamp   12
                """, table);
    }

    static void csvKeepsSpecialCharacters() throws IOException {
        StringWriter text = new StringWriter();
        try (CsvWriter writer = new CsvWriter(text, CsvFormat.COMMA)) {
            writer.write("id", "note").write(1, "say \"hi\"").write(2, "two\nlines, one field").write(3, null);
            Check.equal(4, writer.records());
            Check.throwsA(IllegalArgumentException.class, () -> writer.write("too", "many", "fields"));
        }
        try (CsvReader reader = new CsvReader(new StringReader(text.toString()), CsvFormat.COMMA)) {
            List<Map<String, String>> rows = reader.readAllWithHeader();
            Check.equal(3, rows.size());
            Check.equal("say \"hi\"", rows.get(0).get("note"));
            Check.equal("two\nlines, one field", rows.get(1).get("note"));
            Check.equal("", rows.get(2).get("note"));
        }
        CsvReader broken = new CsvReader(new StringReader("a,\"b"), CsvFormat.COMMA);
        Check.throwsA(IOException.class, broken::readRecord);
    }

    static void jsonPrintsRecordsAndMaps() {
        Map<String, Object> shelf = new LinkedHashMap<>();
        shelf.put("book", new Book("Tea \"&\" Code", 120, List.of("java", "茶")));
        shelf.put("empty", List.of());
        Check.equal("{\"book\":{\"title\":\"Tea \\\"&\\\" Code\",\"pages\":120,"
                + "\"tags\":[\"java\",\"茶\"]},\"empty\":[]}", JsonPrinter.compact().print(shelf));
        Check.equal("[\n  1,\n  null\n]", JsonPrinter.pretty(2).print(new Object[] {1, null}));
    }

    static void idsAreOrderedAndChecked() {
        Clock fixed = Clock.fixed(Instant.ofEpochMilli(1_000), ZoneOffset.UTC);
        Ids.TimeOrdered ids = Ids.timeOrdered(7, fixed);
        long previous = ids.next();
        for (int i = 0; i < 10_000; i++) {
            long next = ids.next();
            Check.that(next > previous, "ids must grow");
            previous = next;
        }
        Check.equal("79927398713", Ids.withCheckDigit("7992739871"));
        Check.that(Ids.hasValidCheckDigit("79927398713"), "check digit fits");
        Check.that(!Ids.hasValidCheckDigit("79927398710"), "check digit does not fit");
        Check.equal(8, Ids.readableCodes(8).get().length());
    }

    static void runAll() throws IOException {
        strings();
        tableCountsWideCharactersTwice();
        csvKeepsSpecialCharacters();
        jsonPrintsRecordsAndMaps();
        idsAreOrderedAndChecked();
    }
}
