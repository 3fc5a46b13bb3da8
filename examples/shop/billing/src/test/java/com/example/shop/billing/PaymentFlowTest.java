/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing;

import com.example.shop.billing.domain.Invoice;
import com.example.shop.billing.domain.Invoice.TaxCategory;
import com.example.shop.billing.domain.InvoiceStatus;
import com.example.shop.billing.domain.Money;
import com.example.shop.billing.domain.PaymentMethod;
import com.example.shop.billing.gateway.GatewayRouter;
import com.example.shop.billing.gateway.PaymentGateway;
import com.example.shop.billing.gateway.RetryingGateway;
import com.example.shop.billing.ledger.JournalEntry.Account;
import com.example.shop.billing.ledger.Ledger;
import com.example.shop.billing.repository.InMemoryInvoiceRepository;
import com.example.shop.billing.service.InvoiceService;
import com.example.shop.billing.service.PaymentService;
import com.example.shop.billing.service.ReconciliationService;
import com.example.shop.billing.service.ReconciliationService.Problem;
import com.example.shop.billing.service.ReconciliationService.SettlementLine;
import com.example.shop.billing.support.BillingException;
import com.example.shop.billing.tax.TaxCalculator;
import com.example.shop.billing.tax.TaxRegion;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.Currency;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

public final class PaymentFlowTest {

    private static final Currency EUR = Currency.getInstance("EUR");
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-03-02T09:00:00Z"), ZoneOffset.UTC);
    private static final PaymentMethod CARD = new PaymentMethod.Card("tok-1", "4242", YearMonth.of(2029, 12));

    /** Approves everything after a number of failures. */
    static final class FakeGateway implements PaymentGateway {
        private final AtomicInteger failures;
        private final AtomicInteger ids = new AtomicInteger();

        FakeGateway(int failures) {
            this.failures = new AtomicInteger(failures);
        }

        @Override
        public boolean supports(PaymentMethod method) {
            return method.settlesAtOnce();
        }

        @Override
        public Answer charge(Charge charge) {
            return failures.getAndDecrement() > 0
                    ? Answer.unavailable("timeout")
                    : Answer.approved("tx-" + ids.incrementAndGet());
        }

        @Override
        public Answer refund(String transactionId, Money amount, String idempotencyKey) {
            return Answer.approved("r-" + transactionId);
        }
    }

    private final InMemoryInvoiceRepository invoiceRepository = new InMemoryInvoiceRepository();
    private final Ledger ledger = new Ledger(EUR);
    private final InvoiceService invoiceService =
            new InvoiceService(invoiceRepository, new TaxCalculator(TaxRegion.GERMANY), ledger, CLOCK);

    public static void main(String[] args) {
        new PaymentFlowTest().payAndRefund();
        new PaymentFlowTest().retriesWhileUnavailable();
        new PaymentFlowTest().unsupportedMethodIsDeclined();
        new PaymentFlowTest().reconciliationFindsDifferences();
        System.out.println("PaymentFlowTest passed");
    }

    void payAndRefund() {
        PaymentService paymentService = paymentService(new FakeGateway(0));
        Invoice invoice = issued("100.00");
        paymentService.pay(invoice.number(), CARD);
        Check.equal(InvoiceStatus.PAID, invoice.status());
        Check.equal(Money.of("119.00", "EUR"), ledger.balance(Account.BANK));
        paymentService.refund(invoice.number(), Money.of("19.00", "EUR"), "damaged parcel");
        Check.equal(Money.of("100.00", "EUR"), ledger.balance(Account.BANK));
        BillingException e = Check.fails(BillingException.RefundTooLarge.class,
                () -> paymentService.refund(invoice.number(), Money.of("100.01", "EUR"), "too much"));
        Check.equal("REFUND_TOO_LARGE", e.code());
        paymentService.refund(invoice.number(), Money.of("100.00", "EUR"), "returned");
        Check.equal(InvoiceStatus.REFUNDED, invoice.status());
        Check.that(ledger.balance(Account.REVENUE).isZero(), "revenue is given back");
    }

    void retriesWhileUnavailable() {
        AtomicInteger pauses = new AtomicInteger();
        PaymentGateway gateway = new RetryingGateway(
                new FakeGateway(2), 3, Duration.ofMillis(200), pause -> pauses.incrementAndGet());
        Invoice invoice = issued("10.00");
        Check.equal("tx-1", paymentService(gateway).pay(invoice.number(), CARD));
        Check.equal(2, pauses.get());
    }

    void unsupportedMethodIsDeclined() {
        PaymentMethod debit = new PaymentMethod.DirectDebit("DE89 3704 0044 0532 0130 00", "M-17");
        Check.equal("account DE** 3000", debit.masked());
        Invoice invoice = issued("10.00");
        Check.fails(BillingException.PaymentDeclined.class,
                () -> paymentService(new FakeGateway(0)).pay(invoice.number(), debit));
        Check.equal(InvoiceStatus.ISSUED, invoice.status());
    }

    void reconciliationFindsDifferences() {
        PaymentService paymentService = paymentService(new FakeGateway(0));
        for (String price : List.of("10.00", "20.00", "30.00")) {
            paymentService.pay(issued(price).number(), CARD);
        }
        LocalDate today = LocalDate.now(CLOCK);
        List<SettlementLine> settlement = List.of(
                new SettlementLine("tx-1", Money.of("11.90", "EUR"), today),
                new SettlementLine("tx-2", Money.of("23.00", "EUR"), today),
                new SettlementLine("tx-9", Money.of("1.00", "EUR"), today));
        Map<Problem, Long> summary = ReconciliationService.summary(
                new ReconciliationService(ledger).reconcile(settlement, today, today));
        Check.equal(Map.of(Problem.AMOUNT_DIFFERS, 1L, Problem.MISSING_AT_PROVIDER, 1L,
                Problem.MISSING_IN_LEDGER, 1L), summary);
    }

    private PaymentService paymentService(PaymentGateway gateway) {
        return new PaymentService(invoiceRepository, new GatewayRouter(List.of(gateway)), ledger, CLOCK);
    }

    private Invoice issued(String price) {
        Invoice invoice = invoiceService.draft("c-7", EUR,
                List.of(MoneyAndTaxTest.line("LAMP", 1, price, TaxCategory.STANDARD)));
        return invoiceService.issue(invoice.number(), TaxRegion.GERMANY, null);
    }
}
