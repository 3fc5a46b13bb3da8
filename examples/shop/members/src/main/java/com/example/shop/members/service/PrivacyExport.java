/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.service;

import com.example.shop.members.domain.Address;
import com.example.shop.members.domain.Member;
import com.example.shop.members.domain.PointsEntry;
import com.example.shop.members.support.Preconditions;
import java.time.Clock;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;

import static com.example.shop.members.support.Clocks.BUSINESS_ZONE;

/** Collects everything that is stored about a member into one JSON document. */
public class PrivacyExport {

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(BUSINESS_ZONE);

    private final MemberService members;
    private final AddressBook addressBook;
    private final PointsService points;
    private final Executor executor;
    private final Clock clock;

    public PrivacyExport(MemberService members, AddressBook addressBook, PointsService points,
            Executor executor, Clock clock) {
        this.members = Preconditions.notNull(members, "members");
        this.addressBook = Preconditions.notNull(addressBook, "addressBook");
        this.points = Preconditions.notNull(points, "points");
        this.executor = Preconditions.notNull(executor, "executor");
        this.clock = Preconditions.notNull(clock, "clock");
    }

    /** Returns the document; addresses and points are read at the same time. */
    public String export(String memberId) {
        Member member = members.get(memberId);
        CompletableFuture<List<Address>> addresses =
                CompletableFuture.supplyAsync(() -> addressBook.list(memberId), executor);
        CompletableFuture<List<PointsEntry>> entries =
                CompletableFuture.supplyAsync(() -> points.entriesOf(memberId), executor);
        try {
            return addresses.thenCombine(entries, (a, e) -> render(member, a, e)).join();
        } catch (CompletionException e) {
            throw new IllegalStateException("export of " + memberId + " failed", e.getCause());
        }
    }

    private String render(Member member, List<Address> addresses, List<PointsEntry> entries) {
        return """
                {
                  "exportedAt": %s,
                  "member": {
                    "id": %s,
                    "nickname": %s,
                    "mobile": %s,
                    "email": %s,
                    "level": %s,
                    "registeredAt": %s
                  },
                  "addresses": [%s],
                  "points": [%s]
                }
                """.formatted(
                quote(TIME.format(clock.instant())),
                quote(member.id()),
                quote(member.nickname()),
                quote(member.mobile()),
                member.emailIfPresent().map(PrivacyExport::quote).orElse("null"),
                quote(member.level().title()),
                quote(TIME.format(member.registeredAt())),
                addresses.stream().map(address -> quote(address.oneLine())).collect(Collectors.joining(", ")),
                entries.stream().map(this::renderEntry).collect(Collectors.joining(", ")));
    }

    private String renderEntry(PointsEntry entry) {
        return "{\"at\": " + quote(TIME.format(entry.at()))
                + ", \"delta\": " + entry.delta()
                + ", \"text\": " + quote(entry.describe()) + "}";
    }

    /** Returns the text as a JSON string. */
    static String quote(String text) {
        StringBuilder out = new StringBuilder(text.length() + 2).append('"');
        for (char ch : text.toCharArray()) {
            switch (ch) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (ch < 0x20) {
                        out.append(String.format("\\u%04x", (int) ch));
                    } else {
                        out.append(ch);
                    }
                }
            }
        }
        return out.append('"').toString();
    }
}
