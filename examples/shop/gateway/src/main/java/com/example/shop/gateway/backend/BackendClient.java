/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.backend;

import com.example.shop.gateway.filter.Filter;
import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.http.Response;
import com.example.shop.gateway.route.Router;
import com.example.shop.gateway.support.Preconditions;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The end of the filter chain: finds the route and calls one endpoint of its service. */
public class BackendClient implements Filter.Next {

    /** Sends a request over the wire. */
    @FunctionalInterface
    public interface Transport {
        Response send(Endpoint endpoint, Request request, Duration timeout) throws Exception;
    }

    private final Router router;
    private final Map<String, List<Endpoint>> services;
    private final LoadBalancer balancer;
    private final RetryPolicy retryPolicy;
    private final Transport transport;
    private final Clock clock;
    private final Map<String, CircuitBreaker> breakers = new ConcurrentHashMap<>();

    public BackendClient(Router router, Map<String, List<Endpoint>> services, LoadBalancer balancer,
            RetryPolicy retryPolicy, Transport transport, Clock clock) {
        this.router = Preconditions.notNull(router, "router");
        this.services = Map.copyOf(services);
        this.balancer = Preconditions.notNull(balancer, "balancer");
        this.retryPolicy = Preconditions.notNull(retryPolicy, "retryPolicy");
        this.transport = Preconditions.notNull(transport, "transport");
        this.clock = Preconditions.notNull(clock, "clock");
    }

    @Override
    public Response proceed(Request request) throws Exception {
        Optional<Router.Match> match = router.find(request);
        if (match.isEmpty()) {
            return router.knowsPath(request.path())
                    ? Response.error(405, "METHOD_NOT_ALLOWED", "不支持的请求方法")
                    : Response.error(404, "NO_ROUTE", "请求的地址不存在");
        }
        String service = match.get().route().service();
        Request forwarded = request
                .withPath(match.get().backendPath(request.path()))
                .withHeader("X-Forwarded-For", request.clientIp());
        CircuitBreaker breaker = breakers.computeIfAbsent(service,
                name -> new CircuitBreaker(name, 20, 0.5, Duration.ofSeconds(10), clock));
        try {
            return breaker.call(
                    () -> retryPolicy.execute(forwarded,
                            () -> sendOnce(service, forwarded, match.get().route().timeout())),
                    Response::isServerError);
        } catch (CircuitBreaker.OpenException e) {
            return Response.error(503, "SERVICE_UNAVAILABLE", "服务暂时不可用").withHeader("Retry-After", "10");
        }
    }

    private Response sendOnce(String service, Request request, Duration timeout) throws Exception {
        Endpoint endpoint = balancer.pickHealthy(services.getOrDefault(service, List.of()), request)
                .orElseThrow(() -> new IllegalStateException("no endpoint for service " + service));
        endpoint.begin();
        try {
            return transport.send(endpoint, request, timeout);
        } finally {
            endpoint.end();
        }
    }
}
