/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.service;

import com.example.shop.billing.domain.Invoice;
import com.example.shop.billing.domain.InvoiceStatus;
import com.example.shop.billing.domain.Money;
import com.example.shop.billing.ledger.JournalEntry;
import com.example.shop.billing.ledger.JournalEntry.Account;
import com.example.shop.billing.ledger.Ledger;
import com.example.shop.billing.repository.InvoiceRepository;
import com.example.shop.billing.support.Checks;
import com.example.shop.billing.tax.TaxCalculator;
import com.example.shop.billing.tax.TaxRegion;
import java.time.Clock;
import java.time.LocalDate;
import java.util.Currency;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

/** Creates, issues and cancels invoices. */
public final class InvoiceService {

    private static final Logger LOG = Logger.getLogger(InvoiceService.class.getName());
    private static final int TERM_DAYS = 14;

    private final InvoiceRepository invoiceRepository;
    private final TaxCalculator taxCalculator;
    private final Ledger ledger;
    private final Clock clock;
    private final AtomicLong sequence = new AtomicLong();

    public InvoiceService(InvoiceRepository invoiceRepository, TaxCalculator taxCalculator, Ledger ledger, Clock clock) {
        this.invoiceRepository = Checks.notNull(invoiceRepository, "invoiceRepository");
        this.taxCalculator = Checks.notNull(taxCalculator, "taxCalculator");
        this.ledger = Checks.notNull(ledger, "ledger");
        this.clock = Checks.notNull(clock, "clock");
    }

    public Invoice draft(String customerId, Currency currency, List<Invoice.Line> lines) {
        Checks.notBlank(customerId, "customerId");
        Checks.notEmpty(lines, "lines");
        Invoice invoice = new Invoice(nextNumber(), customerId, currency);
        lines.forEach(invoice::addLine);
        invoiceRepository.save(invoice);
        LOG.log(Level.INFO, "drafted invoice {0} for customer {1}", new Object[] {invoice.number(), customerId});
        return invoice;
    }

    /** Adds the tax, starts the term of payment and books the claim. */
    public Invoice issue(String number, TaxRegion buyer, String vatId) {
        Invoice invoice = invoiceRepository.getByNumber(number);
        LocalDate today = LocalDate.now(clock);
        Money tax = taxCalculator.calculate(invoice, buyer, vatId).total();
        invoice.issue(tax, today, TERM_DAYS);
        if (!invoice.gross().isZero()) {
            ledger.post(JournalEntry.builder("invoice:" + number, today)
                    .debit(Account.RECEIVABLES, invoice.gross())
                    .credit(Account.REVENUE, invoice.net())
                    .credit(Account.TAX_PAYABLE, tax)
                    .build());
        }
        invoiceRepository.save(invoice);
        LOG.log(Level.INFO, "issued invoice {0} over {1}", new Object[] {number, invoice.gross().format()});
        return invoice;
    }

    /** Cancels an invoice on which nothing has been paid. */
    public Invoice cancel(String number) {
        Invoice invoice = invoiceRepository.getByNumber(number);
        boolean booked = invoice.status() == InvoiceStatus.ISSUED && !invoice.gross().isZero();
        invoice.cancel();
        if (booked) {
            ledger.reverse("invoice:" + number, LocalDate.now(clock));
        }
        invoiceRepository.save(invoice);
        LOG.log(Level.INFO, "cancelled invoice {0}", number);
        return invoice;
    }

    /** What each customer still owes; customers who owe nothing are left out. */
    public Map<String, Money> outstandingByCustomer(Currency currency) {
        Checks.notNull(currency, "currency");
        return List.of(InvoiceStatus.ISSUED, InvoiceStatus.PARTIALLY_PAID).stream()
                .flatMap(status -> invoiceRepository.findByStatus(status).stream())
                .filter(invoice -> invoice.currency().equals(currency))
                .collect(Collectors.toMap(Invoice::customerId, Invoice::outstanding, Money::plus));
    }

    private String nextNumber() {
        return String.format("INV-%d-%06d", LocalDate.now(clock).getYear(), sequence.incrementAndGet());
    }
}
