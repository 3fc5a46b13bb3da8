/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.service;

import com.example.shop.members.MemberException;
import com.example.shop.members.domain.Address;
import com.example.shop.members.repository.Repository;
import com.example.shop.members.support.Preconditions;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** The delivery addresses of the members. At most one address per member is the preferred one. */
public class AddressBook {

    private static final int MAX_ADDRESSES = 20;

    private final Repository<String, Address> addresses;

    public AddressBook(Repository<String, Address> addresses) {
        this.addresses = Preconditions.notNull(addresses, "addresses");
    }

    /** Adds an address; a member's first address becomes the preferred one. */
    public synchronized Address add(String memberId, String receiver, String mobile,
            String regionCode, String detail) {
        List<Address> existing = list(memberId);
        if (existing.size() >= MAX_ADDRESSES) {
            throw new MemberException(MemberException.Code.INVALID_ARGUMENT,
                    "收货地址最多 " + MAX_ADDRESSES + " 个");
        }
        Address address = new Address(UUID.randomUUID().toString(), memberId, receiver, mobile,
                regionCode, detail, existing.isEmpty());
        return addresses.save(address);
    }

    /** Makes one address the preferred one, and all others not. */
    public synchronized void prefer(String memberId, String addressId) {
        require(memberId, addressId);
        for (Address address : list(memberId)) {
            addresses.save(address.withPreferred(address.id().equals(addressId)));
        }
    }

    /** Removes an address. If it was the preferred one, the next one takes its place. */
    public synchronized void remove(String memberId, String addressId) {
        Address removed = require(memberId, addressId);
        addresses.deleteById(addressId);
        if (removed.preferred()) {
            list(memberId).stream()
                    .findFirst()
                    .ifPresent(address -> addresses.save(address.withPreferred(true)));
        }
    }

    /** Returns the member's addresses, the preferred one first. */
    public List<Address> list(String memberId) {
        Preconditions.notBlank(memberId, "memberId");
        return addresses.findAll(address -> address.memberId().equals(memberId)).stream()
                .sorted(Comparator.comparing(Address::preferred).reversed())
                .toList();
    }

    /** Returns the preferred address. */
    public Optional<Address> preferred(String memberId) {
        return list(memberId).stream().filter(Address::preferred).findFirst();
    }

    private Address require(String memberId, String addressId) {
        return addresses.findById(addressId)
                .filter(address -> address.memberId().equals(memberId))
                .orElseThrow(() -> new MemberException(
                        MemberException.Code.NOT_FOUND, "收货地址不存在：" + addressId));
    }
}
