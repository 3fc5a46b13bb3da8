/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit;

import java.security.SecureRandom;
import java.time.Clock;
import java.util.function.Supplier;

/** Makers of identifiers. Each maker is safe for use by several threads. */
public final class Ids {

    /** Digits and letters without those that are easily mixed up (0/O, 1/I/L). */
    private static final char[] READABLE = "23456789ABCDEFGHJKMNPQRSTUVWXYZ".toCharArray();

    private static final int SEQUENCE_BITS = 12;
    private static final int NODE_BITS = 10;

    private Ids() {
    }

    /** Random codes for people to type, for example vouchers. */
    public static Supplier<String> readableCodes(int length) {
        Args.between(length, 4, 64, "length");
        SecureRandom random = new SecureRandom();
        return () -> {
            StringBuilder code = new StringBuilder(length);
            for (int i = 0; i < length; i++) {
                code.append(READABLE[random.nextInt(READABLE.length)]);
            }
            return code.toString();
        };
    }

    /** Numbers that grow with time and differ between nodes: 时间戳 + 节点号 + 序列号. */
    public static TimeOrdered timeOrdered(int node, Clock clock) {
        return new TimeOrdered(node, clock);
    }

    public static final class TimeOrdered {

        private final long node;
        private final Clock clock;
        private long lastMillis = -1;
        private long sequence;

        private TimeOrdered(int node, Clock clock) {
            this.node = Args.between(node, 0, (1 << NODE_BITS) - 1, "node");
            this.clock = Args.notNull(clock, "clock");
        }

        public synchronized long next() {
            long now = Math.max(clock.millis(), lastMillis);
            if (now == lastMillis) {
                sequence = (sequence + 1) & ((1L << SEQUENCE_BITS) - 1);
                if (sequence == 0) {
                    now++;
                }
            } else {
                sequence = 0;
            }
            lastMillis = now;
            return (now << (NODE_BITS + SEQUENCE_BITS)) | (node << SEQUENCE_BITS) | sequence;
        }
    }

    /** Appends a check digit (Luhn) to a number so that single typing errors are noticed. */
    public static String withCheckDigit(String digits) {
        return digits + checkDigit(digits);
    }

    public static boolean hasValidCheckDigit(String digits) {
        if (digits.length() < 2) {
            return false;
        }
        int last = digits.length() - 1;
        return digits.charAt(last) - '0' == checkDigit(digits.substring(0, last));
    }

    private static int checkDigit(String digits) {
        int sum = 0;
        boolean doubled = true;
        for (int i = digits.length() - 1; i >= 0; i--) {
            int digit = Character.digit(digits.charAt(i), 10);
            Args.check(digit >= 0, "'%s' is not a number", digits);
            int weighted = doubled ? digit * 2 : digit;
            sum += weighted > 9 ? weighted - 9 : weighted;
            doubled = !doubled;
        }
        return (10 - sum % 10) % 10;
    }
}
