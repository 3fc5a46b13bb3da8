/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.web;

import com.example.shop.billing.domain.Invoice;
import com.example.shop.billing.support.Checks;
import java.util.List;

/** An invoice as the API shows it; amounts are text, so that no client reads them as doubles. */
public record InvoiceDto(
        String number,
        String customerId,
        String status,
        String currency,
        String net,
        String tax,
        String gross,
        String outstanding,
        String dueOn,
        List<LineDto> lines) {

    public record LineDto(String sku, String description, int quantity, String unitPrice) {
        static LineDto from(Invoice.Line line) {
            return new LineDto(line.sku(), line.description(), line.quantity(),
                    line.unitPrice().amount().toPlainString());
        }
    }

    public static InvoiceDto from(Invoice invoice) {
        Checks.notNull(invoice, "invoice");
        return new InvoiceDto(
                invoice.number(),
                invoice.customerId(),
                invoice.status().name(),
                invoice.currency().getCurrencyCode(),
                invoice.net().amount().toPlainString(),
                invoice.tax().amount().toPlainString(),
                invoice.gross().amount().toPlainString(),
                invoice.outstanding().amount().toPlainString(),
                invoice.dueOn().map(Object::toString).orElse(null),
                invoice.lines().stream().map(LineDto::from).toList());
    }
}
