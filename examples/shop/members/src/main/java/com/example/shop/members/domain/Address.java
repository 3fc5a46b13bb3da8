/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.domain;

import com.example.shop.members.data.RegionCodes;
import com.example.shop.members.support.Preconditions;
import java.util.regex.Pattern;

/** A delivery address in a member's address book. */
public record Address(
        String id,
        String memberId,
        String receiver,
        String mobile,
        String regionCode,
        String detail,
        boolean preferred) {

    private static final Pattern REGION = Pattern.compile("\\d{6}");

    public Address {
        Preconditions.notBlank(id, "id");
        Preconditions.notBlank(memberId, "memberId");
        Preconditions.maxLength(Preconditions.notBlank(receiver, "receiver"), 30, "receiver");
        mobile = Preconditions.mobile(mobile, "mobile");
        Preconditions.matches(regionCode, REGION, "regionCode");
        Preconditions.maxLength(Preconditions.notBlank(detail, "detail"), 120, "detail");
    }

    /** Returns the same address, marked or not marked as the preferred one. */
    public Address withPreferred(boolean value) {
        return value == preferred
                ? this
                : new Address(id, memberId, receiver, mobile, regionCode, detail, value);
    }

    /** Returns the address on one line, with the name of the region if it is known. */
    public String oneLine() {
        String region = RegionCodes.nameOf(regionCode).orElse(regionCode);
        return region + " " + detail + "（" + receiver + " 收）";
    }
}
