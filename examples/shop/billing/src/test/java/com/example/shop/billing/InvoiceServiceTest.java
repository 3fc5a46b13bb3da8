/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing;

import com.example.shop.billing.domain.Invoice;
import com.example.shop.billing.domain.Invoice.TaxCategory;
import com.example.shop.billing.domain.InvoiceStatus;
import com.example.shop.billing.domain.Money;
import com.example.shop.billing.ledger.JournalEntry.Account;
import com.example.shop.billing.ledger.Ledger;
import com.example.shop.billing.repository.InMemoryInvoiceRepository;
import com.example.shop.billing.service.DunningService;
import com.example.shop.billing.service.DunningService.Step;
import com.example.shop.billing.service.InvoiceService;
import com.example.shop.billing.support.BillingException;
import com.example.shop.billing.tax.TaxCalculator;
import com.example.shop.billing.tax.TaxRegion;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Currency;
import java.util.List;
import java.util.Map;

public final class InvoiceServiceTest {

    private static final Currency EUR = Currency.getInstance("EUR");
    private static final Clock START = Clock.fixed(Instant.parse("2026-01-05T08:00:00Z"), ZoneOffset.UTC);

    private final InMemoryInvoiceRepository invoiceRepository = new InMemoryInvoiceRepository();
    private final Ledger ledger = new Ledger(EUR);
    private final InvoiceService invoiceService =
            new InvoiceService(invoiceRepository, new TaxCalculator(TaxRegion.GERMANY), ledger, START);

    public static void main(String[] args) {
        new InvoiceServiceTest().cancellingReversesTheBooking();
        new InvoiceServiceTest().outstandingIsSummedByCustomer();
        new InvoiceServiceTest().dunningGoesStepByStep();
        System.out.println("InvoiceServiceTest passed");
    }

    void cancellingReversesTheBooking() {
        Invoice invoice = issued("c-1", "50.00");
        Check.equal("INV-2026-000001", invoice.number());
        Check.equal(Money.of("59.50", "EUR"), ledger.balance(Account.RECEIVABLES));
        invoiceService.cancel(invoice.number());
        Check.that(ledger.balance(Account.RECEIVABLES).isZero(), "claim is reversed");
        Check.fails(IllegalStateException.class, () -> invoiceService.cancel(invoice.number()));
        Check.fails(BillingException.InvoiceNotFound.class, () -> invoiceService.cancel("INV-0"));
    }

    void outstandingIsSummedByCustomer() {
        issued("c-1", "100.00");
        issued("c-1", "10.00").recordPayment(Money.of("1.90", "EUR"));
        issued("c-2", "20.00");
        Check.equal(Map.of("c-1", Money.of("129.00", "EUR"), "c-2", Money.of("23.80", "EUR")),
                invoiceService.outstandingByCustomer(EUR));
    }

    void dunningGoesStepByStep() {
        Invoice invoice = issued("c-3", "100.00");
        List<String> letters = new ArrayList<>();
        Check.that(dunningAfterDays(15, letters).isEmpty(), "grace period");
        Check.equal(Map.of(Step.FRIENDLY_REMINDER, List.of(invoice.number())), dunningAfterDays(20, letters));
        Check.that(letters.get(0).contains("6 days ago"), letters.get(0));
        Check.equal(Map.of(Step.WRITE_OFF, List.of(invoice.number())), dunningAfterDays(120, letters));
        Check.equal(InvoiceStatus.WRITTEN_OFF, invoice.status());
        Check.equal(Money.of("119.00", "EUR"), ledger.balance(Account.BAD_DEBT));
    }

    private Map<Step, List<String>> dunningAfterDays(int days, List<String> letters) {
        Clock later = Clock.offset(START, Duration.ofDays(days));
        return new DunningService(invoiceRepository, ledger, (to, subject, body) -> letters.add(body), later).run();
    }

    private Invoice issued(String customerId, String price) {
        Invoice invoice = invoiceService.draft(customerId, EUR,
                List.of(MoneyAndTaxTest.line("CHAIR", 1, price, TaxCategory.STANDARD)));
        return invoiceService.issue(invoice.number(), TaxRegion.GERMANY, null);
    }
}
