/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.domain;

import java.util.List;

/** Base of everything that the order service refuses to do; the code decides the HTTP status. */
public class OrderException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public enum Code {
        NOT_FOUND(404), INVALID(422), ILLEGAL_TRANSITION(409), CONFLICT(409), OUT_OF_STOCK(409), FORBIDDEN(403);

        private final int httpStatus;

        Code(int httpStatus) {
            this.httpStatus = httpStatus;
        }

        public int httpStatus() {
            return httpStatus;
        }
    }

    private final Code code;

    public OrderException(Code code, String message) {
        super(message);
        this.code = code;
    }

    public Code code() {
        return code;
    }

    public static OrderException notFound(String orderId) {
        return new OrderException(Code.NOT_FOUND, "订单不存在: " + orderId);
    }

    public static OrderException conflict(String orderId, long expected, long actual) {
        return new OrderException(Code.CONFLICT, String.format(
                "order %s was changed by someone else: expected version %d but found %d", orderId, expected, actual));
    }

    /** Carries every violation that the validator found, not only the first one. */
    public static final class InvalidOrder extends OrderException {

        private static final long serialVersionUID = 1L;

        private final transient List<String> violations;

        public InvalidOrder(List<String> violations) {
            super(Code.INVALID, String.join("; ", violations));
            this.violations = List.copyOf(violations);
        }

        public List<String> violations() {
            return violations;
        }
    }

    public static final class OutOfStock extends OrderException {

        private static final long serialVersionUID = 1L;

        private final String sku;
        private final int missing;

        public OutOfStock(String sku, int missing) {
            super(Code.OUT_OF_STOCK, "库存不足: " + sku + "，缺少 " + missing + " 件");
            this.sku = sku;
            this.missing = missing;
        }

        public String sku() {
            return sku;
        }

        public int missing() {
            return missing;
        }
    }
}
