/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.domain;

import com.example.shop.billing.support.Checks;
import java.math.BigInteger;
import java.time.YearMonth;
import java.util.Locale;

/** How a customer pays. */
public sealed interface PaymentMethod {

    /** Short text for receipts; never the whole number. */
    String masked();

    /** Whether the money arrives at once, or only after days. */
    default boolean settlesAtOnce() {
        return true;
    }

    /** A credit or debit card; only the token of the vault is kept, never the number. */
    record Card(String token, String lastFour, YearMonth expiry) implements PaymentMethod {
        public Card {
            Checks.notBlank(token, "token");
            Checks.notNull(expiry, "expiry");
            if (lastFour == null || !lastFour.matches("\\d{4}")) {
                throw new IllegalArgumentException("lastFour must be four digits");
            }
        }

        public boolean isExpired(YearMonth now) {
            return expiry.isBefore(now);
        }

        @Override
        public String masked() {
            return "card **** " + lastFour;
        }
    }

    /** Direct debit from a bank account. */
    record DirectDebit(String iban, String mandateId) implements PaymentMethod {
        public DirectDebit {
            Checks.notBlank(mandateId, "mandateId");
            iban = Checks.notBlank(iban, "iban").replace(" ", "").toUpperCase(Locale.ROOT);
            if (!isValidIban(iban)) {
                throw new IllegalArgumentException("iban has a wrong check digit");
            }
        }

        static boolean isValidIban(String iban) {
            if (iban.length() < 15 || iban.length() > 34) {
                return false;
            }
            String rearranged = iban.substring(4) + iban.substring(0, 4);
            StringBuilder digits = new StringBuilder();
            for (char c : rearranged.toCharArray()) {
                int value = Character.digit(c, 36);
                if (value < 0) {
                    return false;
                }
                digits.append(value);
            }
            return new BigInteger(digits.toString()).mod(BigInteger.valueOf(97)).intValue() == 1;
        }

        @Override
        public String masked() {
            return "account " + iban.substring(0, 2) + "** " + iban.substring(iban.length() - 4);
        }

        @Override
        public boolean settlesAtOnce() {
            return false;
        }
    }

    /** An account with a wallet provider such as a phone wallet. */
    record Wallet(String provider, String accountId) implements PaymentMethod {
        public Wallet {
            Checks.notBlank(provider, "provider");
            Checks.notBlank(accountId, "accountId");
        }

        @Override
        public String masked() {
            int shown = Math.min(3, accountId.length());
            return provider + " " + accountId.substring(0, shown) + "***";
        }
    }
}
