/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.filter;

import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.http.Response;
import com.example.shop.gateway.route.Router;
import com.example.shop.gateway.security.TokenVerifier;
import com.example.shop.gateway.support.Preconditions;
import java.util.Optional;

/** 登录校验：受保护的路由必须携带有效的令牌，通过后把会员编号放进请求头。 */
public class AuthFilter implements Filter {

    private static final String PREFIX = "Bearer ";

    private final Router router;
    private final TokenVerifier verifier;

    public AuthFilter(Router router, TokenVerifier verifier) {
        this.router = Preconditions.notNull(router, "router");
        this.verifier = Preconditions.notNull(verifier, "verifier");
    }

    @Override
    public Response apply(Request request, Next next) throws Exception {
        // 外部请求不允许自带会员编号
        request.headers().remove("X-Member-Id");
        boolean secured = router.find(request).map(match -> match.route().secured()).orElse(false);
        Optional<String> token = request.headers().first("Authorization")
                .filter(value -> value.startsWith(PREFIX))
                .map(value -> value.substring(PREFIX.length()).strip());
        if (token.isEmpty()) {
            return secured ? unauthorized("请先登录") : next.proceed(request);
        }
        TokenVerifier.Result result = verifier.verify(token.get());
        if (result instanceof TokenVerifier.Valid valid) {
            request.attributes().put("memberId", valid.subject());
            return next.proceed(request.withHeader("X-Member-Id", valid.subject()));
        }
        if (secured) {
            return unauthorized(((TokenVerifier.Invalid) result).reason());
        }
        return next.proceed(request);
    }

    @Override
    public int order() {
        return 20;
    }

    private static Response unauthorized(String message) {
        return Response.error(401, "UNAUTHORIZED", message).withHeader("WWW-Authenticate", "Bearer");
    }
}
