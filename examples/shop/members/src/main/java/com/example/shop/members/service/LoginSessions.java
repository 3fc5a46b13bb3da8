/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.service;

import com.example.shop.members.MemberException;
import com.example.shop.members.domain.Member;
import com.example.shop.members.repository.Repository;
import com.example.shop.members.support.Clocks;
import com.example.shop.members.support.Preconditions;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.logging.Level;
import java.util.logging.Logger;

/** 登录会话：密码登录、连续失败锁定、会话续期与登出。 */
public class LoginSessions {

    /** 登录会话。 */
    public record Session(String token, String memberId, Instant expiresAt) {
    }

    private record Failures(int count, Instant lockedUntil) {
    }

    private static final Logger LOG = Logger.getLogger(LoginSessions.class.getName());
    private static final int MAX_FAILURES = 5;
    private static final Duration LOCK_TIME = Duration.ofMinutes(15);
    private static final Duration SESSION_TIME = Duration.ofHours(2);

    private final Repository<String, Member> members;
    private final PasswordPolicy passwordPolicy;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();
    private final ConcurrentMap<String, Session> sessions = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, Failures> failures = new ConcurrentHashMap<>();

    public LoginSessions(Repository<String, Member> members, PasswordPolicy passwordPolicy, Clock clock) {
        this.members = Preconditions.notNull(members, "members");
        this.passwordPolicy = Preconditions.notNull(passwordPolicy, "passwordPolicy");
        this.clock = Preconditions.notNull(clock, "clock");
    }

    /** 用手机号和密码登录。无论哪一项出错，都返回同样的提示，避免泄露手机号是否注册。 */
    public Session login(String mobile, String password) {
        String normalized = Preconditions.mobile(mobile, "mobile");
        requireNotLocked(normalized);
        Optional<Member> member = members.findFirst(
                candidate -> candidate.mobile().equals(normalized) && candidate.isActive());
        if (member.filter(found -> passwordPolicy.verify(password, found.passwordHash())).isEmpty()) {
            recordFailure(normalized);
            throw new MemberException(MemberException.Code.LOGIN_FAILED, "手机号或密码不正确");
        }
        failures.remove(normalized);
        Session session = new Session(newToken(), member.get().id(), clock.instant().plus(SESSION_TIME));
        sessions.put(session.token(), session);
        return session;
    }

    /** 校验会话并自动续期；会话不存在或已过期时返回空。 */
    public Optional<Session> touch(String token) {
        if (token == null) {
            return Optional.empty();
        }
        Session renewed = sessions.computeIfPresent(token, (key, session) ->
                Clocks.isPast(clock, session.expiresAt())
                        ? null
                        : new Session(key, session.memberId(), clock.instant().plus(SESSION_TIME)));
        return Optional.ofNullable(renewed);
    }

    /** 登出当前会话。 */
    public boolean logout(String token) {
        return sessions.remove(token) != null;
    }

    /** 让某个会员的所有会话失效，例如修改密码之后。 */
    public int logoutAll(String memberId) {
        int before = sessions.size();
        sessions.values().removeIf(session -> session.memberId().equals(memberId));
        return before - sessions.size();
    }

    /** 清理过期会话，由定时任务调用。 */
    public int purgeExpired() {
        int before = sessions.size();
        sessions.values().removeIf(session -> Clocks.isPast(clock, session.expiresAt()));
        return before - sessions.size();
    }

    private void requireNotLocked(String mobile) {
        Failures failed = failures.get(mobile);
        if (failed != null && failed.lockedUntil() != null && !Clocks.isPast(clock, failed.lockedUntil())) {
            throw new MemberException(MemberException.Code.LOCKED, "失败次数过多，请稍后再试");
        }
    }

    private void recordFailure(String mobile) {
        Failures failed = failures.compute(mobile, (key, old) -> {
            int count = old == null || old.lockedUntil() != null ? 1 : old.count() + 1;
            return new Failures(count, count >= MAX_FAILURES ? clock.instant().plus(LOCK_TIME) : null);
        });
        if (failed.lockedUntil() != null) {
            LOG.log(Level.WARNING, "手机尾号 {0} 连续登录失败，锁定到 {1}",
                    new Object[] {mobile.substring(7), failed.lockedUntil()});
        }
    }

    private String newToken() {
        byte[] bytes = new byte[24];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
