/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.billing.gateway;

import com.example.shop.billing.domain.Money;
import com.example.shop.billing.domain.PaymentMethod;
import com.example.shop.billing.support.Checks;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Sends a charge to the first gateway that supports the method and is reachable. */
public final class GatewayRouter implements PaymentGateway {

    private static final Logger LOG = Logger.getLogger(GatewayRouter.class.getName());

    private final List<PaymentGateway> gateways;
    private final Map<String, PaymentGateway> gatewayByTransaction = new ConcurrentHashMap<>();

    public GatewayRouter(List<PaymentGateway> gateways) {
        this.gateways = List.copyOf(Checks.notEmpty(gateways, "gateways"));
    }

    @Override
    public boolean supports(PaymentMethod method) {
        return gateways.stream().anyMatch(gateway -> gateway.supports(method));
    }

    @Override
    public Answer charge(Charge charge) {
        Checks.notNull(charge, "charge");
        Answer last = Answer.declined("no gateway supports " + charge.method().masked());
        for (PaymentGateway gateway : gateways) {
            if (!gateway.supports(charge.method())) {
                continue;
            }
            last = gateway.charge(charge);
            if (!last.outcome().isRetryable()) {
                Optional.ofNullable(last.transactionId())
                        .ifPresent(id -> gatewayByTransaction.put(id, gateway));
                return last;
            }
            LOG.log(Level.WARNING, "gateway {0} is unavailable, trying the next one",
                    gateway.getClass().getSimpleName());
        }
        return last;
    }

    @Override
    public Answer refund(String transactionId, Money amount, String idempotencyKey) {
        Checks.notBlank(transactionId, "transactionId");
        return Optional.ofNullable(gatewayByTransaction.get(transactionId))
                .map(gateway -> gateway.refund(transactionId, amount, idempotencyKey))
                .orElseGet(() -> Answer.declined("unknown transaction " + transactionId));
    }
}
