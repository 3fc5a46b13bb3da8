/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.web;

import com.example.shop.members.domain.Address;
import com.example.shop.members.domain.Member;
import java.util.List;
import java.util.Map;

/** Converts between the domain and what is sent over the wire. The implementation is generated. */
public interface MemberMapper {

    MemberDto toDto(Member member);

    List<MemberDto> toDtos(List<Member> members);

    Map<String, Object> toMap(Address address);

    List<Map<String, Object>> toMaps(List<Address> addresses);

    void update(MemberDto source, MemberDto target);
}
