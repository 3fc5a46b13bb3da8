/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.generated;

import com.example.shop.members.domain.Address;
import com.example.shop.members.domain.Member;
import com.example.shop.members.web.MemberDto;
import com.example.shop.members.web.MemberMapper;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

@Generated(
    value = "org.mapstruct.ap.MappingProcessor",
    date = "2026-01-12T09:41:07+0800",
    comments = "version: 1.0.0, compiler: javac, environment: Java 17 (Example)"
)
public class MemberMapperImpl implements MemberMapper {

    @Override
    public MemberDto toDto(Member member) {
        if ( member == null ) {
            return null;
        }

        MemberDto memberDto = new MemberDto();

        memberDto.setId( member.id() );
        memberDto.setNickname( member.nickname() );
        memberDto.setMobile( member.maskedMobile() );
        memberDto.setEmail( member.email() );
        if ( member.level() != null ) {
            memberDto.setLevelTitle( member.level().title() );
            memberDto.setFreeShipping( member.level().hasFreeShipping() );
        }
        if ( member.registeredAt() != null ) {
            memberDto.setRegisteredAt( DateTimeFormatter.ISO_INSTANT.format( member.registeredAt() ) );
        }
        memberDto.setActive( member.isActive() );

        return memberDto;
    }

    @Override
    public List<MemberDto> toDtos(List<Member> members) {
        if ( members == null ) {
            return null;
        }

        List<MemberDto> list = new ArrayList<MemberDto>( members.size() );
        for ( Member member : members ) {
            list.add( toDto( member ) );
        }

        return list;
    }

    @Override
    public Map<String, Object> toMap(Address address) {
        if ( address == null ) {
            return null;
        }

        Map<String, Object> map = new LinkedHashMap<String, Object>();

        map.put( "id", address.id() );
        map.put( "memberId", address.memberId() );
        map.put( "receiver", address.receiver() );
        map.put( "mobile", address.mobile() );
        map.put( "regionCode", address.regionCode() );
        map.put( "detail", address.detail() );
        map.put( "preferred", address.preferred() );

        return map;
    }

    @Override
    public List<Map<String, Object>> toMaps(List<Address> addresses) {
        if ( addresses == null ) {
            return null;
        }

        List<Map<String, Object>> list = new ArrayList<Map<String, Object>>( addresses.size() );
        for ( Address address : addresses ) {
            list.add( toMap( address ) );
        }

        return list;
    }

    @Override
    public void update(MemberDto source, MemberDto target) {
        if ( source == null ) {
            return;
        }

        if ( source.getId() != null ) {
            target.setId( source.getId() );
        }
        if ( source.getNickname() != null ) {
            target.setNickname( source.getNickname() );
        }
        if ( source.getMobile() != null ) {
            target.setMobile( source.getMobile() );
        }
        if ( source.getEmail() != null ) {
            target.setEmail( source.getEmail() );
        }
        if ( source.getLevelTitle() != null ) {
            target.setLevelTitle( source.getLevelTitle() );
        }
        if ( source.getRegisteredAt() != null ) {
            target.setRegisteredAt( source.getRegisteredAt() );
        }
        target.setActive( source.isActive() );
        target.setFreeShipping( source.isFreeShipping() );
    }
}
