/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.imports;

import com.example.shop.inventory.model.Sku;
import com.example.shop.inventory.model.StockMovement.Type;
import com.example.shop.inventory.stock.StockService;
import com.example.shop.inventory.util.Preconditions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * 从 CSV 文本批量导入收货记录。
 *
 * <p>列：sku、warehouse、quantity、reference。先校验全部行，错误率超过上限时整批拒绝；
 * 否则导入正确的行，并在结果中列出错误的行号与原因。
 */
public class StockImport {

    private static final Logger LOGGER = Logger.getLogger(StockImport.class.getName());

    private final StockService stockService;
    private final CsvReader csvReader = new CsvReader(',');
    private int maxErrorPercent = 10;

    public StockImport(StockService stockService) {
        this.stockService = Preconditions.checkNotNull(stockService, "stockService");
    }

    public void setMaxErrorPercent(int maxErrorPercent) {
        this.maxErrorPercent = Preconditions.checkNotNegative(maxErrorPercent, "maxErrorPercent");
    }

    public Result run(String csv) {
        Preconditions.checkNotEmpty(csv, "csv");
        List<Map<String, String>> rows = csvReader.readRows(csv);
        List<Line> lines = new ArrayList<>();
        Result result = new Result();
        for (int i = 0; i < rows.size(); i++) {
            try {
                lines.add(parse(rows.get(i)));
            } catch (IllegalArgumentException e) {
                // 表头占第 1 行，因此数据行号从 2 开始
                result.errors.add("第 " + (i + 2) + " 行：" + e.getMessage());
            }
        }
        if (result.errors.size() * 100 > rows.size() * maxErrorPercent) {
            result.rejected = true;
            LOGGER.log(Level.WARNING, "导入被拒绝，{0} 行中有 {1} 行错误",
                    new Object[] {rows.size(), result.errors.size()});
            return result;
        }
        for (Line line : lines) {
            stockService.move(line.sku, line.warehouseCode, Type.RECEIPT, line.quantity, line.reference);
            result.imported++;
        }
        return result;
    }

    private static Line parse(Map<String, String> row) {
        Line line = new Line();
        line.sku = Sku.parse(row.get("sku"));
        line.warehouseCode = Preconditions.checkNotEmpty(row.get("warehouse"), "warehouse");
        line.reference = Preconditions.checkNotEmpty(row.get("reference"), "reference");
        String quantity = Preconditions.checkNotEmpty(row.get("quantity"), "quantity");
        try {
            line.quantity = Preconditions.checkPositive(Integer.parseInt(quantity), "quantity");
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("数量不是整数：" + quantity, e);
        }
        return line;
    }

    /** 一行收货记录。 */
    private static class Line {
        private Sku sku;
        private String warehouseCode;
        private int quantity;
        private String reference;
    }

    /** 导入结果。 */
    public static class Result {
        private int imported;
        private boolean rejected;
        private final List<String> errors = new ArrayList<>();

        public int getImported() {
            return imported;
        }

        public boolean isRejected() {
            return rejected;
        }

        public List<String> getErrors() {
            return Collections.unmodifiableList(errors);
        }
    }
}
