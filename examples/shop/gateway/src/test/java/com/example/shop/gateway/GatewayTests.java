/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway;

import static com.example.shop.check.Check.fails;
import static com.example.shop.check.Check.same;
import static com.example.shop.check.Check.test;
import static com.example.shop.check.Check.that;

import com.example.shop.check.Check;
import com.example.shop.gateway.backend.BackendClient;
import com.example.shop.gateway.backend.CircuitBreaker;
import com.example.shop.gateway.backend.Endpoint;
import com.example.shop.gateway.backend.HealthChecker;
import com.example.shop.gateway.backend.LoadBalancer;
import com.example.shop.gateway.backend.RetryPolicy;
import com.example.shop.gateway.config.StorageConfig;
import com.example.shop.gateway.filter.AccessLogFilter;
import com.example.shop.gateway.filter.AuthFilter;
import com.example.shop.gateway.filter.FilterChain;
import com.example.shop.gateway.filter.RateLimitFilter;
import com.example.shop.gateway.filter.ResponseCacheFilter;
import com.example.shop.gateway.http.Headers;
import com.example.shop.gateway.http.Request;
import com.example.shop.gateway.http.Response;
import com.example.shop.gateway.prompt.CompletionPrompt;
import com.example.shop.gateway.route.PathTemplate;
import com.example.shop.gateway.route.Route;
import com.example.shop.gateway.route.Router;
import com.example.shop.gateway.security.RequestSigner;
import com.example.shop.gateway.security.TokenVerifier;
import com.example.shop.gateway.support.Clocks;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** Tests of the gateway; run the main method. */
public final class GatewayTests {

    private final Clocks.ManualClock clock = Clocks.manual("2026-03-01T02:00:00Z");
    private final RequestSigner signer =
            new RequestSigner("a secret for the tests".getBytes(StandardCharsets.UTF_8), clock);
    private final TokenVerifier tokens = new TokenVerifier(signer, clock);
    private final Router router = new Router(List.of(
            Route.open("goods", "/goods/{id}", "inventory"),
            Route.open("hot", "/goods/hot", "inventory"),
            Route.open("orders", "/api/orders/**", "orders").rewriteTo("/orders/**").requireLogin()));

    public static void main(String[] args) {
        test("headers", () -> new GatewayTests().parsesHeaders());
        test("path templates", () -> new GatewayTests().matchesPaths());
        test("router", () -> new GatewayTests().prefersSpecificRoutes());
        test("request signing", () -> new GatewayTests().signsRequests());
        test("tokens", () -> new GatewayTests().checksTokens());
        test("circuit breaker", () -> new GatewayTests().opensAndCloses());
        test("retry", () -> new GatewayTests().retries());
        test("load balancing", () -> new GatewayTests().balances());
        test("health checks", () -> new GatewayTests().removesAndRestores());
        test("whole chain", () -> new GatewayTests().servesRequests());
        test("configuration", () -> new GatewayTests().readsConfiguration());
        test("completion prompt", () -> new GatewayTests().buildsPrompts());
        System.out.println(Check.passed() + " checks passed");
    }

    void parsesHeaders() {
        Headers headers = Headers.parse("Accept: text/html\r\nCache-Control: max-age=60, Private\r\n");
        same("text/html", headers.first("accept").orElseThrow());
        same(Map.of("max-age", "60", "private", ""), headers.directives("cache-control"));
        same(7L, headers.number("X-Count", 7));
        fails(IllegalArgumentException.class, () -> Headers.parse("no colon here"));
        fails(IllegalArgumentException.class, () -> headers.add("X-A", "1\r\nX-B: 2"));
    }

    void matchesPaths() {
        PathTemplate template = PathTemplate.parse("/orders/{orderNo}/items");
        same(Optional.of(Map.of("orderNo", "O42")), template.match("/orders/O42/items"));
        same(Optional.empty(), template.match("/orders/O42"));
        same("/orders/O7/items", template.expand(Map.of("orderNo", "O7")));
        same("a/b", PathTemplate.parse("/files/**").match("/files/a/b").orElseThrow().get("**"));
        fails(IllegalArgumentException.class, () -> PathTemplate.parse("/**/x"));
    }

    void prefersSpecificRoutes() {
        same("hot", router.find(Request.of(Request.Method.GET, "/goods/hot")).orElseThrow().route().id());
        Router.Match match = router.find(Request.of(Request.Method.GET, "/api/orders/O1/items")).orElseThrow();
        same("/orders/O1/items", match.backendPath("/api/orders/O1/items"));
        Route twice = Route.open("goods", "/x", "x");
        fails(IllegalArgumentException.class, () -> router.replace(List.of(twice, twice)));
    }

    void signsRequests() {
        Request request = Request.of(Request.Method.POST, "/pay?b=2&a=1").withBody("{}");
        Request signed = signer.sign(request);
        that(signer.check(signed), "the signature should be right");
        that(!signer.check(signed.withPath("/refund")), "another path must not pass");
        clock.advance(Duration.ofMinutes(6));
        that(!signer.check(signed), "an old signature must not pass");
    }

    void checksTokens() {
        String token = tokens.issue("M00000042", Duration.ofMinutes(10), Map.of("role", "member"));
        that(tokens.verify(token) instanceof TokenVerifier.Valid, "令牌应有效");
        same(new TokenVerifier.Invalid("令牌签名不正确"), tokens.verify(token + "0"));
        clock.advance(Duration.ofMinutes(11));
        same(new TokenVerifier.Invalid("令牌已过期"), tokens.verify(token));
    }

    void opensAndCloses() throws Exception {
        CircuitBreaker breaker = new CircuitBreaker("orders", 4, 0.5, Duration.ofSeconds(10), clock);
        for (int i = 0; i < 4; i++) {
            boolean failing = i % 2 == 0;
            breaker.call(() -> failing, failed -> failed);
        }
        same(CircuitBreaker.State.OPEN, breaker.state());
        fails(CircuitBreaker.OpenException.class, () -> breaker.call(() -> 1, result -> false));
        clock.advance(Duration.ofSeconds(10));
        same(1, breaker.call(() -> 1, result -> false));
        same(CircuitBreaker.State.CLOSED, breaker.state());
    }

    void retries() throws Exception {
        List<Duration> pauses = new ArrayList<>();
        RetryPolicy policy = new RetryPolicy(4, Duration.ofMillis(100), Duration.ofMillis(300), pauses::add);
        AtomicInteger calls = new AtomicInteger();
        Response response = policy.execute(Request.of(Request.Method.GET, "/x"), () -> {
            if (calls.incrementAndGet() < 3) {
                throw new IOException("connection reset");
            }
            return Response.text(calls.get() < 4 ? 503 : 200, "done");
        });
        same(200, response.status());
        same(List.of(100L, 200L, 300L), pauses.stream().map(Duration::toMillis).toList());
        same(503, policy.execute(Request.of(Request.Method.POST, "/x"), () -> Response.text(503, "")).status());
    }

    void balances() {
        List<Endpoint> endpoints = List.of(Endpoint.parse("a:80*2"), Endpoint.parse("b:80"));
        Request request = Request.of(Request.Method.GET, "/x");
        LoadBalancer robin = LoadBalancer.weightedRoundRobin();
        List<String> picked = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            picked.add(robin.pickHealthy(endpoints, request).orElseThrow().toString());
        }
        same(List.of("a:80", "a:80", "b:80", "a:80", "a:80", "b:80"), picked);
        endpoints.get(0).begin();
        same(endpoints.get(1), LoadBalancer.leastActive().pickHealthy(endpoints, request).orElseThrow());
        same(LoadBalancer.byClient().pick(endpoints, request), LoadBalancer.byClient().pick(endpoints, request));
    }

    void removesAndRestores() {
        Endpoint endpoint = Endpoint.parse("a:80");
        Set<Endpoint> down = new HashSet<>(Set.of(endpoint));
        try (HealthChecker checker = new HealthChecker(List.of(endpoint), e -> !down.contains(e), 2, 1)) {
            checker.checkAll();
            same(1L, checker.healthyCount());
            checker.checkAll();
            same(0L, checker.healthyCount());
            down.clear();
            checker.checkAll();
            same(1L, checker.healthyCount());
        }
    }

    void servesRequests() {
        List<String> log = new ArrayList<>();
        ResponseCacheFilter cache = new ResponseCacheFilter(10, clock);
        BackendClient backend = new BackendClient(router,
                Map.of("inventory", List.of(Endpoint.parse("i:80")), "orders", List.of(Endpoint.parse("o:80"))),
                LoadBalancer.leastActive(),
                new RetryPolicy(1, Duration.ZERO, Duration.ZERO, pause -> { }),
                (endpoint, request, timeout) -> Response.text(200, endpoint + request.path() + " "
                        + request.headers().first("X-Member-Id").orElse("-"))
                        .withHeader("Cache-Control", "max-age=60"),
                clock);
        FilterChain chain = new FilterChain(List.of(cache, new AuthFilter(router, tokens),
                new RateLimitFilter(Request::clientIp, 1, 5, clock), new AccessLogFilter(log::add, clock)), backend);
        same("i:80/goods/7 -", chain.handle(Request.of(Request.Method.GET, "/goods/7")).bodyText());
        chain.handle(Request.of(Request.Method.GET, "/goods/7"));
        same(1L, cache.hits());
        Request orders = Request.of(Request.Method.GET, "/api/orders/O1");
        same(401, chain.handle(orders).status());
        String token = tokens.issue("M1", Duration.ofMinutes(1), Map.of());
        same("o:80/orders/O1 M1", chain.handle(orders.withHeader("Authorization", "Bearer " + token)).bodyText());
        same(404, chain.handle(Request.of(Request.Method.GET, "/nothing")).status());
        same(429, chain.handle(Request.of(Request.Method.GET, "/goods/7")).status());
        same(6, log.size());
        that(log.get(3).contains(" M1 GET /api/orders/O1 200 "), "the log should name the member: " + log.get(3));
    }

    void readsConfiguration() {
        StorageConfig config = StorageConfig.from(new Properties());
        same("https://shop-gateway-logs.storage.example.com/a.log", config.objectUri("a.log").toString());
        that(!config.toString().contains(config.secretKey()), "密钥不能出现在日志里");
        same(List.of("GET"), RouteDtoBuilder.builder().id("r").path("/r").service("s").addMethod("GET")
                .build().methods());
    }

    void buildsPrompts() {
        CompletionPrompt prompt = new CompletionPrompt(100, 100);
        String built = prompt.build("int a = ;", 8);
        that(built.contains("int a = <｜fim▁hole｜>;"), built);
        same(Optional.of("1"), prompt.clean("1<|endoftext|>junk"));
        same(Optional.empty(), prompt.clean(" <pad>"));
    }
}
