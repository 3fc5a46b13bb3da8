/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.orders.web;

import com.example.shop.orders.domain.OrderException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds the {@link Route} that fits a request and calls it. */
public class Dispatcher {

    private static final System.Logger LOG = System.getLogger(Dispatcher.class.getName());

    public record Request(String method, String path, Map<String, String> query, Object body) {

        public static Request get(String path, Map<String, String> query) {
            return new Request("GET", path, query, null);
        }

        public static Request post(String path, Object body) {
            return new Request("POST", path, Map.of(), body);
        }
    }

    public record Response(int status, Object body) {
    }

    private record Endpoint(Object controller, Method method, Route route) {
    }

    private final List<Endpoint> endpoints = new ArrayList<>();
    private final OrderMapper mapper;

    public Dispatcher(OrderMapper mapper) {
        this.mapper = mapper;
    }

    public Dispatcher register(Object controller) {
        for (Method method : controller.getClass().getMethods()) {
            Route route = method.getAnnotation(Route.class);
            if (route != null) {
                endpoints.add(new Endpoint(controller, method, route));
            }
        }
        return this;
    }

    public Response handle(Request request) {
        for (Endpoint endpoint : endpoints) {
            if (!endpoint.route().method().equals(request.method())) {
                continue;
            }
            Optional<Map<String, String>> variables = match(endpoint.route().path(), request.path());
            if (variables.isPresent()) {
                return call(endpoint, request, variables.get());
            }
        }
        return new Response(404, new OrderDtos.ErrorView("NO_ROUTE", "找不到接口: " + request.path(), List.of()));
    }

    private Response call(Endpoint endpoint, Request request, Map<String, String> variables) {
        try {
            Object[] arguments = bind(endpoint.method(), request, variables);
            Object result = endpoint.method().invoke(endpoint.controller(), arguments);
            return new Response(endpoint.route().successStatus(), result);
        } catch (InvocationTargetException e) {
            return toErrorResponse(e.getCause());
        } catch (IllegalAccessException | IllegalArgumentException e) {
            return toErrorResponse(e);
        }
    }

    private Response toErrorResponse(Throwable error) {
        if (error instanceof OrderException orderError) {
            return new Response(orderError.code().httpStatus(), mapper.toError(orderError));
        }
        if (error instanceof IllegalArgumentException) {
            return new Response(400, new OrderDtos.ErrorView("BAD_REQUEST", error.getMessage(), List.of()));
        }
        LOG.log(System.Logger.Level.ERROR, "request failed", error);
        return new Response(500, new OrderDtos.ErrorView("INTERNAL", "系统繁忙，请稍后再试", List.of()));
    }

    private Object[] bind(Method method, Request request, Map<String, String> variables) {
        Parameter[] parameters = method.getParameters();
        Object[] arguments = new Object[parameters.length];
        for (int i = 0; i < parameters.length; i++) {
            if (parameters[i].isAnnotationPresent(Route.Body.class)) {
                if (!parameters[i].getType().isInstance(request.body())) {
                    throw new IllegalArgumentException("请求体类型不正确");
                }
                arguments[i] = request.body();
                continue;
            }
            Route.Param param = parameters[i].getAnnotation(Route.Param.class);
            String text = variables.getOrDefault(param.value(),
                    request.query().getOrDefault(param.value(), param.defaultValue()));
            arguments[i] = convert(text, parameters[i].getType(), param.value());
        }
        return arguments;
    }

    private static Object convert(String text, Class<?> type, String name) {
        if (type == String.class) {
            return text;
        }
        try {
            if (type == int.class) {
                return Integer.parseInt(text);
            }
            if (type == long.class) {
                return Long.parseLong(text);
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("参数 " + name + " 不是数字: " + text, e);
        }
        throw new IllegalArgumentException("unsupported parameter type " + type.getName());
    }

    /** Compares a pattern with a path part by part; empty if they do not fit. */
    static Optional<Map<String, String>> match(String pattern, String path) {
        String[] wanted = pattern.split("/");
        String[] actual = path.split("/");
        if (wanted.length != actual.length) {
            return Optional.empty();
        }
        Map<String, String> variables = new HashMap<>();
        for (int i = 0; i < wanted.length; i++) {
            if (wanted[i].startsWith("{") && wanted[i].endsWith("}")) {
                variables.put(wanted[i].substring(1, wanted[i].length() - 1), actual[i]);
            } else if (!wanted[i].equals(actual[i])) {
                return Optional.empty();
            }
        }
        return Optional.of(variables);
    }
}
