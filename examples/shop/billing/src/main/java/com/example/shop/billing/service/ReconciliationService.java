/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.service;

import com.example.shop.billing.domain.Money;
import com.example.shop.billing.ledger.JournalEntry;
import com.example.shop.billing.ledger.JournalEntry.Account;
import com.example.shop.billing.ledger.Ledger;
import com.example.shop.billing.support.Checks;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

/** Compares what the provider says it has paid out with what the ledger says it received. */
public final class ReconciliationService {

    private static final Logger LOG = Logger.getLogger(ReconciliationService.class.getName());
    private static final String PAYMENT_PREFIX = "payment:";

    /** A line of the provider's settlement file. */
    public record SettlementLine(String transactionId, Money amount, LocalDate valueDate) {
        public SettlementLine {
            Checks.notBlank(transactionId, "transactionId");
            Checks.notNull(amount, "amount");
            Checks.notNull(valueDate, "valueDate");
        }
    }

    public enum Problem { MISSING_IN_LEDGER, MISSING_AT_PROVIDER, AMOUNT_DIFFERS, DUPLICATE }

    public record Finding(String transactionId, Problem problem, String detail) {
    }

    private final Ledger ledger;

    public ReconciliationService(Ledger ledger) {
        this.ledger = Checks.notNull(ledger, "ledger");
    }

    /** Findings by transaction id; an empty list says that both sides agree. */
    public List<Finding> reconcile(List<SettlementLine> settlement, LocalDate from, LocalDate to) {
        Checks.notNull(settlement, "settlement");
        Checks.state(!to.isBefore(from), "period %s to %s is empty", from, to);
        List<Finding> findings = new ArrayList<>();
        Map<String, Money> atProvider = new LinkedHashMap<>();
        for (SettlementLine line : settlement) {
            Money previous = atProvider.putIfAbsent(line.transactionId(), line.amount());
            if (previous != null) {
                findings.add(new Finding(line.transactionId(), Problem.DUPLICATE, "settled again on " + line.valueDate()));
            }
        }
        Map<String, Money> inLedger = bankReceipts(from, to);
        inLedger.forEach((transactionId, booked) -> {
            Money settled = atProvider.get(transactionId);
            if (settled == null) {
                findings.add(new Finding(transactionId, Problem.MISSING_AT_PROVIDER, "booked " + booked.format()));
            } else if (settled.compareTo(booked) != 0) {
                findings.add(new Finding(transactionId, Problem.AMOUNT_DIFFERS,
                        "booked " + booked.format() + ", settled " + settled.format()));
            }
        });
        atProvider.forEach((transactionId, settled) -> {
            if (!inLedger.containsKey(transactionId)) {
                findings.add(new Finding(transactionId, Problem.MISSING_IN_LEDGER, "settled " + settled.format()));
            }
        });
        findings.sort(Comparator.comparing(Finding::transactionId).thenComparing(Finding::problem));
        LOG.log(Level.INFO, "reconciled {0} lines with {1} findings", new Object[] {settlement.size(), findings.size()});
        return findings;
    }

    public static Map<Problem, Long> summary(List<Finding> findings) {
        return findings.stream().collect(Collectors.groupingBy(Finding::problem, Collectors.counting()));
    }

    private Map<String, Money> bankReceipts(LocalDate from, LocalDate to) {
        return ledger.entriesWhere(entry -> entry.reference().startsWith(PAYMENT_PREFIX)
                        && !entry.bookedOn().isBefore(from)
                        && !entry.bookedOn().isAfter(to))
                .stream()
                .collect(Collectors.toMap(
                        entry -> entry.reference().substring(PAYMENT_PREFIX.length()),
                        ReconciliationService::bankAmount));
    }

    private static Money bankAmount(JournalEntry entry) {
        return entry.postings().stream()
                .filter(posting -> posting.account() == Account.BANK)
                .map(JournalEntry.Posting::amount)
                .reduce(Money::plus)
                .orElseThrow(() -> new IllegalStateException("entry " + entry.reference() + " has no bank posting"));
    }
}
