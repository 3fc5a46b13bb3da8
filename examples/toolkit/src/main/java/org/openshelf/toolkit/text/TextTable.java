/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.text;

import java.util.ArrayList;
import java.util.List;
import org.openshelf.toolkit.Args;

/** Lays out rows as a table of plain text with columns as wide as their widest cell. */
public final class TextTable {

    public enum Align { LEFT, RIGHT, CENTER }

    private record Column(String title, Align align) {
    }

    private final List<Column> columns = new ArrayList<>();
    private final List<List<String>> rows = new ArrayList<>();
    private String gap = "  ";

    public TextTable column(String title) {
        return column(title, Align.LEFT);
    }

    public TextTable column(String title, Align align) {
        Args.state(rows.isEmpty(), "columns must be declared before the first row");
        columns.add(new Column(Args.notNull(title, "title"), Args.notNull(align, "align")));
        return this;
    }

    public TextTable gap(String newGap) {
        this.gap = Args.notNull(newGap, "gap");
        return this;
    }

    public TextTable row(Object... cells) {
        Args.check(cells.length == columns.size(),
                "expected %d cells but got %d", columns.size(), cells.length);
        List<String> row = new ArrayList<>(cells.length);
        for (Object cell : cells) {
            row.add(cell == null ? "" : cell.toString());
        }
        rows.add(row);
        return this;
    }

    public int rowCount() {
        return rows.size();
    }

    public String render() {
        int[] widths = widths();
        StringBuilder out = new StringBuilder();
        appendRow(out, columns.stream().map(Column::title).toList(), widths);
        List<String> rule = new ArrayList<>();
        for (int width : widths) {
            rule.add("-".repeat(width));
        }
        appendRow(out, rule, widths);
        for (List<String> row : rows) {
            appendRow(out, row, widths);
        }
        return out.toString();
    }

    private int[] widths() {
        int[] widths = new int[columns.size()];
        for (int i = 0; i < widths.length; i++) {
            widths[i] = displayWidth(columns.get(i).title());
            for (List<String> row : rows) {
                widths[i] = Math.max(widths[i], displayWidth(row.get(i)));
            }
        }
        return widths;
    }

    private void appendRow(StringBuilder out, List<String> cells, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < cells.size(); i++) {
            if (i > 0) {
                line.append(gap);
            }
            int free = widths[i] - displayWidth(cells.get(i));
            int left = switch (columns.get(i).align()) {
                case LEFT -> 0;
                case RIGHT -> free;
                case CENTER -> free / 2;
            };
            line.append(" ".repeat(left)).append(cells.get(i)).append(" ".repeat(free - left));
        }
        out.append(line.toString().stripTrailing()).append('\n');
    }

    /** Number of terminal cells a text takes: ideographs and full-width forms take two. 中文字符占两格。 */
    static int displayWidth(String text) {
        return text.codePoints().map(cp -> isWide(cp) ? 2 : 1).sum();
    }

    private static boolean isWide(int codePoint) {
        return Character.isIdeographic(codePoint)
                || (codePoint >= 0x3000 && codePoint <= 0x30FF)
                || (codePoint >= 0xAC00 && codePoint <= 0xD7A3)
                || (codePoint >= 0xFF01 && codePoint <= 0xFF60);
    }
}
