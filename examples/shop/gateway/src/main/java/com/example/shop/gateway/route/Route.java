/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.route;

import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.support.Preconditions;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;

/**
 * 一条路由规则。
 *
 * @param id 路由名称，用于日志与统计
 * @param template 匹配的路径
 * @param methods 允许的方法，空集合表示全部
 * @param service 转发到的后端服务名
 * @param rewrite 转发时使用的路径，为 null 时保持不变
 * @param timeout 后端超时时间
 * @param secured 是否需要登录
 */
public record Route(
        String id,
        PathTemplate template,
        Set<Request.Method> methods,
        String service,
        PathTemplate rewrite,
        Duration timeout,
        boolean secured) {

    public Route {
        Preconditions.notBlank(id, "id");
        Preconditions.notNull(template, "template");
        Preconditions.notBlank(service, "service");
        Preconditions.positive(timeout.toMillis(), "timeout");
        methods = methods.isEmpty() ? EnumSet.allOf(Request.Method.class) : EnumSet.copyOf(methods);
    }

    /** 创建一条匿名可访问、路径不变的路由。 */
    public static Route open(String id, String template, String service) {
        return new Route(id, PathTemplate.parse(template), Set.of(), service, null, Duration.ofSeconds(3), false);
    }

    /** 返回需要登录的同一条路由。 */
    public Route requireLogin() {
        return new Route(id, template, methods, service, rewrite, timeout, true);
    }

    /** 返回转发时改写路径的同一条路由。 */
    public Route rewriteTo(String newTemplate) {
        return new Route(id, template, methods, service, PathTemplate.parse(newTemplate), timeout, secured);
    }

    /** 判断方法是否允许。 */
    public boolean allows(Request.Method method) {
        return methods.contains(method);
    }
}
