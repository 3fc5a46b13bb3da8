/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.service;

import com.example.shop.members.MemberException;
import com.example.shop.members.domain.Member;
import com.example.shop.members.domain.MemberLevel;
import com.example.shop.members.domain.Page;
import com.example.shop.members.repository.Repository;
import com.example.shop.members.support.Preconditions;
import java.time.Clock;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

/** 会员的注册、查询与账号状态管理。 */
public class MemberService {

    private static final Logger LOG = Logger.getLogger(MemberService.class.getName());

    private final Repository<String, Member> members;
    private final PasswordPolicy passwordPolicy;
    private final Clock clock;
    private final AtomicLong sequence = new AtomicLong();

    public MemberService(Repository<String, Member> members, PasswordPolicy passwordPolicy, Clock clock) {
        this.members = Preconditions.notNull(members, "members");
        this.passwordPolicy = Preconditions.notNull(passwordPolicy, "passwordPolicy");
        this.clock = Preconditions.notNull(clock, "clock");
    }

    /**
     * 注册新会员。
     *
     * @throws MemberException 手机号已被注册，或者密码不符合要求
     */
    public synchronized Member register(String nickname, String mobile, String email, String password) {
        String normalized = Preconditions.mobile(mobile, "mobile");
        boolean taken = members.findFirst(member -> member.mobile().equals(normalized)
                        && member.status() != Member.Status.CLOSED)
                .isPresent();
        if (taken) {
            throw new MemberException(MemberException.Code.ALREADY_EXISTS, "该手机号已注册");
        }
        requireGoodPassword(password, normalized);
        String id = String.format("M%08d", sequence.incrementAndGet());
        Member member = new Member(id, nickname.strip(), normalized, email, passwordPolicy.hash(password),
                MemberLevel.REGULAR, Member.Status.ACTIVE, clock.instant());
        if (!members.insert(member)) {
            throw new MemberException(MemberException.Code.ALREADY_EXISTS, "会员编号重复：" + id);
        }
        LOG.log(Level.INFO, "新会员注册成功：{0}", member);
        return member;
    }

    /** 按编号查询会员，不存在时抛出异常。 */
    public Member get(String memberId) {
        Preconditions.notBlank(memberId, "memberId");
        return members.findById(memberId).orElseThrow(() -> MemberException.notFound(memberId));
    }

    /** 按昵称关键字分页查询，最近注册的排在最前面。 */
    public Page<Member> search(String keyword, int page, int size) {
        List<Member> found = members.findAll(member -> keyword == null || member.nickname().contains(keyword))
                .stream()
                .sorted(Comparator.comparing(Member::registeredAt).reversed().thenComparing(Member::id))
                .toList();
        return Page.of(found, page, size);
    }

    /** 修改密码，必须提供正确的旧密码。 */
    public Member changePassword(String memberId, String oldPassword, String newPassword) {
        Member member = get(memberId);
        if (!passwordPolicy.verify(oldPassword, member.passwordHash())) {
            throw new MemberException(MemberException.Code.LOGIN_FAILED, "旧密码不正确");
        }
        requireGoodPassword(newPassword, member.mobile());
        LOG.log(Level.INFO, "会员 {0} 修改了密码", memberId);
        return members.save(member.withPasswordHash(passwordPolicy.hash(newPassword)));
    }

    /** 冻结会员账号。 */
    public Member freeze(String memberId, String reason) {
        Member frozen = get(memberId).withStatus(Member.Status.FROZEN);
        LOG.log(Level.WARNING, "会员 {0} 被冻结，原因：{1}", new Object[] {memberId, reason});
        return members.save(frozen);
    }

    /** 按照成长值重新计算等级，返回更新后的会员。 */
    public Member refreshLevel(String memberId, long growth) {
        Preconditions.notNegative(growth, "growth");
        Member member = get(memberId);
        MemberLevel level = MemberLevel.forGrowth(growth);
        if (level == member.level()) {
            return member;
        }
        LOG.log(Level.INFO, "会员 {0} 等级变更：{1} -> {2}",
                new Object[] {memberId, member.level().title(), level.title()});
        return members.save(member.withLevel(level));
    }

    /** 统计每个等级的有效会员数。 */
    public Map<MemberLevel, Long> countByLevel() {
        return members.findAll(Member::isActive).stream()
                .collect(Collectors.groupingBy(Member::level,
                        () -> new EnumMap<>(MemberLevel.class), Collectors.counting()));
    }

    private void requireGoodPassword(String password, String mobile) {
        List<String> problems = passwordPolicy.violations(password, mobile);
        if (!problems.isEmpty()) {
            throw new MemberException(MemberException.Code.INVALID_ARGUMENT, String.join("；", problems));
        }
    }
}
