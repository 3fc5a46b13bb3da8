/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.repository;

import com.example.shop.billing.domain.Invoice;
import com.example.shop.billing.domain.InvoiceStatus;
import com.example.shop.billing.support.BillingException;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;

/** Where invoices are kept. */
public interface InvoiceRepository {

    Optional<Invoice> findByNumber(String number);

    List<Invoice> findByCustomer(String customerId);

    List<Invoice> findByStatus(InvoiceStatus status);

    /** Open invoices whose due date lies before the given day, the oldest first. */
    List<Invoice> findOverdue(LocalDate today);

    void save(Invoice invoice);

    default Invoice getByNumber(String number) {
        return findByNumber(number).orElseThrow(() -> new BillingException.InvoiceNotFound(number));
    }
}
