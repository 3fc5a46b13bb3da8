/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.service;

import com.example.shop.members.MemberException;
import com.example.shop.members.domain.Member;
import com.example.shop.members.domain.PointsEntry;
import com.example.shop.members.repository.Repository;
import com.example.shop.members.support.Preconditions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

import static com.example.shop.members.support.Clocks.BUSINESS_ZONE;

/** Keeps the points ledger of every member. */
public class PointsService {

    private static final Logger LOG = Logger.getLogger(PointsService.class.getName());
    private static final Duration LIFETIME = Duration.ofDays(365);

    private final Repository<String, PointsEntry> ledger;
    private final Clock clock;
    private final Map<String, Object> locks = new ConcurrentHashMap<>();

    public PointsService(Repository<String, PointsEntry> ledger, Clock clock) {
        this.ledger = Preconditions.notNull(ledger, "ledger");
        this.clock = Preconditions.notNull(clock, "clock");
    }

    /** Books the points for a paid order. Booking the same order twice has no effect. */
    public long earn(Member member, String orderNo, long amountInCents) {
        Preconditions.notNull(member, "member");
        Preconditions.notBlank(orderNo, "orderNo");
        long points = member.level().pointsFor(amountInCents);
        if (points == 0) {
            return balance(member.id());
        }
        synchronized (lockOf(member.id())) {
            String entryId = "E-" + orderNo;
            Instant now = clock.instant();
            boolean booked = ledger.insert(
                    new PointsEntry.Earned(entryId, member.id(), now, points, orderNo, now.plus(LIFETIME)));
            if (!booked) {
                LOG.log(Level.INFO, "points for order {0} were booked before", orderNo);
            }
            return balance(member.id());
        }
    }

    /** Pays for an order with points and returns the points that are left. */
    public long spend(Member member, String orderNo, long points) {
        Preconditions.notNull(member, "member");
        Preconditions.positive(points, "points");
        Preconditions.state(member.isActive(), "member " + member.id() + " is not active");
        synchronized (lockOf(member.id())) {
            long balance = balance(member.id());
            if (balance < points) {
                throw new MemberException(MemberException.Code.NOT_ENOUGH_POINTS,
                        "积分不足：需要 " + points + "，可用 " + balance);
            }
            ledger.save(new PointsEntry.Spent("S-" + orderNo, member.id(), clock.instant(), points, orderNo));
            return balance - points;
        }
    }

    /** Corrects a balance by hand. */
    public long adjust(String memberId, long delta, String operator, String reason) {
        synchronized (lockOf(memberId)) {
            long after = balance(memberId) + delta;
            Preconditions.notNegative(after, "balance after the adjustment");
            ledger.save(new PointsEntry.Adjusted(
                    "A-" + UUID.randomUUID(), memberId, clock.instant(), delta, operator, reason));
            LOG.log(Level.WARNING, "{0} adjusted the points of {1} by {2}: {3}",
                    new Object[] {operator, memberId, delta, reason});
            return after;
        }
    }

    /** Returns the points that the member can use now. */
    public long balance(String memberId) {
        return entriesOf(memberId).stream().mapToLong(PointsEntry::delta).sum();
    }

    /**
     * Writes off the points whose lifetime has passed. Points are used in the order in which they
     * were earned, so only what has not been spent meanwhile is lost.
     *
     * @return the number of points written off
     */
    public long expire(String memberId) {
        synchronized (lockOf(memberId)) {
            Instant now = clock.instant();
            List<PointsEntry> entries = entriesOf(memberId);
            long overdue = entries.stream()
                    .filter(PointsEntry.Earned.class::isInstance)
                    .map(PointsEntry.Earned.class::cast)
                    .filter(earned -> !earned.expiresAt().isAfter(now))
                    .mapToLong(PointsEntry.Earned::points)
                    .sum();
            long used = -entries.stream().mapToLong(PointsEntry::delta).filter(delta -> delta < 0).sum();
            long lost = Math.max(0, overdue - used);
            if (lost > 0) {
                ledger.save(new PointsEntry.Expired("X-" + UUID.randomUUID(), memberId, now, lost));
            }
            return lost;
        }
    }

    /** Returns the member's entries, oldest first. */
    public List<PointsEntry> entriesOf(String memberId) {
        Preconditions.notBlank(memberId, "memberId");
        return ledger.findAll(entry -> entry.memberId().equals(memberId)).stream()
                .sorted(Comparator.comparing(PointsEntry::at))
                .toList();
    }

    /** Returns the change of the balance per month. */
    public Map<YearMonth, Long> monthlyStatement(String memberId) {
        return entriesOf(memberId).stream()
                .collect(Collectors.groupingBy(
                        entry -> YearMonth.from(entry.at().atZone(BUSINESS_ZONE)),
                        TreeMap::new,
                        Collectors.summingLong(PointsEntry::delta)));
    }

    private Object lockOf(String memberId) {
        return locks.computeIfAbsent(memberId, id -> new Object());
    }
}
