/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.service;

import com.example.shop.billing.domain.Invoice;
import com.example.shop.billing.domain.Money;
import com.example.shop.billing.ledger.JournalEntry;
import com.example.shop.billing.ledger.JournalEntry.Account;
import com.example.shop.billing.ledger.Ledger;
import com.example.shop.billing.repository.InvoiceRepository;
import com.example.shop.billing.support.Checks;
import java.time.Clock;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Reminds customers of overdue invoices, step by step, and gives up in the end. */
public final class DunningService {

    private static final Logger LOG = Logger.getLogger(DunningService.class.getName());

    /** How far reminding has gone. */
    public enum Step {
        NONE, FRIENDLY_REMINDER, FIRST_NOTICE, FINAL_NOTICE, WRITE_OFF;

        static Step forDaysOverdue(long days) {
            if (days <= 3) {
                return NONE;
            }
            if (days <= 14) {
                return FRIENDLY_REMINDER;
            }
            if (days <= 30) {
                return FIRST_NOTICE;
            }
            return days <= 90 ? FINAL_NOTICE : WRITE_OFF;
        }
    }

    /** Sends letters; e-mail in production. */
    @FunctionalInterface
    public interface Mailer {
        void send(String customerId, String subject, String body);
    }

    private final InvoiceRepository invoiceRepository;
    private final Ledger ledger;
    private final Mailer mailer;
    private final Clock clock;
    private final Map<String, Step> lastSteps = new ConcurrentHashMap<>();

    public DunningService(InvoiceRepository invoiceRepository, Ledger ledger, Mailer mailer, Clock clock) {
        this.invoiceRepository = Checks.notNull(invoiceRepository, "invoiceRepository");
        this.ledger = Checks.notNull(ledger, "ledger");
        this.mailer = Checks.notNull(mailer, "mailer");
        this.clock = Checks.notNull(clock, "clock");
    }

    /** Runs once a day; returns the numbers of the invoices for which something was done. */
    public Map<Step, List<String>> run() {
        LocalDate today = LocalDate.now(clock);
        Map<Step, List<String>> done = new EnumMap<>(Step.class);
        for (Invoice invoice : invoiceRepository.findOverdue(today)) {
            Step step = Step.forDaysOverdue(invoice.daysOverdue(today));
            Step last = lastSteps.getOrDefault(invoice.number(), Step.NONE);
            if (step.compareTo(last) <= 0) {
                continue;
            }
            try {
                apply(step, invoice, today);
                lastSteps.put(invoice.number(), step);
                done.computeIfAbsent(step, key -> new ArrayList<>()).add(invoice.number());
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "dunning of invoice " + invoice.number() + " failed", e);
            }
        }
        return done;
    }

    private void apply(Step step, Invoice invoice, LocalDate today) {
        switch (step) {
            case NONE -> LOG.log(Level.FINE, "invoice {0} is within its grace period", invoice.number());
            case FRIENDLY_REMINDER, FIRST_NOTICE, FINAL_NOTICE ->
                    mailer.send(invoice.customerId(), subject(step, invoice), body(invoice, today));
            case WRITE_OFF -> writeOff(invoice, today);
        }
    }

    private void writeOff(Invoice invoice, LocalDate today) {
        Money loss = invoice.outstanding();
        invoice.writeOff();
        ledger.post(JournalEntry.builder("write-off:" + invoice.number(), today)
                .debit(Account.BAD_DEBT, loss)
                .credit(Account.RECEIVABLES, loss)
                .build());
        invoiceRepository.save(invoice);
        LOG.log(Level.WARNING, "wrote off {0} of invoice {1}", new Object[] {loss.format(), invoice.number()});
    }

    private static String subject(Step step, Invoice invoice) {
        return switch (step) {
            case FRIENDLY_REMINDER -> "Your invoice " + invoice.number();
            case FIRST_NOTICE -> "Reminder: invoice " + invoice.number() + " is overdue";
            case FINAL_NOTICE -> "Final notice for invoice " + invoice.number();
            default -> throw new IllegalArgumentException("no letter for " + step);
        };
    }

    private static String body(Invoice invoice, LocalDate today) {
        return """
                Dear customer,

                invoice %s was due on %s, which is %d days ago.
                Please transfer %s.
                """.formatted(
                invoice.number(),
                invoice.dueOn().orElseThrow(),
                invoice.daysOverdue(today),
                invoice.outstanding().format());
    }
}
