/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.ledger;

import com.example.shop.billing.domain.Money;
import com.example.shop.billing.support.BillingException;
import com.example.shop.billing.support.Checks;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;

/** One booking: debits and credits that cancel out. */
public record JournalEntry(String reference, LocalDate bookedOn, List<Posting> postings) {

    /** Accounts of the shop; debit accounts grow by debits, the others by credits. */
    public enum Account {
        RECEIVABLES(true),
        BANK(true),
        ROUNDING(true),
        BAD_DEBT(true),
        REVENUE(false),
        TAX_PAYABLE(false);

        private final boolean debit;

        Account(boolean debit) {
            this.debit = debit;
        }

        public boolean isDebit() {
            return debit;
        }
    }

    /** One side of a booking: positive amounts are debits, negative ones credits. */
    public record Posting(Account account, Money amount) {
        public Posting {
            Checks.notNull(account, "account");
            Checks.notNull(amount, "amount");
        }
    }

    public JournalEntry {
        Checks.notBlank(reference, "reference");
        Checks.notNull(bookedOn, "bookedOn");
        postings = List.copyOf(Checks.notEmpty(postings, "postings"));
        Money sum = postings.stream()
                .map(Posting::amount)
                .reduce(Money::plus)
                .orElseThrow();
        if (!sum.isZero()) {
            throw new BillingException.UnbalancedEntry(reference, sum.format());
        }
    }

    public static Builder builder(String reference, LocalDate bookedOn) {
        return new Builder(reference, bookedOn);
    }

    /** Collects postings; zero amounts are left out. */
    public static final class Builder {
        private final String reference;
        private final LocalDate bookedOn;
        private final List<Posting> postings = new ArrayList<>();

        private Builder(String reference, LocalDate bookedOn) {
            this.reference = reference;
            this.bookedOn = bookedOn;
        }

        public Builder debit(Account account, Money amount) {
            if (!amount.isZero()) {
                postings.add(new Posting(account, amount));
            }
            return this;
        }

        public Builder credit(Account account, Money amount) {
            return debit(account, amount.negate());
        }

        public JournalEntry build() {
            return new JournalEntry(reference, bookedOn, postings);
        }
    }
}
