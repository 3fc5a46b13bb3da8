/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.domain;

import com.example.shop.members.support.Preconditions;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * 会员。实例不可变，所有修改方法都返回新的对象。
 *
 * @param id 会员编号，例如 {@code M00000042}
 * @param nickname 昵称，最多 20 个字符
 * @param mobile 手机号，11 位数字
 * @param email 邮箱，可以为空
 * @param passwordHash 加盐后的密码摘要
 * @param level 当前等级
 * @param status 账号状态
 * @param registeredAt 注册时间
 */
public record Member(
        String id,
        String nickname,
        String mobile,
        String email,
        String passwordHash,
        MemberLevel level,
        Status status,
        Instant registeredAt) {

    /** 账号状态。 */
    public enum Status {
        /** 正常使用。 */
        ACTIVE,
        /** 因风控被冻结，不能登录，也不能使用积分。 */
        FROZEN,
        /** 会员本人已注销。 */
        CLOSED
    }

    public Member {
        Preconditions.notBlank(id, "id");
        Preconditions.maxLength(Preconditions.notBlank(nickname, "nickname"), 20, "nickname");
        mobile = Preconditions.mobile(mobile, "mobile");
        Preconditions.notBlank(passwordHash, "passwordHash");
        Objects.requireNonNull(level, "level");
        Objects.requireNonNull(status, "status");
        Objects.requireNonNull(registeredAt, "registeredAt");
    }

    /** 返回邮箱；会员没有填写时返回空。 */
    public Optional<String> emailIfPresent() {
        return Optional.ofNullable(email).filter(value -> !value.isBlank());
    }

    /** 判断账号是否可以登录和下单。 */
    public boolean isActive() {
        return status == Status.ACTIVE;
    }

    /** 返回等级变更后的会员。 */
    public Member withLevel(MemberLevel newLevel) {
        return new Member(id, nickname, mobile, email, passwordHash, newLevel, status, registeredAt);
    }

    /** 返回状态变更后的会员，已注销的账号不能恢复。 */
    public Member withStatus(Status newStatus) {
        Preconditions.state(status != Status.CLOSED, "会员已注销，不能再修改状态");
        return new Member(id, nickname, mobile, email, passwordHash, level, newStatus, registeredAt);
    }

    /** 返回密码变更后的会员。 */
    public Member withPasswordHash(String newHash) {
        return new Member(id, nickname, mobile, email, newHash, level, status, registeredAt);
    }

    /** 返回打码后的手机号，例如 {@code 138****0042}，用于页面和日志。 */
    public String maskedMobile() {
        return mobile.substring(0, 3) + "****" + mobile.substring(7);
    }

    @Override
    public String toString() {
        return "Member[" + id + ", " + maskedMobile() + ", " + level + ", " + status + "]";
    }
}
