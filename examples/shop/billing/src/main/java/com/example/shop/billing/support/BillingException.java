/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.support;

/** Root of what billing reports to its callers; the code is part of the API. */
public class BillingException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String code;

    public BillingException(String code, String message) {
        super(message);
        this.code = Checks.notBlank(code, "code");
    }

    public BillingException(String code, String message, Throwable cause) {
        super(message, cause);
        this.code = Checks.notBlank(code, "code");
    }

    public String code() {
        return code;
    }

    /** There is no invoice with the given number. */
    public static final class InvoiceNotFound extends BillingException {
        private static final long serialVersionUID = 1L;

        public InvoiceNotFound(String invoiceNumber) {
            super("INVOICE_NOT_FOUND", "no invoice with number " + invoiceNumber);
        }
    }

    /** The provider refused the payment; trying again does not help. */
    public static final class PaymentDeclined extends BillingException {
        private static final long serialVersionUID = 1L;

        public PaymentDeclined(String invoiceNumber, String reason) {
            super("PAYMENT_DECLINED", "payment of invoice " + invoiceNumber + " was declined: " + reason);
        }
    }

    /** The refund is larger than what has been paid and not yet given back. */
    public static final class RefundTooLarge extends BillingException {
        private static final long serialVersionUID = 1L;

        public RefundTooLarge(String invoiceNumber, String requested, String refundable) {
            super("REFUND_TOO_LARGE", "cannot refund " + requested + " on invoice " + invoiceNumber
                    + ", at most " + refundable + " is refundable");
        }
    }

    /** Debits and credits of a journal entry differ. */
    public static final class UnbalancedEntry extends BillingException {
        private static final long serialVersionUID = 1L;

        public UnbalancedEntry(String reference, String difference) {
            super("UNBALANCED_ENTRY", "journal entry " + reference + " is off by " + difference);
        }
    }
}
