/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.domain;

import com.example.shop.billing.support.Checks;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Currency;
import java.util.List;
import java.util.Optional;

/**
 * An invoice with its lines and what has been paid and refunded on it. Not safe for use by several
 * threads: services lock by invoice number.
 */
public final class Invoice {

    /** One position: the price is net, the tax is added by the tax calculator. */
    public record Line(String sku, String description, int quantity, Money unitPrice, TaxCategory category) {
        public Line {
            Checks.notBlank(sku, "sku");
            Checks.notBlank(description, "description");
            Checks.positive(quantity, "quantity");
            Checks.notNull(unitPrice, "unitPrice");
            Checks.notNull(category, "category");
        }

        public Money net() {
            return unitPrice.times(quantity);
        }
    }

    /** What kind of goods a line is, as far as taxes care. */
    public enum TaxCategory { STANDARD, FOOD, BOOKS, DIGITAL, EXEMPT }

    private final String number;
    private final String customerId;
    private final Currency currency;
    private final List<Line> lines = new ArrayList<>();
    private InvoiceStatus status = InvoiceStatus.DRAFT;
    private LocalDate issuedOn;
    private LocalDate dueOn;
    private Money tax;
    private Money paid;
    private Money refunded;

    public Invoice(String number, String customerId, Currency currency) {
        this.number = Checks.notBlank(number, "number");
        this.customerId = Checks.notBlank(customerId, "customerId");
        this.currency = Checks.notNull(currency, "currency");
        this.tax = Money.zero(currency);
        this.paid = Money.zero(currency);
        this.refunded = Money.zero(currency);
    }

    public Invoice addLine(Line line) {
        Checks.notNull(line, "line");
        Checks.state(status == InvoiceStatus.DRAFT, "invoice %s is %s, lines are fixed", number, status);
        if (!line.unitPrice().currency().equals(currency)) {
            throw new IllegalArgumentException("line is in " + line.unitPrice().currency()
                    + ", invoice " + number + " is in " + currency);
        }
        lines.add(line);
        return this;
    }

    /** Fixes the lines and the tax and starts the term of payment. */
    public void issue(Money taxTotal, LocalDate today, int termDays) {
        Checks.notNull(taxTotal, "taxTotal");
        Checks.notNull(today, "today");
        Checks.positive(termDays, "termDays");
        Checks.state(!lines.isEmpty(), "invoice %s has no lines", number);
        moveTo(InvoiceStatus.ISSUED);
        this.tax = taxTotal;
        this.issuedOn = today;
        this.dueOn = today.plusDays(termDays);
    }

    public void recordPayment(Money amount) {
        Checks.notNull(amount, "amount");
        Checks.state(status.isOpen(), "invoice %s is %s, nothing to pay", number, status);
        if (!amount.isPositive()) {
            throw new IllegalArgumentException("payment must be positive: " + amount.format());
        }
        if (amount.compareTo(outstanding()) > 0) {
            throw new IllegalArgumentException("payment " + amount.format() + " exceeds the outstanding "
                    + outstanding().format());
        }
        paid = paid.plus(amount);
        InvoiceStatus next = outstanding().isZero() ? InvoiceStatus.PAID : InvoiceStatus.PARTIALLY_PAID;
        if (next != status) {
            moveTo(next);
        }
    }

    public void recordRefund(Money amount) {
        Checks.notNull(amount, "amount");
        Checks.state(amount.compareTo(refundable()) <= 0, "refund %s exceeds %s", amount.format(), refundable().format());
        refunded = refunded.plus(amount);
        if (refundable().isZero()) {
            moveTo(InvoiceStatus.REFUNDED);
        }
    }

    public void cancel() {
        moveTo(InvoiceStatus.CANCELLED);
    }

    public void writeOff() {
        moveTo(InvoiceStatus.WRITTEN_OFF);
    }

    private void moveTo(InvoiceStatus next) {
        Checks.state(status.canMoveTo(next), "invoice %s cannot move from %s to %s", number, status, next);
        status = next;
    }

    public Money net() {
        return lines.stream().map(Line::net).reduce(Money.zero(currency), Money::plus);
    }

    public Money gross() {
        return net().plus(tax);
    }

    public Money outstanding() {
        return gross().minus(paid);
    }

    public Money refundable() {
        return paid.minus(refunded);
    }

    /** Days since the due date; 0 when nothing is owed or the date has not passed. */
    public long daysOverdue(LocalDate today) {
        Checks.notNull(today, "today");
        if (!status.isOpen() || dueOn == null) {
            return 0;
        }
        return Math.max(0, ChronoUnit.DAYS.between(dueOn, today));
    }

    public String number() {
        return number;
    }

    public String customerId() {
        return customerId;
    }

    public Currency currency() {
        return currency;
    }

    public List<Line> lines() {
        return List.copyOf(lines);
    }

    public InvoiceStatus status() {
        return status;
    }

    public Money tax() {
        return tax;
    }

    public Money paid() {
        return paid;
    }

    public Optional<LocalDate> issuedOn() {
        return Optional.ofNullable(issuedOn);
    }

    public Optional<LocalDate> dueOn() {
        return Optional.ofNullable(dueOn);
    }

    @Override
    public String toString() {
        return "Invoice[" + number + ", " + status + ", " + gross().format() + "]";
    }
}
