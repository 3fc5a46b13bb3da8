/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.http;

import com.example.shop.gateway.support.Preconditions;
import java.nio.charset.StandardCharsets;

/** A response, either from a backend or written by the gateway itself. */
public record Response(int status, Headers headers, byte[] body) {

    public Response {
        Preconditions.inRange(status, 100, 599, "status");
        headers = headers == null ? Headers.empty() : headers;
        body = body == null ? new byte[0] : body;
    }

    /** Returns a response with a text body. */
    public static Response text(int status, String text) {
        Headers headers = Headers.empty().set("Content-Type", "text/plain; charset=utf-8");
        return new Response(status, headers, text.getBytes(StandardCharsets.UTF_8));
    }

    /** 返回统一格式的错误响应。 */
    public static Response error(int status, String code, String message) {
        String json = """
                {"code": "%s", "message": "%s"}
                """.formatted(code, message.replace("\\", "\\\\").replace("\"", "\\\""));
        Headers headers = Headers.empty().set("Content-Type", "application/json; charset=utf-8");
        return new Response(status, headers, json.strip().getBytes(StandardCharsets.UTF_8));
    }

    /** Returns the same response with one more header field. */
    public Response withHeader(String name, String value) {
        return new Response(status, headers.copy().set(name, value), body);
    }

    public boolean isSuccess() {
        return status >= 200 && status < 300;
    }

    public boolean isServerError() {
        return status >= 500;
    }

    public String bodyText() {
        return new String(body, StandardCharsets.UTF_8);
    }
}
