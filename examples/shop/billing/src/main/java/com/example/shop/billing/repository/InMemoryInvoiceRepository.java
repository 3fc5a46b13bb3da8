/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.repository;

import com.example.shop.billing.domain.Invoice;
import com.example.shop.billing.domain.InvoiceStatus;
import com.example.shop.billing.support.Checks;
import java.time.LocalDate;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/** For tests and the demo shop. */
public final class InMemoryInvoiceRepository implements InvoiceRepository {

    private final Map<String, Invoice> invoices = new ConcurrentHashMap<>();

    @Override
    public Optional<Invoice> findByNumber(String number) {
        Checks.notBlank(number, "number");
        return Optional.ofNullable(invoices.get(number));
    }

    @Override
    public List<Invoice> findByCustomer(String customerId) {
        Checks.notBlank(customerId, "customerId");
        return findWhere(invoice -> invoice.customerId().equals(customerId), Comparator.comparing(Invoice::number));
    }

    @Override
    public List<Invoice> findByStatus(InvoiceStatus status) {
        Checks.notNull(status, "status");
        return findWhere(invoice -> invoice.status() == status, Comparator.comparing(Invoice::number));
    }

    @Override
    public List<Invoice> findOverdue(LocalDate today) {
        Checks.notNull(today, "today");
        return findWhere(
                invoice -> invoice.daysOverdue(today) > 0,
                Comparator.comparing((Invoice invoice) -> invoice.dueOn().orElse(LocalDate.MAX))
                        .thenComparing(Invoice::number));
    }

    @Override
    public void save(Invoice invoice) {
        Checks.notNull(invoice, "invoice");
        invoices.put(invoice.number(), invoice);
    }

    private List<Invoice> findWhere(Predicate<Invoice> condition, Comparator<Invoice> order) {
        return invoices.values().stream().filter(condition).sorted(order).toList();
    }
}
