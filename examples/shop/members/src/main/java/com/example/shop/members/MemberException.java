/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members;

/** 会员服务的业务异常，携带返回给调用方的错误码。 */
public class MemberException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** 错误码。 */
    public enum Code {
        NOT_FOUND(404),
        ALREADY_EXISTS(409),
        INVALID_ARGUMENT(400),
        NOT_ENOUGH_POINTS(422),
        COUPON_NOT_USABLE(422),
        LOGIN_FAILED(401),
        LOCKED(423);

        private final int httpStatus;

        Code(int httpStatus) {
            this.httpStatus = httpStatus;
        }

        public int httpStatus() {
            return httpStatus;
        }
    }

    private final Code code;

    public MemberException(Code code, String message) {
        super(message);
        this.code = code;
    }

    public MemberException(Code code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /** 会员不存在。 */
    public static MemberException notFound(String memberId) {
        return new MemberException(Code.NOT_FOUND, "会员不存在：" + memberId);
    }

    public Code code() {
        return code;
    }
}
