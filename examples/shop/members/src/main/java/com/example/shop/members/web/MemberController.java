/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.web;

import com.example.shop.members.MemberException;
import com.example.shop.members.domain.Member;
import com.example.shop.members.domain.Page;
import com.example.shop.members.service.LoginSessions;
import com.example.shop.members.service.MemberService;
import com.example.shop.members.support.Preconditions;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;

/** 会员相关的接口。返回值统一为 {@link Result}，不向外抛出异常。 */
public class MemberController {

    /** 注册请求。 */
    public record RegisterRequest(String nickname, String mobile, String email, String password) {
    }

    /** 统一的返回结果。 */
    public record Result<T>(int status, String message, T data) {

        static <T> Result<T> ok(T data) {
            return new Result<>(200, "成功", data);
        }

        static <T> Result<T> failed(int status, String message) {
            return new Result<>(status, message, null);
        }

        public boolean isOk() {
            return status == 200;
        }
    }

    private static final Logger LOG = Logger.getLogger(MemberController.class.getName());

    private final MemberService members;
    private final LoginSessions sessions;
    private final MemberMapper mapper;

    public MemberController(MemberService members, LoginSessions sessions, MemberMapper mapper) {
        this.members = Preconditions.notNull(members, "members");
        this.sessions = Preconditions.notNull(sessions, "sessions");
        this.mapper = Preconditions.notNull(mapper, "mapper");
    }

    /** POST /members */
    public Result<MemberDto> register(RegisterRequest request) {
        return handle("register", () -> mapper.toDto(members.register(
                request.nickname(), request.mobile(), request.email(), request.password())));
    }

    /** POST /sessions */
    public Result<Map<String, String>> login(String mobile, String password) {
        return handle("login", () -> {
            LoginSessions.Session session = sessions.login(mobile, password);
            return Map.of("token", session.token(), "expiresAt", session.expiresAt().toString());
        });
    }

    /** GET /members/me */
    public Result<MemberDto> me(String token) {
        return handle("me", () -> mapper.toDto(members.get(requireSession(token).memberId())));
    }

    /** PUT /members/me/password，成功后所有会话失效，需要重新登录。 */
    public Result<Integer> changePassword(String token, String oldPassword, String newPassword) {
        return handle("changePassword", () -> {
            Member changed = members.changePassword(requireSession(token).memberId(), oldPassword, newPassword);
            return sessions.logoutAll(changed.id());
        });
    }

    /** GET /members?keyword=&page=&size= */
    public Result<Page<MemberDto>> search(String keyword, int page, int size) {
        return handle("search", () -> members.search(keyword, page, size).map(mapper::toDto));
    }

    private LoginSessions.Session requireSession(String token) {
        return sessions.touch(token).orElseThrow(
                () -> new MemberException(MemberException.Code.LOGIN_FAILED, "请先登录"));
    }

    private static <T> Result<T> handle(String action, Callable<T> body) {
        try {
            return Result.ok(body.call());
        } catch (MemberException e) {
            LOG.log(Level.INFO, "{0} 被拒绝：{1}", new Object[] {action, e.getMessage()});
            return Result.failed(e.code().httpStatus(), e.getMessage());
        } catch (IllegalArgumentException e) {
            return Result.failed(400, e.getMessage());
        } catch (Exception e) {
            LOG.log(Level.SEVERE, action + " 处理失败", e);
            return Result.failed(500, "系统繁忙，请稍后再试");
        }
    }
}
