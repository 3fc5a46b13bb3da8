/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.web;

import com.example.shop.billing.domain.Money;
import com.example.shop.billing.domain.PaymentMethod;
import com.example.shop.billing.repository.InvoiceRepository;
import com.example.shop.billing.service.InvoiceService;
import com.example.shop.billing.service.PaymentService;
import com.example.shop.billing.support.BillingException;
import com.example.shop.billing.support.Checks;
import com.example.shop.billing.tax.TaxRegion;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The HTTP face of billing; the server finds the methods by their annotation. */
public final class InvoiceController {

    private static final Logger LOG = Logger.getLogger(InvoiceController.class.getName());

    /** Binds a method to a verb and a path. */
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.METHOD)
    public @interface Route {
        String value();
    }

    public record Response(int status, Object body) {
    }

    public record ErrorDto(String code, String message) {
    }

    private final InvoiceRepository invoiceRepository;
    private final InvoiceService invoiceService;
    private final PaymentService paymentService;

    public InvoiceController(
            InvoiceRepository invoiceRepository, InvoiceService invoiceService, PaymentService paymentService) {
        this.invoiceRepository = Checks.notNull(invoiceRepository, "invoiceRepository");
        this.invoiceService = Checks.notNull(invoiceService, "invoiceService");
        this.paymentService = Checks.notNull(paymentService, "paymentService");
    }

    @Route("GET /invoices/{number}")
    public Response get(String number) {
        return invoiceRepository.findByNumber(number)
                .map(invoice -> new Response(200, InvoiceDto.from(invoice)))
                .orElseGet(() -> new Response(404, new ErrorDto("INVOICE_NOT_FOUND", "no invoice with number " + number)));
    }

    @Route("GET /customers/{customerId}/invoices")
    public Response listByCustomer(String customerId) {
        return handle(() -> invoiceRepository.findByCustomer(customerId).stream().map(InvoiceDto::from).toList());
    }

    @Route("POST /invoices/{number}/issue")
    public Response issue(String number, String countryCode, String vatId) {
        return handle(() -> {
            TaxRegion region = TaxRegion.byCountryCode(countryCode)
                    .orElseThrow(() -> new IllegalArgumentException("unknown country " + countryCode));
            return InvoiceDto.from(invoiceService.issue(number, region, vatId));
        });
    }

    @Route("POST /invoices/{number}/payments")
    public Response pay(String number, PaymentMethod method) {
        return handle(() -> paymentService.pay(number, method));
    }

    @Route("POST /invoices/{number}/refunds")
    public Response refund(String number, String amount, String currency, String reason) {
        return handle(() -> {
            paymentService.refund(number, Money.of(amount, currency), reason);
            return InvoiceDto.from(invoiceRepository.getByNumber(number));
        });
    }

    private static Response handle(Supplier<Object> action) {
        try {
            return new Response(200, action.get());
        } catch (BillingException e) {
            LOG.log(Level.INFO, "request refused: {0}", e.getMessage());
            return new Response(statusOf(e.code()), new ErrorDto(e.code(), e.getMessage()));
        } catch (IllegalArgumentException e) {
            return new Response(400, new ErrorDto("BAD_REQUEST", e.getMessage()));
        } catch (IllegalStateException e) {
            return new Response(409, new ErrorDto("CONFLICT", e.getMessage()));
        }
    }

    private static int statusOf(String code) {
        return switch (code) {
            case "INVOICE_NOT_FOUND" -> 404;
            case "PAYMENT_DECLINED" -> 402;
            case "REFUND_TOO_LARGE" -> 422;
            case "GATEWAY_UNAVAILABLE" -> 503;
            default -> 500;
        };
    }
}
