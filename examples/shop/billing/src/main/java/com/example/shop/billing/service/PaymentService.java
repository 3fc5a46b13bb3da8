/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.service;

import com.example.shop.billing.domain.Invoice;
import com.example.shop.billing.domain.Money;
import com.example.shop.billing.domain.PaymentMethod;
import com.example.shop.billing.gateway.PaymentGateway;
import com.example.shop.billing.gateway.PaymentGateway.Answer;
import com.example.shop.billing.gateway.PaymentGateway.Charge;
import com.example.shop.billing.ledger.JournalEntry;
import com.example.shop.billing.ledger.JournalEntry.Account;
import com.example.shop.billing.ledger.Ledger;
import com.example.shop.billing.repository.InvoiceRepository;
import com.example.shop.billing.support.BillingException;
import com.example.shop.billing.support.Checks;
import java.time.Clock;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Takes payments and gives refunds. One invoice is worked on by one thread at a time. */
public final class PaymentService {

    private static final Logger LOG = Logger.getLogger(PaymentService.class.getName());

    /** A finished payment, with what has been given back of it. */
    public record Payment(String transactionId, Money amount, Money refunded) {
        Money refundable() {
            return amount.minus(refunded);
        }
    }

    private final InvoiceRepository invoiceRepository;
    private final PaymentGateway gateway;
    private final Ledger ledger;
    private final Clock clock;
    private final Map<String, ReentrantLock> locks = new ConcurrentHashMap<>();
    private final Map<String, List<Payment>> payments = new ConcurrentHashMap<>();

    public PaymentService(InvoiceRepository invoiceRepository, PaymentGateway gateway, Ledger ledger, Clock clock) {
        this.invoiceRepository = Checks.notNull(invoiceRepository, "invoiceRepository");
        this.gateway = Checks.notNull(gateway, "gateway");
        this.ledger = Checks.notNull(ledger, "ledger");
        this.clock = Checks.notNull(clock, "clock");
    }

    /** Charges what is outstanding and returns the transaction id. */
    public String pay(String number, PaymentMethod method) {
        Checks.notNull(method, "method");
        ReentrantLock lock = lockFor(number);
        lock.lock();
        try {
            Invoice invoice = invoiceRepository.getByNumber(number);
            Money amount = invoice.outstanding();
            Checks.state(invoice.status().isOpen(), "invoice %s is %s, nothing to pay", number, invoice.status());
            String key = number + ":" + paymentsOf(number).size();
            Answer answer = gateway.charge(new Charge(key, number, amount, method));
            switch (answer.outcome()) {
                case APPROVED -> settle(invoice, amount, answer.transactionId());
                case PENDING -> LOG.log(Level.INFO, "payment of invoice {0} is pending", number);
                case DECLINED -> throw new BillingException.PaymentDeclined(number, answer.reason());
                case UNAVAILABLE -> throw new BillingException("GATEWAY_UNAVAILABLE",
                        "no gateway answered for invoice " + number);
            }
            return answer.transactionId();
        } finally {
            lock.unlock();
        }
    }

    /** Gives money back, newest payments first; one refund can span several payments. */
    public void refund(String number, Money amount, String reason) {
        Checks.notNull(amount, "amount");
        Checks.notBlank(reason, "reason");
        ReentrantLock lock = lockFor(number);
        lock.lock();
        try {
            Invoice invoice = invoiceRepository.getByNumber(number);
            if (!amount.isPositive()) {
                throw new IllegalArgumentException("refund must be positive: " + amount.format());
            }
            if (amount.compareTo(invoice.refundable()) > 0) {
                throw new BillingException.RefundTooLarge(number, amount.format(), invoice.refundable().format());
            }
            List<Payment> list = paymentsOf(number);
            Money rest = amount;
            for (int i = list.size() - 1; i >= 0 && rest.isPositive(); i--) {
                Payment payment = list.get(i);
                Money part = rest.min(payment.refundable());
                if (!part.isPositive()) {
                    continue;
                }
                refundPart(invoice, payment, part);
                list.set(i, new Payment(payment.transactionId(), payment.amount(), payment.refunded().plus(part)));
                rest = rest.minus(part);
            }
            invoiceRepository.save(invoice);
            LOG.log(Level.INFO, "refunded {0} on invoice {1}: {2}", new Object[] {amount.format(), number, reason});
        } finally {
            lock.unlock();
        }
    }

    public Optional<Payment> lastPayment(String number) {
        List<Payment> list = paymentsOf(number);
        return list.isEmpty() ? Optional.empty() : Optional.of(list.get(list.size() - 1));
    }

    private void settle(Invoice invoice, Money amount, String transactionId) {
        invoice.recordPayment(amount);
        paymentsOf(invoice.number()).add(new Payment(transactionId, amount, Money.zero(amount.currency())));
        ledger.post(JournalEntry.builder("payment:" + transactionId, LocalDate.now(clock))
                .debit(Account.BANK, amount)
                .credit(Account.RECEIVABLES, amount)
                .build());
        invoiceRepository.save(invoice);
        LOG.log(Level.INFO, "invoice {0} is {1}", new Object[] {invoice.number(), invoice.status()});
    }

    private void refundPart(Invoice invoice, Payment payment, Money part) {
        String key = payment.transactionId() + ":" + payment.refunded().amount().toPlainString();
        Answer answer = gateway.refund(payment.transactionId(), part, key);
        if (!answer.isApproved()) {
            throw new BillingException("REFUND_FAILED",
                    "refund on transaction " + payment.transactionId() + " failed: " + answer.reason());
        }
        Money refundedBefore = invoice.paid().minus(invoice.refundable());
        invoice.recordRefund(part);
        // Shares of the running total, so that many small refunds do not round away from one large one.
        Money tax = taxShare(invoice, refundedBefore.plus(part)).minus(taxShare(invoice, refundedBefore));
        ledger.post(JournalEntry.builder("refund:" + key, LocalDate.now(clock))
                .debit(Account.REVENUE, part.minus(tax))
                .debit(Account.TAX_PAYABLE, tax)
                .credit(Account.BANK, part)
                .build());
    }

    private static Money taxShare(Invoice invoice, Money refunded) {
        return refunded.allocate(
                invoice.net().amount().unscaledValue().intValueExact(),
                invoice.tax().amount().unscaledValue().intValueExact()).get(1);
    }

    private List<Payment> paymentsOf(String number) {
        return payments.computeIfAbsent(number, key -> new ArrayList<>());
    }

    private ReentrantLock lockFor(String number) {
        return locks.computeIfAbsent(Checks.notBlank(number, "number"), key -> new ReentrantLock());
    }
}
