/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.http;

import com.example.shop.gateway.support.Preconditions;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A request on its way through the gateway. Filters pass notes to each other as attributes. */
public record Request(
        Method method,
        String path,
        String query,
        Headers headers,
        byte[] body,
        String clientIp,
        Map<String, Object> attributes) {

    /** The methods that the gateway lets through. */
    public enum Method {
        GET, HEAD, POST, PUT, PATCH, DELETE;

        /** Tells whether a request may be sent twice without harm. */
        public boolean isIdempotent() {
            return switch (this) {
                case GET, HEAD, PUT, DELETE -> true;
                case POST, PATCH -> false;
            };
        }
    }

    public Request {
        Preconditions.notNull(method, "method");
        Preconditions.path(path, "path");
        query = query == null ? "" : query;
        headers = headers == null ? Headers.empty() : headers;
        body = body == null ? new byte[0] : body;
        attributes = attributes == null ? new HashMap<>() : attributes;
    }

    /** Returns a request without a body. */
    public static Request of(Method method, String target) {
        int mark = target.indexOf('?');
        String path = mark < 0 ? target : target.substring(0, mark);
        String query = mark < 0 ? "" : target.substring(mark + 1);
        return new Request(method, path, query, Headers.empty(), null, "127.0.0.1", null);
    }

    /** Returns the same request with another path; attributes are shared. */
    public Request withPath(String newPath) {
        return new Request(method, newPath, query, headers, body, clientIp, attributes);
    }

    /** Returns the same request with one more header field. */
    public Request withHeader(String name, String value) {
        return new Request(method, path, query, headers.copy().set(name, value), body, clientIp, attributes);
    }

    /** Returns the same request with a body. */
    public Request withBody(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return new Request(method, path, query, headers, bytes, clientIp, attributes);
    }

    /** Returns the query parameters, sorted by name. */
    public Map<String, List<String>> parameters() {
        Map<String, List<String>> parameters = new TreeMap<>();
        for (String part : query.split("&")) {
            if (part.isEmpty()) {
                continue;
            }
            int equals = part.indexOf('=');
            String name = decode(equals < 0 ? part : part.substring(0, equals));
            String value = equals < 0 ? "" : decode(part.substring(equals + 1));
            parameters.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
        }
        return parameters;
    }

    /** Returns an attribute that an earlier filter has set. */
    public <T> Optional<T> attribute(String name, Class<T> type) {
        return Optional.ofNullable(attributes.get(name)).filter(type::isInstance).map(type::cast);
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
}
