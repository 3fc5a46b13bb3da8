/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.domain;

import com.example.shop.members.support.Preconditions;
import java.time.Instant;

/** One line of a member's points ledger. A ledger is only ever appended to. */
public sealed interface PointsEntry
        permits PointsEntry.Earned, PointsEntry.Spent, PointsEntry.Expired, PointsEntry.Adjusted {

    /** Returns the number under which the entry can be found again. */
    String entryId();

    /** Returns the member whose ledger holds the entry. */
    String memberId();

    /** Returns when the entry was written. */
    Instant at();

    /** Returns the change of the balance; it is negative for points that were used. */
    long delta();

    /** Points earned with an order. */
    record Earned(String entryId, String memberId, Instant at, long points, String orderNo, Instant expiresAt)
            implements PointsEntry {
        public Earned {
            Preconditions.positive(points, "points");
            Preconditions.notBlank(orderNo, "orderNo");
            if (!expiresAt.isAfter(at)) {
                throw new IllegalArgumentException("expiresAt must be after at");
            }
        }

        @Override
        public long delta() {
            return points;
        }
    }

    /** Points used to pay for an order. */
    record Spent(String entryId, String memberId, Instant at, long points, String orderNo)
            implements PointsEntry {
        public Spent {
            Preconditions.positive(points, "points");
            Preconditions.notBlank(orderNo, "orderNo");
        }

        @Override
        public long delta() {
            return -points;
        }
    }

    /** Points that were not used in time. */
    record Expired(String entryId, String memberId, Instant at, long points) implements PointsEntry {
        public Expired {
            Preconditions.positive(points, "points");
        }

        @Override
        public long delta() {
            return -points;
        }
    }

    /** A correction by customer service. */
    record Adjusted(String entryId, String memberId, Instant at, long delta, String operator, String reason)
            implements PointsEntry {
        public Adjusted {
            Preconditions.notBlank(operator, "operator");
            Preconditions.maxLength(Preconditions.notBlank(reason, "reason"), 200, "reason");
        }
    }

    /** Returns the text shown to the member. */
    default String describe() {
        if (this instanceof Earned earned) {
            return "订单 " + earned.orderNo() + " 获得积分";
        }
        if (this instanceof Spent spent) {
            return "订单 " + spent.orderNo() + " 抵扣积分";
        }
        if (this instanceof Adjusted adjusted) {
            return "客服调整：" + adjusted.reason();
        }
        return "积分过期";
    }
}
