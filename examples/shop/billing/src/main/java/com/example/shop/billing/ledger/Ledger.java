/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.ledger;

import com.example.shop.billing.domain.Money;
import com.example.shop.billing.ledger.JournalEntry.Account;
import com.example.shop.billing.ledger.JournalEntry.Posting;
import com.example.shop.billing.support.Checks;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Currency;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** The books in one currency. Entries are only ever added; mistakes are corrected by reversal. */
public final class Ledger {

    private final Currency currency;
    private final List<JournalEntry> entries = new ArrayList<>();
    private final Set<String> references = new HashSet<>();
    private final ReadWriteLock lock = new ReentrantReadWriteLock();

    public Ledger(Currency currency) {
        this.currency = Checks.notNull(currency, "currency");
    }

    /** Books the entry; false when its reference has been booked before. */
    public boolean post(JournalEntry entry) {
        Checks.notNull(entry, "entry");
        for (Posting posting : entry.postings()) {
            Checks.state(posting.amount().currency().equals(currency),
                    "entry %s is not in %s", entry.reference(), currency);
        }
        lock.writeLock().lock();
        try {
            if (!references.add(entry.reference())) {
                return false;
            }
            entries.add(entry);
            return true;
        } finally {
            lock.writeLock().unlock();
        }
    }

    public JournalEntry reverse(String reference, LocalDate today) {
        JournalEntry original = entriesWhere(entry -> entry.reference().equals(reference)).stream()
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no entry with reference " + reference));
        JournalEntry.Builder builder = JournalEntry.builder("reversal:" + reference, today);
        original.postings().forEach(posting -> builder.credit(posting.account(), posting.amount()));
        JournalEntry reversal = builder.build();
        post(reversal);
        return reversal;
    }

    /** Balance of an account, positive in its usual direction. */
    public Money balance(Account account) {
        Checks.notNull(account, "account");
        Money sum = entriesWhere(entry -> true).stream()
                .flatMap(entry -> entry.postings().stream())
                .filter(posting -> posting.account() == account)
                .map(Posting::amount)
                .reduce(Money.zero(currency), Money::plus);
        return account.isDebit() ? sum : sum.negate();
    }

    /** Balances at the end of a day, without accounts that have never been used. */
    public Map<Account, Money> trialBalance(LocalDate day) {
        Checks.notNull(day, "day");
        return entriesWhere(entry -> !entry.bookedOn().isAfter(day)).stream()
                .flatMap(entry -> entry.postings().stream())
                .collect(Collectors.groupingBy(
                        Posting::account,
                        () -> new EnumMap<>(Account.class),
                        Collectors.reducing(Money.zero(currency), Posting::amount, Money::plus)));
    }

    public List<JournalEntry> entriesWhere(Predicate<JournalEntry> condition) {
        lock.readLock().lock();
        try {
            return entries.stream().filter(condition).toList();
        } finally {
            lock.readLock().unlock();
        }
    }
}
