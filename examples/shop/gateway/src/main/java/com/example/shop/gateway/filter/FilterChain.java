/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.filter;

import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.http.Response;
import com.example.shop.gateway.support.Preconditions;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.logging.Level;
import java.util.logging.Logger;

/** 过滤器链：按顺序执行所有过滤器，最后调用后端；异常统一转换为错误响应。 */
public class FilterChain {

    private static final Logger LOG = Logger.getLogger(FilterChain.class.getName());

    private final List<Filter> filters;
    private final Filter.Next backend;

    public FilterChain(Collection<? extends Filter> filters, Filter.Next backend) {
        this.filters = Preconditions.notNull(filters, "filters").stream()
                .<Filter>map(filter -> filter)
                .sorted(Comparator.comparingInt(Filter::order))
                .toList();
        this.backend = Preconditions.notNull(backend, "backend");
    }

    /** 处理一个请求，不会抛出异常。 */
    public Response handle(Request request) {
        try {
            return call(0, request);
        } catch (TimeoutException e) {
            LOG.log(Level.WARNING, "后端超时：{0} {1}", new Object[] {request.method(), request.path()});
            return Response.error(504, "BACKEND_TIMEOUT", "服务响应超时，请稍后再试");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Response.error(503, "SHUTTING_DOWN", "网关正在停机");
        } catch (IllegalArgumentException e) {
            return Response.error(400, "BAD_REQUEST", String.valueOf(e.getMessage()));
        } catch (Exception e) {
            LOG.log(Level.SEVERE, "处理请求失败：" + request.path(), e);
            return Response.error(502, "BAD_GATEWAY", "后端服务不可用");
        }
    }

    private Response call(int index, Request request) throws Exception {
        if (index == filters.size()) {
            return backend.proceed(request);
        }
        Response response = filters.get(index).apply(request, next -> call(index + 1, next));
        Preconditions.state(response != null, "过滤器没有返回响应：" + filters.get(index).getClass());
        return response;
    }
}
